"""Whether the engine under us is the one whose insides we know."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import aioice
from aiortc import RTCSctpTransport, rtcicetransport

KNOWN = {"aiortc": "1.16.", "aioice": "0.13."}


def problems() -> list[str]:
    """What differs from the versions this engine was made for; empty when all is well."""
    found = [
        f"{name} {version(name)} is installed, {known}x is known"
        for name, known in KNOWN.items()
        if not version(name).startswith(known)
    ]
    gathering = inspect.signature(aioice.Connection.get_component_candidates)
    if list(gathering.parameters) != ["self", "component", "addresses", "timeout"]:
        found.append("aioice gathers candidates in another way")
    if not issubclass(getattr(rtcicetransport, "Connection", object), aioice.Connection):
        found.append("aiortc's gatherer does not take its connection from rtcicetransport.Connection")
    names = RTCSctpTransport.__init__.__code__.co_names
    if not {"_data_channel_queue", "_outbound_queue", "_sent_queue"} <= set(names):
        found.append("aiortc keeps what is under way in other queues")
    return found
