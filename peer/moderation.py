"""What an owner of a room, or somebody whose token says so, may do to it: ``room.moderation``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.messages import Configure, Decide, Kick
from signaling.protocol.passwords import password_proof
from signaling.protocol.permissions import OWNER, Permission

Act = Callable[[Kick | Configure | Decide], Awaitable[None]]


def permits(can: Collection[str], is_owner: bool, permission: Permission) -> bool:
    """Whether somebody may do this in a room, as the server judges it; ``can`` is what the token permits."""
    return permission in can or Permission.ADMIN in can or (is_owner and permission in OWNER)


class Moderation:
    """Each waits until it has taken effect, and raises Refused (``not-allowed``, ``unknown-peer``)."""

    def __init__(self, room: RoomName, next_request: Callable[[], int], act: Act) -> None:
        self._room = room
        self._next_request = next_request
        self._act = act

    async def kick(self, id: str, *, ban: float = 0.0, reason: str = "") -> None:
        """Throw a member out, and refuse it for ``ban`` seconds."""
        await self._act(Kick(self._next_request(), self._room, PeerId(id), ban, reason))

    async def lock(self) -> None:
        """Nobody comes in any more; who is in stays."""
        await self._act(Configure(self._next_request(), self._room, locked=True))

    async def unlock(self) -> None:
        await self._act(Configure(self._next_request(), self._room, locked=False))

    async def set_password(self, password: str) -> None:
        """For those who come from now on; an empty one takes it away."""
        proof = await asyncio.to_thread(password_proof, password, self._room) if password else ""
        await self._act(Configure(self._next_request(), self._room, proof=proof))

    async def set_capacity(self, members: int) -> None:
        """Who is in stays, even if there are more."""
        await self._act(Configure(self._next_request(), self._room, capacity=members))

    async def set_lobby(self, has_lobby: bool) -> None:
        """Whether those who come wait until they are let in; taking it away lets in whoever waits."""
        await self._act(Configure(self._next_request(), self._room, lobby=has_lobby))

    async def hand_over(self, id: str) -> None:
        """Make this member the owner."""
        await self._act(Configure(self._next_request(), self._room, owner=PeerId(id)))

    async def admit(self, id: str) -> None:
        """Let in who waits."""
        await self._act(Decide(self._next_request(), self._room, PeerId(id), True))

    async def turn_away(self, id: str) -> None:
        """Do not let in who waits."""
        await self._act(Decide(self._next_request(), self._room, PeerId(id), False))
