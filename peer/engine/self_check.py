"""Whether the engine under us is the one whose insides we know, and what we do without where it is not.

Another version in which all is still in its place is used with a warning. Where something is not, only what
is built on it is left out: connections are then made with aiortc as it comes.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import version

from aiortc import rtcsctptransport

from peer.engine.contracts import DELIVERY, DTLS, ICE, SCTP, SOURCES, broken

log = logging.getLogger(__name__)

KNOWN = {"aiortc": "1.16.", "aioice": "0.13."}
RTO = {"SCTP_RTO_INITIAL": 1.0, "SCTP_RTO_MIN": 0.3}
"""Seconds. aiortc waits 3 s and 1 s before it sends again; at 5 % loss a small message is late by 0.9 s
then, and by 0.3 s with these (RFC 9260 section 16 leaves them to whoever implements it). Less would be
too little: browsers take up to 0.2 s to acknowledge a lone packet."""


def problems() -> list[str]:
    """What differs from the versions this engine was made for; empty when all is well."""
    found = [
        f"{name} {version(name)} is installed, {known}x is known"
        for name, known in KNOWN.items()
        if not version(name).startswith(known)
    ]
    found += [f"{name} is gone; ICE cannot be restarted" for name in broken(ICE)]
    found += [f"{name} is gone; datagrams wait for all that was sent before them" for name in broken(SCTP)]
    found += [f"{name} is gone; nobody waits for delivery" for name in broken(DELIVERY)]
    found += [f"{name} is gone; traffic is not counted" for name in broken(DTLS)]
    found += [f"{name} is gone; a peer may make up sources of media without end" for name in broken(SOURCES)]
    found += [f"{name} is gone; what is lost is sent again late" for name in RTO if not _is_read(name)]
    return found


@cache
def has_own_ice() -> bool:
    """Whether candidates are told as they come, and ICE can be restarted; aiortc can do neither."""
    return not broken(ICE)


@cache
def has_own_sctp() -> bool:
    """Whether datagrams wait for nothing, and what is sent without end is ended."""
    return not broken(SCTP)


@cache
def bounds_sources() -> bool:
    """Whether sources of media that a peer makes up are forgotten again."""
    return not broken(SOURCES)


@cache
def knows_delivery() -> bool:
    return not broken(DELIVERY)


@cache
def knows_traffic() -> bool:
    return not broken(DTLS)


@cache
def prepare() -> bool:
    """Once, before the first connection: set aiortc up, and warn of what is wrong. As :func:`has_own_ice`."""
    # aioice writes the addresses of both sides at info level; who wants them sets the level first.
    logger = logging.getLogger("aioice")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
    for name, seconds in RTO.items():
        if _is_read(name):
            setattr(rtcsctptransport, name, seconds)
    for problem in problems():
        log.warning("! the WebRTC engine is not the one we know: %s", problem)
    return has_own_ice()


def _is_read(name: str) -> bool:
    """Whether aiortc keeps this limit where it can be set."""
    return isinstance(getattr(rtcsctptransport, name, None), int | float)
