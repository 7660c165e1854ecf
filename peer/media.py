"""The tracks of one connection, in both directions; they outlive what is under them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from weakref import WeakSet

from aiortc import MediaStreamTrack

from peer.engine.tracks import AnyFrame, ReceivedTrack
from peer.slots import Slots
from peer.streams import Stream
from peer.wire import Media as Announcement
from peer.wire import SlotState

MAX_WAITING_TRACKS = 64


class Media:
    """What this side publishes, what the other side says that it sends, and what arrives."""

    def __init__(self) -> None:
        self.published: dict[str, MediaStreamTrack] = {}
        self._announced: Mapping[str, SlotState] = {}
        self._received: dict[str, ReceivedTrack] = {}
        self._streams: WeakSet[Stream[tuple[str, MediaStreamTrack]]] = WeakSet()
        self._is_ended = False

    @property
    def announcement(self) -> Announcement:
        return Announcement(dict.fromkeys(self.published, "live"))

    def tracks(self) -> AsyncIterator[tuple[str, MediaStreamTrack]]:
        """What arrives, with its slot: all that is there, then each that comes."""
        stream: Stream[tuple[str, MediaStreamTrack]] = Stream(MAX_WAITING_TRACKS)
        for item in self._received.items():
            stream.put(item)
        if self._is_ended:
            stream.end()
        self._streams.add(stream)
        return stream

    def announced(self, slots: Mapping[str, SlotState], places: Slots) -> None:
        """The other side has said what its slots carry."""
        self._announced = slots
        self.look(places)

    def look(self, places: Slots) -> None:
        """The places may have changed: what is announced and has one arrives, what is not ends."""
        for slot in self._received.keys() - self._announced.keys():
            self._received.pop(slot).stop()
        for slot in self._announced:
            kind = places.kind_of(slot)
            if kind is not None and slot not in self._received:
                self._received[slot] = ReceivedTrack(kind)
                for stream in self._streams:
                    stream.put((slot, self._received[slot]))

    def arrived(self, slot: str, frame: AnyFrame) -> None:
        received = self._received.get(slot)
        if received is not None:
            received.put(frame)

    def end(self) -> None:
        """The connection ends for good."""
        self._is_ended = True
        for received in self._received.values():
            received.stop()
        self._received.clear()
        for stream in self._streams:
            stream.end()
