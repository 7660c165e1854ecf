"""What a channel runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Lane(Protocol):
    """aiortc's RTCDataChannel, in the words of W3C WebRTC."""

    bufferedAmountLowThreshold: int  # noqa: N815 # W3C's name

    @property
    def readyState(self) -> str: ...  # noqa: N802 # W3C's name
    @property
    def bufferedAmount(self) -> int: ...  # noqa: N802 # W3C's name
    def send(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def on(self, event: str, f: Callable[..., Any]) -> Any: ...
