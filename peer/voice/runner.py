"""Tracks that play a file, a tone or a microphone, and a recorder of what the others say.

The pure parts are beside this file; here they meet threads, devices and the clock.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Generic, Protocol, TypeVar, cast

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from peer.errors import PeerlaneError
from peer.voice.framing import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples, tone_frame
from peer.voice.media_file import open_writer, read_pictures, read_sound, samples_of
from peer.voice.mixing import Mixer

READ_AHEAD_FRAMES = 50
"""Decoded in one go, in a thread: a second of sound, so that a slow disk is not heard."""
PICTURES_AHEAD = 8
WRITE_EVERY = 0.5
VIDEO_CLOCK = 90_000

T = TypeVar("T")


class SoundTrack(MediaStreamTrack):
    """Plays frames, one every 20 ms of the clock, whatever the reader's pace; ends with its source."""

    kind = "audio"

    def __init__(self, source: Callable[[], Iterator[Samples]], *, loop: bool = False) -> None:
        super().__init__()
        self.frames_played = 0
        self.ended = asyncio.Event()
        self._source = Ahead(source, READ_AHEAD_FRAMES, loop)
        self._started: float | None = None

    async def recv(self) -> av.AudioFrame:
        """The next frame, when its time has come. Raises MediaStreamError after the last."""
        if self.readyState != "live":
            raise MediaStreamError
        samples = await self._source.next()
        if samples is None:
            self.stop()
            raise MediaStreamError
        now = asyncio.get_running_loop().time()
        if self._started is None:
            self._started = now
        due = self._started + self.frames_played * FRAME_SECONDS
        if now < due:
            await asyncio.sleep(due - now)
        elif now - due > 1.0:
            # After a pause of the machine the rest is played later, not all at once.
            self._started += now - due
        frame = audio_frame(samples, self.frames_played)
        self.frames_played += 1
        return frame

    def stop(self) -> None:
        super().stop()
        self.ended.set()

    @property
    def seconds_played(self) -> float:
        return self.frames_played * FRAME_SECONDS


class VideoTrack(MediaStreamTrack):
    """Plays the pictures of a file at the times that the file says."""

    kind = "video"

    def __init__(self, path: Path, *, loop: bool = False) -> None:
        super().__init__()
        self.frames_played = 0
        self.ended = asyncio.Event()
        self._source = Ahead(lambda: read_pictures(path), PICTURES_AHEAD, loop)
        self._started: float | None = None
        self._offset = 0.0
        self._last = 0.0

    async def recv(self) -> av.VideoFrame:
        """The next picture, when its time has come. Raises MediaStreamError after the last."""
        if self.readyState != "live":
            raise MediaStreamError
        picture = await self._source.next()
        if picture is None:
            self.stop()
            raise MediaStreamError
        at = float(picture.time or 0.0)
        if at + self._offset < self._last:
            # A new turn of the loop: its first picture follows the last one of the turn before.
            self._offset = self._last + 0.04 - at
        self._last = at + self._offset
        now = asyncio.get_running_loop().time()
        if self._started is None:
            self._started = now - self._last
        await asyncio.sleep(max(0.0, self._started + self._last - now))
        picture.pts = round(self._last * VIDEO_CLOCK)
        picture.time_base = Fraction(1, VIDEO_CLOCK)
        self.frames_played += 1
        return picture

    @property
    def seconds_played(self) -> float:
        return self._last

    def stop(self) -> None:
        super().stop()
        self.ended.set()


class MicrophoneTrack(MediaStreamTrack):
    """The default microphone. Raises MicrophoneError when the ``audio`` extra or the device is missing."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.frames_played = 0
        self.ended = asyncio.Event()
        self._home = asyncio.get_running_loop()
        # A second of sound; when nobody reads, the oldest is dropped: stale speech helps no one.
        self._frames: asyncio.Queue[Samples] = asyncio.Queue(maxsize=50)
        self._device = _open_microphone(self._heard)

    def _heard(self, samples: Samples) -> None:
        """Called in the sound card's thread."""
        self._home.call_soon_threadsafe(self._keep, samples)

    def _keep(self, samples: Samples) -> None:
        if self._frames.full():
            self._frames.get_nowait()
        self._frames.put_nowait(samples)

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        frame = audio_frame(await self._frames.get(), self.frames_played)
        self.frames_played += 1
        return frame

    def stop(self) -> None:
        if self.readyState == "live":
            self._device.close()
        super().stop()
        self.ended.set()

    @property
    def seconds_played(self) -> float:
        return self.frames_played * FRAME_SECONDS


class Recorder:
    """Writes one file with everybody's voice in it; ``async with`` starts and finishes it.

    Raises MediaError when the file cannot be made, and OSError when the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.seconds_heard: dict[str, float] = {}
        """By voice: seconds of sound that came from it."""
        self._path = path
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Recorder:
        self._mixer = Mixer(asyncio.get_running_loop().time())
        self._writer = await asyncio.to_thread(open_writer, self._path)
        self._writing = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        rest = self._mixer.finish(asyncio.get_running_loop().time())
        self._stopping.set()
        try:
            await self._writing
            await asyncio.to_thread(self._writer.write, rest)
        finally:
            await asyncio.to_thread(self._writer.close)

    async def listen(self, voice: str, track: MediaStreamTrack) -> None:
        """Record ``track`` under the name of ``voice`` until it ends. Raises what writing has raised."""
        resampler = av.AudioResampler(format="s16", layout="stereo", rate=SAMPLE_RATE)
        loop = asyncio.get_running_loop()
        try:
            while True:
                frame = await track.recv()
                if self._writing.done():
                    self._writing.result()
                    return
                if not isinstance(frame, av.AudioFrame):
                    raise TypeError(f"{voice} is not a voice: its track carries {type(frame).__name__}")
                for piece in resampler.resample(frame):
                    samples = samples_of(piece).reshape(-1, 2)
                    self._mixer.add(voice, samples, loop.time())
                    heard = self.seconds_heard.get(voice, 0.0)
                    self.seconds_heard[voice] = heard + len(samples) / SAMPLE_RATE
        except MediaStreamError:
            pass  # how a track says that it has ended
        finally:
            self._mixer.forget(voice)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            mix = self._mixer.take(loop.time())
            await asyncio.to_thread(self._writer.write, mix)
            try:
                async with asyncio.timeout(WRITE_EVERY):
                    await self._stopping.wait()
            except TimeoutError:
                pass  # time to write again


class Ahead(Generic[T]):
    """Reads a blocking iterator in a thread, some items at a time, when they are asked for."""

    def __init__(self, source: Callable[[], Iterator[T]], count: int, loop: bool) -> None:
        self._count = count
        self._items: list[T] = []
        self._iterator = _turns(source) if loop else source()

    async def next(self) -> T | None:
        """The next item; None when there is no more."""
        if not self._items:
            batch = await asyncio.to_thread(lambda: list(itertools.islice(self._iterator, self._count)))
            self._items = batch[::-1]
        return self._items.pop() if self._items else None


def file_sound(path: Path, *, loop: bool = False) -> SoundTrack:
    return SoundTrack(lambda: read_sound(path), loop=loop)


def tone(frequency_hz: float = 440.0) -> SoundTrack:
    """A steady tone without end."""
    return SoundTrack(lambda: (tone_frame(number, frequency_hz) for number in itertools.count()))


def audio_frame(samples: Samples, number: int) -> av.AudioFrame:
    """Frame ``number`` of a track, as aiortc takes it."""
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    frame.pts = number * FRAME_SAMPLES
    frame.time_base = Fraction(1, SAMPLE_RATE)
    return frame


class _Device(Protocol):
    def close(self) -> None: ...


def _open_microphone(heard: Callable[[Samples], None]) -> _Device:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        # OSError: the Python package is there, the system's PortAudio is not.
        raise MicrophoneError(
            "the microphone needs the audio extra: pip install 'peerlane[audio]'"
            " (and on Debian: apt-get install libportaudio2)"
        ) from error

    def callback(data: Samples, _count: int, _time: object, _status: object) -> None:
        heard(data[:, 0].copy())

    try:
        device = sounddevice.InputStream(
            samplerate=SAMPLE_RATE, channels=1, dtype="int16", blocksize=FRAME_SAMPLES, callback=callback
        )
        device.start()
    except sounddevice.PortAudioError as error:
        raise MicrophoneError(f"the microphone cannot be opened: {error}") from error
    return cast(_Device, device)


class MicrophoneError(PeerlaneError):
    """Nothing here can listen; the text says what is missing."""


def _turns(source: Callable[[], Iterator[T]]) -> Iterator[T]:
    """The source again and again, unless it is empty."""
    empty = False
    while not empty:
        empty = True
        for item in source():
            empty = False
            yield item
