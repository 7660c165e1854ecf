"""How near this process is to its end: memory and open files, as the system counts them.

Read a few times a second. A server that is short of either takes nobody in, and gives back what it can,
before the system ends it or every ``accept`` fails.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Literal

Shortage = Literal["memory", "files"]

SHORT = 0.85
"""Of what the process may have. Python needs room to give back memory, and the loop to answer."""
ENOUGH = 0.75
"""Below the other, or a server at the mark would say yes and no in turns."""
SPARE_FILES = 32
"""Kept for those who only ask how we are, for pages, and for files of our own."""

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4_096
# A container's own limit is at the root of what it sees (cgroups 2, then 1).
_GROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


class Pressure:
    """What this process has left. ``memory_bytes`` is the most it should use; 0 for what the system allows.

    Where the system does not tell (no ``/proc``), there is never a shortage of memory.
    """

    def __init__(self, memory_bytes: int = 0) -> None:
        self._limit = min(filter(None, (memory_bytes, _group_bytes(), _machine_bytes())), default=0)
        self.memory_share = 0.0
        """Used of what may be used, 0 to 1, at the last look."""
        self.files_left = SPARE_FILES
        """At the last look: 0 to :data:`SPARE_FILES`, which stands for that or more."""
        self.shortage: Shortage | None = None

    def look(self) -> None:
        """Measure again."""
        self.memory_share = self._memory_share()
        self.files_left = _files_left()
        mark = ENOUGH if self.shortage == "memory" else SHORT
        if self.memory_share >= mark:
            self.shortage = "memory"
        else:
            self.shortage = "files" if self.files_left < SPARE_FILES else None

    def _memory_share(self) -> float:
        try:
            with open("/proc/self/statm", "rb") as file:
                virtual, resident = (int(each) * _PAGE for each in file.read().split()[:2])
        except OSError:
            # No such file, or no file to spare, which is the other shortage.
            return 0.0 if self.shortage != "memory" else self.memory_share
        share = resident / self._limit if self._limit else 0.0
        allowed = _address_space_bytes()
        if allowed:
            # What was freed stays mapped, and is used again before anything else is.
            share = max(share, (virtual - _free_heap_bytes()) / allowed)
        return share


class _MallInfo(ctypes.Structure):
    """``struct mallinfo2`` of glibc 2.33 and newer (mallinfo(3))."""

    _fields_ = [  # ctypes wants a plain attribute
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def _free_heap_bytes() -> int:
    """Mapped and not in use; 0 where the allocator does not tell."""
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except (OSError, TypeError, AttributeError):
        return 0
    mallinfo2.restype = _MallInfo
    return int(mallinfo2().fordblks)


def give_back_memory() -> None:
    """Return to the system what has been freed; the allocator would keep it for later. Takes milliseconds."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, TypeError, AttributeError):
        pass  # not glibc: there it is not needed, or not possible


def _files_left() -> int:
    """The system opens a file at the lowest free number, so one that is high says that few are left."""
    if sys.platform == "win32":
        return SPARE_FILES
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return 0
    os.close(lowest)
    return SPARE_FILES if soft == resource.RLIM_INFINITY else min(SPARE_FILES, max(0, soft - lowest))


def _address_space_bytes() -> int:
    """``RLIMIT_AS``; 0 where there is none."""
    if sys.platform == "win32":
        return 0
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return 0 if soft == resource.RLIM_INFINITY else soft


def _group_bytes() -> int:
    for path in _GROUPS:
        try:
            told = path.read_text().strip()
        except OSError:
            continue
        # 'max', or a number too large to mean anything.
        return int(told) if told.isdecimal() and int(told) < 1 << 60 else 0
    return 0


def _machine_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * _PAGE
    except (AttributeError, ValueError, OSError):
        return 0
