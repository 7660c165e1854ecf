"""Machines of one's own inside this one: Linux network namespaces, named after the process that made them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType

_OURS = re.compile(r"pl(\d+)-")
_TUN = Path("/dev/net/tun")
_COMMAND_TIMEOUT = 10.0


class LabError(Exception):
    """The lab could not be built, or a part of it has ended."""


def reason_not_here() -> str | None:
    """Why no lab can be built on this machine, as a sentence; None when it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "the command 'ip' is missing: apt-get install iproute2"
    if not _TUN.exists():
        return f"{_TUN} is missing: this kernel, or this container, has no TUN devices"
    probe = f"pl{os.getpid()}-probe"
    try:
        ip("netns", "add", probe)
        ip("netns", "del", probe)
    except LabError as error:
        return f"network namespaces cannot be made here: {error}"
    return None


def ip(*arguments: str) -> str:
    """What ``ip`` prints. Raises LabError with what it complains about."""
    done = subprocess.run(
        ["ip", *arguments], capture_output=True, text=True, timeout=_COMMAND_TIMEOUT, check=False
    )
    if done.returncode != 0:
        raise LabError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def existing() -> list[str]:
    """The labs' namespaces on this machine, of all processes."""
    names = [line.split()[0] for line in ip("netns", "list").splitlines() if line.strip()]
    return [name for name in names if _OURS.match(name)]


def remove_leftovers() -> list[str]:
    """Remove the namespaces of processes that are no more, and return their names."""
    left = []
    for name in existing():
        owner = _OURS.match(name)
        if owner is not None and not Path(f"/proc/{owner[1]}").exists():
            ip("netns", "del", name)
            left.append(name)
    return left


class Namespaces:
    """Makes namespaces, and removes them at the end of the ``with`` block."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}

    def __enter__(self) -> Namespaces:
        remove_leftovers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._made):
            self.remove(name)

    def __getitem__(self, name: str) -> str:
        """The name that the machine knows it by."""
        return self._made[name]

    def make(self, name: str) -> str:
        """A namespace with nothing but its loopback in it; returns the name that the machine knows it by."""
        full = self._full_name(name)
        ip("netns", "add", full)
        self._made[name] = full
        ip("-n", full, "link", "set", "lo", "up")
        return full

    def remove(self, name: str) -> None:
        """Processes inside are not ended by this; whoever started them does that first."""
        ip("netns", "del", self._made.pop(name))

    def inside(self, name: str, *command: str) -> list[str]:
        """The command line that runs ``command`` inside, in a process with the same pid."""
        return ["ip", "netns", "exec", self._made[name], *command]

    def _full_name(self, name: str) -> str:
        # Two labs of one process may stand side by side.
        taken = set(existing())
        full, number = f"pl{os.getpid()}-{name}", 1
        while full in taken:
            number += 1
            full = f"pl{os.getpid()}-{name}{number}"
        return full
