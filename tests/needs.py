"""What some tests need of a machine, and what becomes of them where it is not there.

In continuous integration they fail, and so they do for root where apt could have brought it: there nothing
is left out unnoticed. Elsewhere they are skipped, with the reason. ``@pytest.mark.needs("chromium", "lab")``
asks before the test begins; :func:`program` within it.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable
from typing import NoReturn

import pytest

from tests.natlab.namespaces import reason_not_here
from tests.natlab.nat.rootless import reason_no_internet_here, reason_no_users_here

PACKAGES = {
    "chromium": "chromium",
    "chromium-headless-shell": "chromium-headless-shell",
    "haproxy": "haproxy",
    "ip": "iproute2",
    "nats-server": "nats-server",
    "nft": "nftables",
    "nginx": "nginx",
    "redis-server": "redis-server",
    "systemd-analyze": "systemd",
    "turnserver": "coturn",
    "turnutils_natdiscovery": "coturn",
    "unshare": "util-linux",
}
"""Programs, and Debian's packages that have them."""
LABS: dict[str, tuple[tuple[str, ...], Callable[[], str | None]]] = {
    "lab": (("ip",), reason_not_here),
    "internet": (("ip", "nft", "turnserver"), reason_no_internet_here),
    "users": (("ip", "nft", "turnserver", "unshare"), reason_no_users_here),
}
"""Kinds of laboratories: the programs that they are made with, and why the kernel does not allow them."""


def require(name: str) -> None:
    """This program, or this kind of laboratory."""
    if name not in LABS:
        program(name)
        return
    programs, _ = LABS[name]
    for each in programs:
        program(each)
    reason = _reason_against(name)
    if reason is not None:
        lacking(reason, is_package=False)


def program(name: str) -> str:
    """Where it is."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        lacking(f"the program '{name}' is missing: apt-get install {PACKAGES[name]}")
    return found


def lacking(reason: str, *, is_package: bool = True) -> NoReturn:
    """``is_package``: apt has it, so whoever is root could have it."""
    is_ci = os.environ.get("CI", "") not in ("", "0", "false")
    if is_ci or (is_package and os.geteuid() == 0 and shutil.which("apt-get") is not None):
        pytest.fail(f"{reason}; nothing may be left out here", pytrace=False)
    pytest.skip(reason)


@functools.cache
def _reason_against(lab: str) -> str | None:
    """Asked once in a run, since asking builds one."""
    _, reason = LABS[lab]
    return reason()
