"""Network namespaces: machines inside this one. Made with names of their own, and never left behind.

A name tells who has made it (process id, and when that process began), so that whoever comes next removes
what a crash has left, and nothing else.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

PREFIX = "peerlane"
COMMAND_TIMEOUT = 10.0
END_TIMEOUT = 5.0
TUN = Path("/dev/net/tun")

_numbers = itertools.count()


class LabError(Exception):
    """The lab could not be built, or a part of it has ended."""


def reason_not_here() -> str | None:
    """Why no lab can be built on this machine, as a sentence; None when it can."""
    if os.geteuid() != 0:
        return "network namespaces need root (or: unshare --user --map-root-user --net --mount)"
    if shutil.which("ip") is None:
        return "the command 'ip' is missing: apt-get install iproute2"
    if not os.access(TUN, os.R_OK | os.W_OK):
        return f"{TUN} is missing: this kernel, or this container, has no TUN devices"
    try:
        Namespace("probe").remove()
    except LabError as error:
        return f"network namespaces cannot be made here: {error}"
    return None


def run(*command: str, given: str | None = None, may_fail: bool = False) -> str:
    """Run a command to its end; its output. Raises LabError with what it complains about."""
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, check=False
    )
    if done.returncode != 0 and not may_fail:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """One network namespace, with its loopback up. Ends with :meth:`remove`."""

    def __init__(self, word: str) -> None:
        pid = os.getpid()
        self.name = f"{PREFIX}.{pid}.{_began(pid)}.{next(_numbers)}.{word}"
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments: str) -> str:
        """``ip`` in this namespace."""
        return run("ip", "-n", self.name, *arguments)

    def command(self, *command: str) -> list[str]:
        """The command line that runs ``command`` inside, in a process with the same pid."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, *command: str, given: str | None = None, may_fail: bool = False) -> str:
        """Run a command inside to its end; its output. Raises LabError with what it complains about."""
        return run(*self.command(*command), given=given, may_fail=may_fail)

    def remove(self) -> None:
        """End whatever still runs inside, and the namespace."""
        _remove(self.name)


def remove_leftovers() -> list[str]:
    """Remove the namespaces whose makers have died; returns their names."""
    left = [name for name in existing() if _is_left_over(name)]
    for name in left:
        _remove(name)
    return left


def existing() -> list[str]:
    """The labs' namespaces on this machine, of all processes."""
    names = [line.split()[0] for line in run("ip", "netns", "list").splitlines() if line]
    return [name for name in names if name.startswith(f"{PREFIX}.")]


def _is_left_over(name: str) -> bool:
    _, pid, began, *_ = name.split(".")
    return _began(int(pid)) != began


def _began(pid: int) -> str:
    """When a process began, in ticks since the machine did; empty: there is none (proc(5), field 22)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _remove(name: str) -> None:
    try:
        _end_all_inside(name)
        run("ip", "netns", "delete", name)
    except LabError:
        # Another process may remove the same leftovers.
        if name in existing():
            raise


def _end_all_inside(name: str) -> None:
    deadline = time.monotonic() + END_TIMEOUT
    while (pids := run("ip", "netns", "pids", name).split()) and time.monotonic() < deadline:
        for pid in pids:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has ended by itself
        time.sleep(0.02)
