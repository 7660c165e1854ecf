"""Data channels without a network: what one sends the other receives when it is delivered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class FakeLane:
    """As aiortc's RTCDataChannel; ``delivered`` hands over what was sent."""

    def __init__(self, label: str = "", protocol: str = "") -> None:
        self.label = label
        self.protocol = protocol
        self.readyState = "connecting"
        self.bufferedAmountLowThreshold = 0
        self.sent: list[bytes] = []
        self._handlers: dict[str, list[Callable[..., Any]]] = {}

    @property
    def bufferedAmount(self) -> int:  # noqa: N802 # W3C's name
        return sum(map(len, self.sent))

    def on(self, event: str, f: Callable[..., Any]) -> None:
        self._handlers.setdefault(event, []).append(f)

    def send(self, data: bytes) -> None:
        assert self.readyState == "open"
        self.sent.append(data)

    def open(self) -> None:
        self.readyState = "open"
        self.tell("open")

    def close(self) -> None:
        if self.readyState != "closed":
            self.readyState = "closed"
            self.tell("close")

    def taken(self) -> list[bytes]:
        """What was sent, which leaves the buffer."""
        sent, self.sent = self.sent, []
        self.tell("bufferedamountlow")
        return sent

    def tell(self, event: str, *details: object) -> None:
        for handler in self._handlers.get(event, []):
            handler(*details)
