"""The two counts of a session: which requests the server may have missed, and which events we have had."""

from __future__ import annotations

from collections import deque

from peer.errors import Full
from signaling.protocol.messages import (
    Ack,
    Authenticate,
    Broadcast,
    Configure,
    Decide,
    Join,
    Kick,
    Leave,
    Signal,
    Update,
)

NumberedRequest = Join | Leave | Update | Signal | Ack | Broadcast | Authenticate | Kick | Configure | Decide

MAX_UNCONFIRMED_REQUESTS = 1024
CONFIRM_EVERY = 64
"""After this many messages, of either side, a ping is worth its bytes: the other side may forget them."""


class Numbered:
    def __init__(self) -> None:
        self.kept: deque[NumberedRequest] = deque()
        """Requests that the server has not confirmed, oldest first."""
        self.received = 0
        self._posted = 0
        self._posted_when_asked = 0
        self._received_when_said = 0

    @property
    def is_full(self) -> bool:
        """So many requests wait for the server that the application has to wait too."""
        return len(self.kept) >= MAX_UNCONFIRMED_REQUESTS

    def require_room(self) -> None:
        """Raises Full when 1024 requests wait."""
        if self.is_full:
            raise Full("too many requests wait for the server", hint="wait until the link is back")

    def keep(self, message: NumberedRequest) -> None:
        self.kept.append(message)
        self._posted += 1

    def confirm(self, received: int) -> None:
        """The server has had this many of the session's requests."""
        while self.kept and self._posted - len(self.kept) < received:
            self.kept.popleft()

    def say(self) -> int:
        """The number to put into a ping or pong."""
        self._received_when_said = self.received
        self._posted_when_asked = self._posted
        return self.received

    @property
    def is_ping_due(self) -> bool:
        return (
            self.received - self._received_when_said >= CONFIRM_EVERY
            or self._posted - self._posted_when_asked >= CONFIRM_EVERY
        )
