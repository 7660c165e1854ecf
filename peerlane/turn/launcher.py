"""Becomes coturn, as a user who may nothing, and ends with the one who has started it.

Run as a script of its own: between fork and exec of a program with threads nothing of this would be safe.
usage: launcher.py PARENT_PID USER PROGRAM [ARGUMENT …]   an empty USER stays who it is
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, user: str, *command: str) -> None:
    if user:
        _become(user)
    if sys.platform == "linux":
        # After the change of user, which takes it back.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):
            return  # it has ended before we could ask to be told
    os.execv(command[0], command)  # the command is our own, with the path of a program


def _become(user: str) -> None:
    import pwd

    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    main(*sys.argv[1:])
