"""``peerlane call``: a file, a tone or a microphone into a room, and the room's sound into a file."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from peer.errors import Closed
from peer.events import Ended, PeerConnected, PeerInterrupted, PeerJoined, PeerLeft, PeerRestored
from peer.room import JoinOptions, RemotePeer, Room, join
from peer.voice.media_file import streams_of
from peer.voice.runner import MicrophoneTrack, Recorder, SoundTrack, VideoTrack, file_sound, tone
from peerlane.console import EXIT_OK, SERVER_TIMEOUT, note, printable, run, say_json, shown

TAIL = 0.5
"""What was sent last is still on its way to the others' ears; then one may leave."""

Playing = SoundTrack | VideoTrack | MicrophoneTrack


def call(
    url: str,
    room: str,
    /,
    *,
    play: Annotated[str, Parameter(help="a sound or video file, 'tone', or 'mic'")] = "",
    record: Annotated[Path | None, Parameter(help="where the others' sound goes: .wav, .ogg, .mp4 …")] = None,
    loop: Annotated[bool, Parameter(help="begin the file again when it has ended")] = False,
    duration: Annotated[float | None, Parameter(help="leave after so many seconds")] = None,
    name: Annotated[str, Parameter(help="what the others see")] = "",
    json: Annotated[bool, Parameter(help="one JSON object a line, for programs")] = False,
    token: Annotated[str, Parameter(help="where the server asks programs for one")] = "",
    insecure: Annotated[bool, Parameter(help="accept a certificate that nobody vouches for")] = False,
) -> int:
    """Take part in a call: play a file or the microphone, and record what the others say.

    Leaves after the duration, without one when the file has ended, and tells what was sent and heard.
    """

    async def take_part() -> int:
        options = JoinOptions(token=token, verify=not insecure, timeout=SERVER_TIMEOUT)
        tracks = await tracks_of(play, loop)
        async with AsyncExitStack() as stack:
            for track in tracks.values():
                stack.callback(track.stop)
            recorder = await stack.enter_async_context(Recorder(record)) if record is not None else None
            joined = await stack.enter_async_context(join(url, room, name=name, options=options))
            await Call(joined, tracks, recorder, json).run(duration)
        return EXIT_OK

    return run(take_part())


async def tracks_of(play: str, loop: bool) -> dict[str, Playing]:
    """The tracks to send, by slot. Raises MediaError or MicrophoneError when it cannot be played."""
    if not play:
        return {}
    if play == "tone":
        return {"microphone": tone()}
    if play == "mic":
        return {"microphone": MicrophoneTrack()}
    path = Path(play)
    sound, pictures = await asyncio.to_thread(streams_of, path)
    tracks: dict[str, Playing] = {}
    if sound:
        tracks["microphone"] = file_sound(path, loop=loop)
    if pictures:
        tracks["camera"] = VideoTrack(path, loop=loop)
    return tracks


class Call:
    """One participation: what is sent, who is heard, and for how long."""

    def __init__(
        self, room: Room, tracks: dict[str, Playing], recorder: Recorder | None, is_json: bool
    ) -> None:
        self._room = room
        self._tracks = tracks
        self._recorder = recorder
        self._is_json = is_json
        self._met: set[str] = {peer.id for peer in room.roster}

    async def run(self, duration: float | None) -> None:
        """Take part for ``duration`` seconds; for None, until everything has been played."""
        here = ", ".join(shown(peer) for peer in self._room.roster)
        note(f"* in {printable(self._room.name)} with {here or 'nobody yet'}")
        for slot, track in self._tracks.items():
            await self._room.publish(track, slot=slot)
        try:
            async with asyncio.TaskGroup() as tasks:
                around = [tasks.create_task(self._tell_events()), tasks.create_task(self._meet(tasks))]
                if duration is not None:
                    await asyncio.sleep(duration)
                else:
                    await self._played()
                    await asyncio.sleep(TAIL)
                for task in around:
                    task.cancel()
                await self._room.close()
        finally:
            self._tell_summary()

    async def _played(self) -> None:
        """Until all tracks have ended; with nothing to play, until somebody interrupts."""
        if self._tracks:
            await asyncio.gather(*(track.ended.wait() for track in self._tracks.values()))
        else:
            await asyncio.Event().wait()

    async def _meet(self, tasks: asyncio.TaskGroup) -> None:
        async for peer in self._room.peers():
            tasks.create_task(self._listen(peer, tasks))

    async def _listen(self, peer: RemotePeer, tasks: asyncio.TaskGroup) -> None:
        async for slot, track in peer.tracks():
            self._tell("track", peer, slot=slot, kind=track.kind)
            if self._recorder is not None and track.kind == "audio":
                tasks.create_task(self._recorder.listen(f"{shown(peer)}/{slot}", track))

    async def _tell_events(self) -> None:
        async for event in self._room.events():
            match event:
                case PeerJoined(peer):
                    self._met.add(peer.id)
                    self._tell("joined", peer)
                case PeerConnected(peer):
                    self._tell("connected", peer)
                case PeerInterrupted(peer, diagnosis):
                    self._tell("interrupted", peer, why=diagnosis.sentence if diagnosis else "")
                case PeerRestored(peer):
                    self._tell("restored", peer)
                case PeerLeft(peer, reason):
                    self._tell(reason, peer)
                case Ended(error) if not isinstance(error, Closed):
                    raise error

    def _tell(self, event: str, peer: RemotePeer, **more: str) -> None:
        if self._is_json:
            say_json(event=event, id=peer.id, **{"from": peer.name}, **more)
        else:
            told = WORDS[event].format(**{name: printable(text) for name, text in more.items()})
            note(f"* {shown(peer)} {told}")

    def _tell_summary(self) -> None:
        sent = max((track.seconds_played for track in self._tracks.values()), default=0.0)
        heard = self._recorder.seconds_heard if self._recorder is not None else {}
        if self._is_json:
            say_json(
                event="summary",
                seconds_sent=round(sent, 2),
                seconds_heard={voice: round(seconds, 2) for voice, seconds in heard.items()},
                peers=len(self._met),
            )
        else:
            told = f", heard {sum(heard.values()):.1f} s of {len(heard)} voices" if self._recorder else ""
            note(f"* sent {sent:.1f} s{told}, met {len(self._met)} peers")


WORDS = {
    "joined": "came in",
    "connected": "is connected",
    "interrupted": "is out of reach; trying another way. {why}",
    "restored": "is back",
    "track": "sends {slot}",
    "left": "left",
    "lost": "was lost",
}
