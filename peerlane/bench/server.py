"""The server that is loaded: whether it is there, and from how many addresses it wants to be loaded."""

from __future__ import annotations

import ipaddress
import math
import socket
import sys
from urllib.parse import urlsplit, urlunsplit

from peer.errors import Lost
from peer.signaling_client.dialling import FAILURES, Dialler, explain, why
from peer.signaling_client.effects import Ended
from peerlane.bench.plan import MAX_SOURCES, Plan
from signaling.protocol.errors import ComeBack

LINKS_PER_SOURCE = 200
"""Well below ``limits.links_per_address``, so that visitors have room."""
LINKS_PER_SECOND_PER_SOURCE = 25
"""Below ``limits.links_per_second_per_address``."""
FASTEST = 500.0
"""Links a second that a node takes (``limits.links_per_second``)."""


async def require_server(plan: Plan) -> None:
    """Open one link to each node. Raises PeerlaneError when that does not go."""
    dialler = Dialler(plan.token, verify=not plan.insecure)
    try:
        for url in plan.urls:
            try:
                async with dialler.open(url):
                    pass
            except FAILURES as error:
                failure = explain(error, has_worked=False)
                if failure.advice.come_back is ComeBack.NEVER:
                    raise why(Ended(failure.code, failure.advice.reason)) from error
                raise Lost(failure.advice.reason, hint=f"is a server running at {url}?") from error
    finally:
        await dialler.close()


def at_loopback(urls: list[str]) -> list[str] | None:
    """The same addresses in numbers, if all are of this machine, and it has many; None otherwise."""
    found = []
    for url in urls:
        parts = urlsplit(url)
        host = parts.hostname or ""
        # A certificate is for the name.
        if host == "localhost" and parts.scheme == "ws":
            host = "127.0.0.1"
        if not _is_loopback(host):
            return None
        port = "" if parts.port is None else f":{parts.port}"
        found.append(urlunsplit((parts.scheme, f"{host}{port}", parts.path, parts.query, "")))
    return found if sys.platform == "linux" and _has_others() else None


def usual_sources(plan: Plan) -> int:
    """How many addresses keep below what a server takes from one."""
    by_number = math.ceil(plan.members / LINKS_PER_SOURCE)
    fastest = max(plan.ramp or FASTEST, plan.churn if plan.pattern == "churn" else 0.0)
    by_rate = math.ceil(fastest / LINKS_PER_SECOND_PER_SOURCE)
    return min(MAX_SOURCES, plan.members, max(by_number, by_rate))


def limit_of_open_files() -> int:
    """How many files one process may open, when it asks for as many as it can have."""
    if sys.platform == "win32":
        return sys.maxsize
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.version == 4 and address.is_loopback


def _has_others() -> bool:
    """Whether 127.0.0.2 is there too, as it is on Linux."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            return False
    return True
