"""The places for tracks in one connection: slot names ⇄ transceivers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Literal, cast

from aiortc import MediaStreamTrack, RTCRtpTransceiver

from peer.engine.peer_connection import PeerConnection
from peer.engine.tracks import AnyFrame, SlotTrack, drain
from signaling.protocol.signals import Slot


class Slots:
    """``published`` is what this side sends, by slot; ``arrived`` gets each frame that comes in one."""

    def __init__(
        self,
        pc: PeerConnection,
        published: Mapping[str, MediaStreamTrack],
        arrived: Callable[[str, AnyFrame], None],
    ) -> None:
        self._pc = pc
        self._published = published
        self._arrived = arrived
        self._transceivers: dict[str, RTCRtpTransceiver] = {}
        self._senders: dict[str, SlotTrack] = {}
        self._drains: dict[RTCRtpTransceiver, asyncio.Task[None]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every published slot has its place."""
        return self._published.keys() <= self._transceivers.keys()

    def ensure(self, wanted: Iterable[Slot]) -> None:
        """Before an offer: make a place for each of these, and for what this side publishes."""
        for slot in (*slots_of(self._published), *wanted):
            if slot.name not in self._transceivers:
                self._take(slot.name, self._pc.add_transceiver(slot.kind))
        self.sync()

    def adopt(self, slots: Mapping[str, str]) -> None:
        """After an offer has been applied: take the places as the offerer named them."""
        for transceiver in self._pc.transceivers:
            name = None if transceiver.mid is None else slots.get(transceiver.mid)
            if name is not None and name not in self._transceivers and not transceiver.stopped:
                transceiver.direction = "sendrecv"
                self._take(name, transceiver)
        self.sync()

    def sync(self) -> None:
        """Play what this side publishes now in its places."""
        for name, sender in self._senders.items():
            track = self._published.get(name)
            sender.play(track if track is not None and track.kind == sender.kind else None)

    @property
    def by_mid(self) -> dict[str, str]:
        """mid → slot name, for a description."""
        return {
            transceiver.mid: name
            for name, transceiver in self._transceivers.items()
            if transceiver.mid is not None
        }

    def kind_of(self, name: str) -> str | None:
        """``audio`` or ``video``; None when nothing can arrive in this slot."""
        transceiver = self._transceivers.get(name)
        return transceiver.kind if transceiver is not None and transceiver.receiver.track else None

    def listen(self) -> None:
        """After a description has been applied: read what arrives, in every place."""
        names = {transceiver: name for name, transceiver in self._transceivers.items()}
        for transceiver in self._pc.transceivers:
            track = transceiver.receiver.track
            # In a place without a name nobody listens, but aiortc would keep its frames.
            if track is not None and transceiver not in self._drains:
                put = partial(self._arrived, names.get(transceiver, ""))
                self._drains[transceiver] = asyncio.create_task(drain(track, put))

    async def close(self) -> None:
        for sender in self._senders.values():
            sender.stop()
        for task in self._drains.values():
            task.cancel()
        await asyncio.gather(*self._drains.values(), return_exceptions=True)

    def _take(self, name: str, transceiver: RTCRtpTransceiver) -> None:
        sender = SlotTrack(transceiver.kind)
        transceiver.sender.replaceTrack(sender)
        self._transceivers[name] = transceiver
        self._senders[name] = sender


def slots_of(published: Mapping[str, MediaStreamTrack]) -> list[Slot]:
    return [
        Slot(name, cast(Literal["audio", "video"], track.kind))
        for name, track in published.items()
        if track.kind in ("audio", "video")
    ]
