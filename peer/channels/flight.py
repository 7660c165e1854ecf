"""When the bytes of one BULK lane were handed over: their acknowledgements tell the delay of the path."""

from __future__ import annotations

from collections import deque


class Flight:
    """``now`` is monotonic, in seconds."""

    def __init__(self) -> None:
        self._handed_bytes = 0
        self._handed: deque[tuple[int, float]] = deque()

    def handed(self, size: int, now: float) -> None:
        """A data-channel message of ``size`` bytes has gone out."""
        self._handed_bytes += size
        self._handed.append((self._handed_bytes, now))

    def acknowledged(self, lane_bytes: int) -> float | None:
        """When the last of so many bytes went out; None when it is known already that they have come."""
        handed_at = None
        while self._handed and self._handed[0][0] <= lane_bytes:
            _, handed_at = self._handed.popleft()
        return handed_at
