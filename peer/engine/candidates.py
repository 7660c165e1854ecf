"""What is told of our candidates, and which of the other side's are used."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from aioice import Candidate

from peer.engine.descriptions import RemoteDescription
from peer.engine.ice.policy import IcePolicy
from signaling.protocol.signals import IceCandidateInit


class LocalCandidates:
    """Holds what is found until the description that it belongs to has been handed out."""

    def __init__(self, tell: Callable[[IceCandidateInit | None], None]) -> None:
        self._tell = tell
        self._mid: str | None = None
        self._held: list[tuple[Candidate | None, str]] | None = []

    def restart(self) -> None:
        """Another description, with other credentials, comes next."""
        self._held = []

    def found(self, candidate: Candidate | None, ufrag: str) -> None:
        """None: there are no more."""
        if self._held is not None:
            self._held.append((candidate, ufrag))
        else:
            self._tell(None if candidate is None else self._init(candidate, ufrag))

    def described(self, mid: str | None) -> None:
        """A description is about to be handed out; ``mid`` names its first section."""
        self._mid = mid
        if self._held is not None:
            # Whoever waits for the description goes on before.
            asyncio.get_running_loop().call_soon(self._release, self._held)

    def _release(self, held: list[tuple[Candidate | None, str]]) -> None:
        if self._held is held:
            self._held = None
            for candidate, ufrag in held:
                self.found(candidate, ufrag)

    def _init(self, candidate: Candidate, ufrag: str) -> IceCandidateInit:
        return IceCandidateInit(f"candidate:{candidate.to_sdp()}", self._mid, 0, ufrag)


class RemoteCandidates:
    """Used are those of the transport's section and of the credentials in force, and not too many."""

    def __init__(self, policy: IcePolicy) -> None:
        self._policy = policy
        self._description: RemoteDescription | None = None
        self._second = -math.inf
        self._in_this_second = 0

    @property
    def ufrag(self) -> str | None:
        """Of the latest description; None: there was none."""
        return None if self._description is None else self._description.ufrag

    def is_restart(self, description: RemoteDescription) -> bool:
        """Whether it begins another generation of ICE."""
        return self._description is not None and self._description.ufrag != description.ufrag

    def described(self, description: RemoteDescription) -> None:
        self._description = description

    def admits(self, init: IceCandidateInit, now: float) -> bool:
        if now - self._second >= 1.0:
            self._second, self._in_this_second = now, 0
        self._in_this_second += 1
        if self._description is None or self._in_this_second > self._policy.max_candidates_per_second:
            return False
        if init.username_fragment not in (None, self._description.ufrag):
            return False
        if init.sdp_mid is not None:
            return init.sdp_mid == self._description.mid
        return init.sdp_m_line_index == self._description.index
