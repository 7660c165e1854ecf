"""Where aiortc takes its candidates and credentials from: always those of the newest generation."""

from __future__ import annotations

from collections.abc import Callable

from aioice import Candidate
from aiortc import RTCIceGatherer

from peer.engine.ice.connection import IceConnection


class Gatherer(RTCIceGatherer):
    """``make`` makes an :class:`IceConnection`, given whether it is controlling."""

    def __init__(self, make: Callable[[bool], IceConnection]) -> None:
        # An empty list: with None, aiortc would ask a server of Google.
        super().__init__(iceServers=[])
        self._make = make
        self._generation = make(False)
        self._connection = self._generation

    @property
    def generation(self) -> IceConnection:
        """The newest one."""
        return self._generation

    async def gather(self) -> None:
        """Until the host candidates are there."""
        if self.state == "new":
            self._set_state("gathering")
        await self._generation.gather_candidates()

    def found(self, generation: IceConnection, candidate: Candidate | None) -> None:
        """A candidate has come late; None: there will be no more. Descriptions tell that by our state."""
        if generation is self._generation and candidate is None:
            self._set_state("completed")

    def restart(self) -> IceConnection:
        """Begin the next generation: other credentials, other sockets, the same role."""
        self._generation = self._make(self._generation.ice_controlling)
        self._connection = self._generation
        self._remote_candidates_end = False
        self._set_state("new")
        return self._generation

    def _set_state(self, state: str) -> None:
        # Not ours to name: aiortc's own descriptions and states depend on it.
        getattr(self, "_RTCIceGatherer__setState")(state)  # noqa: B009 # mangled for another class
