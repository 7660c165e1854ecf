"""The lab for somebody who is not root: in a namespace of users, where everybody may be root of it.

``python -m tests.natlab.nat.rootless COMMAND…`` runs a command there. It has networks, mounts and processes
of its own, so that nothing is left when it ends, however it ends. For root it just runs the command.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.natlab.namespaces import LabError, Namespace

UNSHARE = (
    "unshare", "--user", "--map-root-user", "--net", "--mount", "--mount-proc", "--pid", "--fork",
    "--kill-child",
)  # fmt: skip
# ip(8) keeps its names there, and only its own root may write into the one outside.
SETUP = 'mount -t tmpfs tmpfs /run && exec "$0" "$@"'
PROGRAMS = {"ip": "iproute2", "nft": "nftables", "turnserver": "coturn"}
TRY_TIMEOUT = 10.0


def inside(*command: str) -> list[str]:
    """The command line that runs ``command`` as the root of namespaces of its own."""
    return [*UNSHARE, "sh", "-c", SETUP, *command]


def reason_no_users_here() -> str | None:
    """Why there is no lab without root on this machine, as a sentence; None when there is."""
    try:
        done = subprocess.run(
            inside("ip", "netns", "add", "probe"),
            capture_output=True,
            text=True,
            timeout=TRY_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"namespaces of users cannot be made here: {error}"
    return None if done.returncode == 0 else f"namespaces of users are forbidden here: {done.stderr.strip()}"


def reason_no_internet_here() -> str | None:
    """Why routers and servers cannot be built by this process, as a sentence; None when they can."""
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            return f"the command '{program}' is missing: apt-get install {package}"
    if os.geteuid() != 0:
        return "network namespaces need root, or: python -m tests.natlab.nat.rootless COMMAND"
    try:
        namespace = Namespace("probe")
        try:
            namespace.run("nft", "list", "ruleset")
        finally:
            namespace.remove()
    except LabError as error:
        return f"network namespaces with nftables cannot be made here: {error}"
    return None


def main() -> None:
    command = sys.argv[1:]
    if os.geteuid() != 0:
        reason = reason_no_users_here()
        if reason is not None:
            sys.exit(f"no laboratory without root: {reason}")
        command = inside(*command)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
