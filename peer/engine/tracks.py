"""Tracks that outlive what is under them: one that sends whatever is published, one that receives.

aiortc stops the tracks it sends when a connection closes, lets two senders of one track steal each
other's frames, and keeps what nobody reads until the memory is full. So neither the application's
tracks nor aiortc's own ever meet the other side directly.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias
from weakref import WeakValueDictionary

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import Packet
from av.frame import Frame

from peer.streams import Bell

log = logging.getLogger(__name__)

MAX_UNREAD_AUDIO_FRAMES = 50
"""A second of sound; older speech helps nobody."""
MAX_UNREAD_VIDEO_FRAMES = 8

AnyFrame: TypeAlias = "Frame | Packet[Any]"


class Source:
    """One published track, read once for all connections that send it, and only when one wants a frame."""

    _known: ClassVar[WeakValueDictionary[int, Source]] = WeakValueDictionary()

    def __init__(self, track: MediaStreamTrack) -> None:
        self._track = track
        self._readers: set[Reader] = set()
        self._wanted = Bell()
        self._reading: asyncio.Task[None] | None = None
        self.is_ended = False

    @classmethod
    def of(cls, track: MediaStreamTrack) -> Source:
        """The one source of this track. It keeps the track alive, so that the id stays its own."""
        source = cls._known.get(id(track))
        if source is None:
            source = cls._known[id(track)] = cls(track)
        return source

    def reader(self) -> Reader:
        reader = Reader(self, _limit_of(self._track.kind))
        self._readers.add(reader)
        if self._reading is None and not self.is_ended:
            self._reading = asyncio.get_running_loop().create_task(self._read())
        return reader

    def want(self) -> None:
        self._wanted.ring()

    def leave(self, reader: Reader) -> None:
        self._readers.discard(reader)
        if not self._readers and self._reading is not None:
            # It holds nothing that would have to be given back, so nobody needs to wait for its end.
            self._reading.cancel()
            self._reading = None

    async def _read(self) -> None:
        try:
            while True:
                if not any(reader.is_hungry for reader in self._readers):
                    await self._wanted.wait()
                    continue
                frame = await self._track.recv()
                for reader in self._readers:
                    reader.put(frame)
                # A track that never waits must not hold up everybody else.
                await asyncio.sleep(0)
        except MediaStreamError:
            self._end()
        except Exception:
            log.exception("! a published track failed; it is silent from now on")
            self._end()

    def _end(self) -> None:
        self.is_ended = True
        for reader in self._readers:
            reader.changed.ring()


class Reader:
    """One connection's share of a source; when it is slow the oldest frames go."""

    def __init__(self, source: Source, limit: int) -> None:
        self._source = source
        self._frames: deque[AnyFrame] = deque(maxlen=limit)
        self.changed = Bell()
        self.is_hungry = False
        self.is_closed = False

    def put(self, frame: AnyFrame) -> None:
        self._frames.append(frame)
        self.changed.ring()

    async def next(self) -> AnyFrame | None:
        """The next frame; None when there will be no more."""
        while not self._frames:
            if self.is_closed or self._source.is_ended:
                return None
            self.is_hungry = True
            self._source.want()
            try:
                await self.changed.wait()
            finally:
                self.is_hungry = False
        return self._frames.popleft()

    def close(self) -> None:
        self.is_closed = True
        self._source.leave(self)
        self.changed.ring()


class SlotTrack(MediaStreamTrack):
    """What a slot sends: the track that is published there now, or nothing."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__()
        self._reader: Reader | None = None
        self._playing: MediaStreamTrack | None = None
        self._changed = Bell()

    def play(self, track: MediaStreamTrack | None) -> None:
        if track is self._playing or self.readyState == "ended":
            return
        self._playing = track
        if self._reader is not None:
            self._reader.close()
        self._reader = None if track is None else Source.of(track).reader()
        self._changed.ring()

    async def recv(self) -> AnyFrame:
        """The next frame of what is published. A track that has ended is silence, until another one comes."""
        while self.readyState == "live":
            reader = self._reader
            frame = None if reader is None else await reader.next()
            if frame is not None and reader is self._reader:
                return frame
            if reader is self._reader:
                await self._changed.wait()
        raise MediaStreamError

    def stop(self) -> None:
        self.play(None)
        super().stop()
        self._changed.ring()


class ReceivedTrack(MediaStreamTrack):
    """What arrives in a slot; it goes on after a rebuild, and ends when the slot is empty."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__()
        self._frames: deque[AnyFrame] = deque(maxlen=_limit_of(kind))
        self._changed = Bell()

    def put(self, frame: AnyFrame) -> None:
        self._frames.append(frame)
        self._changed.ring()

    async def recv(self) -> AnyFrame:
        """The next frame. Raises MediaStreamError when the slot is empty or the peer has gone."""
        while not self._frames:
            if self.readyState != "live":
                raise MediaStreamError
            await self._changed.wait()
        return self._frames.popleft()

    def stop(self) -> None:
        super().stop()
        self._changed.ring()


async def drain(track: MediaStreamTrack, put: Callable[[AnyFrame], None]) -> None:
    """Read a track of aiortc until it ends, also when nobody wants its frames: aiortc would keep them all."""
    try:
        while True:
            put(await track.recv())
    except MediaStreamError:
        pass  # how a track says that it has ended


def _limit_of(kind: str) -> int:
    return MAX_UNREAD_AUDIO_FRAMES if kind == "audio" else MAX_UNREAD_VIDEO_FRAMES
