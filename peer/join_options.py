"""What you may say about how you join a room."""

from __future__ import annotations

from pathlib import Path

import msgspec

from peer.engine.ice.policy import IcePolicy
from peer.renewal import TokenSource


class JoinOptions(msgspec.Struct, frozen=True):
    token: str | TokenSource = ""
    """Where the server asks for one; a function (``async def``) is called again before it ends."""
    password: str = ""
    """Of the room; if you are the first, the others need it. It is never sent."""
    lobby: bool = False
    """If you are the first: the others wait until they are let in."""
    verify: bool | str | Path = True
    """False, or the path of a PEM certificate to trust: for a server that has made its own."""
    capacity: int | None = None
    """Of the room, if you are the first."""
    policy: IcePolicy = IcePolicy()
    """Which addresses, ports and paths may be used; see ``docs/connections.md``."""
    nearest: bool = False
    """Ask the server for all of its nodes, and use the nearest; see ``docs/many-nodes.md``."""
    timeout: float = 20.0
    """How long to try to reach the server before giving up."""


DEFAULT_OPTIONS = JoinOptions()
