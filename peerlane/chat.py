"""``peerlane chat``: a room's text in a terminal, or in a program's pipes."""

from __future__ import annotations

import asyncio
import json as json_module
from typing import Annotated

from cyclopts import Parameter

from peer.channels.channel import Channel
from peer.channels.kinds import RELIABLE
from peer.errors import Closed, PeerlaneError
from peer.events import (
    Ended,
    Interrupted,
    PeerInterrupted,
    PeerJoined,
    PeerLeft,
    PeerRestored,
    PeerUpdated,
    Restored,
)
from peer.room import JoinOptions, RemotePeer, Room, join
from peerlane.console import (
    EXIT_ERROR,
    EXIT_OK,
    SERVER_TIMEOUT,
    note,
    printable,
    run,
    say_json,
    shown,
    stdin_lines,
)

CHANNEL = "chat"
MAX_WAITING_LINES = 1_000
"""For one peer that is slow or not connected yet; past this the input waits."""
DELIVERY_TIMEOUT = 15.0
"""How long to wait for one peer; what it has not taken by then it does not get, and that is said."""


def chat(
    url: str,
    room: str,
    /,
    *,
    name: Annotated[str, Parameter(help="what the others see")] = "",
    json: Annotated[bool, Parameter(help="one JSON object a line, in and out, for programs")] = False,
    stay: Annotated[bool, Parameter(help="go on listening after the end of the input")] = False,
    token: Annotated[str, Parameter(help="where the server asks programs for one")] = "",
    insecure: Annotated[bool, Parameter(help="accept a certificate that nobody vouches for")] = False,
) -> int:
    """Talk in a room: your lines go to everybody over data channels, theirs are printed.

    Comings and goings are told on stderr. Pages and programs in one room hear each other.
    """

    async def talk() -> int:
        options = JoinOptions(token=token, verify=not insecure, timeout=SERVER_TIMEOUT)
        async with join(url, room, name=name, options=options) as joined:
            return await Chat(joined, json).run(stay)

    return run(talk())


class Chat:
    """One room's conversation: our lines out to everybody, theirs in."""

    def __init__(self, room: Room, is_json: bool) -> None:
        self._room = room
        self._is_json = is_json
        self._waiting: dict[str, asyncio.Queue[str]] = {}
        """By peer: lines that its channel has not taken yet."""
        self._away: set[str] = set()
        self._deaf: set[str] = set()
        """Peers who have not taken a line for so long that we no longer wait for them."""

    async def run(self, stay: bool) -> int:
        """Talk until the input has ended and everything is delivered; with ``stay``, until interrupted."""
        self._tell_entered()
        async with asyncio.TaskGroup() as tasks:
            around = [
                tasks.create_task(self._tell_events()),
                tasks.create_task(self._meet(tasks)),
            ]
            async for line in stdin_lines():
                await self._say(text_of_line(line, self._is_json))
            if not stay:
                delivered = await self._deliver()
                for task in around:
                    task.cancel()
                await self._room.close()
                return EXIT_OK if delivered else EXIT_ERROR
        return EXIT_OK

    async def _say(self, text: str) -> None:
        """Give a line to everybody, waiting for whoever is slow, but not for ever."""
        line = json_module.dumps({"text": text})
        for peer in self._room.roster:
            lines = self._lines_to(peer)
            if not lines.full():
                self._deaf.discard(peer.id)
            elif peer.id in self._deaf:
                continue
            try:
                async with asyncio.timeout(DELIVERY_TIMEOUT):
                    await lines.put(line)
            except TimeoutError:
                self._deaf.add(peer.id)
                self._tell("unsent", peer)

    def _lines_to(self, peer: RemotePeer) -> asyncio.Queue[str]:
        return self._waiting.setdefault(peer.id, asyncio.Queue(MAX_WAITING_LINES))

    async def _deliver(self) -> bool:
        """Wait until all lines are on their way; False when somebody could not be given theirs."""
        try:
            async with asyncio.timeout(DELIVERY_TIMEOUT):
                await asyncio.gather(*(lines.join() for lines in self._waiting.values()))
        except TimeoutError:
            for peer in self._room.roster:
                if not self._lines_to(peer).empty():
                    note(f"peerlane: {shown(peer)} could not be reached, and has not got everything")
            return False
        return True

    async def _meet(self, tasks: asyncio.TaskGroup) -> None:
        async for peer in self._room.peers():
            tasks.create_task(self._converse(peer))

    async def _converse(self, peer: RemotePeer) -> None:
        """Speak and listen to one peer until it leaves."""
        lines = self._lines_to(peer)
        try:
            channel = await peer.open(CHANNEL, RELIABLE)
            async with asyncio.TaskGroup() as tasks:
                speaking = tasks.create_task(speak(channel, lines))
                async for message in channel:
                    text = text_of_message(message)
                    if text is not None:
                        self._tell_message(peer, text)
                speaking.cancel()
        except* PeerlaneError:
            pass  # it has gone, and its going is told by an event
        finally:
            self._waiting.pop(peer.id, None)
            while not lines.empty():
                lines.get_nowait()
                lines.task_done()

    async def _tell_events(self) -> None:
        async for event in self._room.events():
            match event:
                case PeerJoined(peer):
                    self._tell("joined", peer)
                case PeerLeft(peer, reason):
                    self._tell(reason, peer)
                case PeerUpdated(peer) if peer.away != (peer.id in self._away):
                    self._away ^= {peer.id}
                    self._tell("away" if peer.away else "back", peer)
                case PeerInterrupted(peer):
                    self._tell("interrupted", peer)
                case PeerRestored(peer):
                    self._tell("restored", peer)
                case Interrupted():
                    note("* the server cannot be reached; the others still can")
                case Restored():
                    note("* the server is back")
                case Ended(error) if not isinstance(error, Closed):
                    raise error

    def _tell_entered(self) -> None:
        if self._is_json:
            say_json(event="entered", room=self._room.name, id=self._room.me)
            for peer in self._room.roster:
                self._tell("joined", peer)
        else:
            here = ", ".join(shown(peer) for peer in self._room.roster)
            note(f"* in {printable(self._room.name)} with {here or 'nobody yet'}")

    def _tell(self, event: str, peer: RemotePeer) -> None:
        """``event`` is one of :data:`WORDS`."""
        if self._is_json:
            say_json(event=event, id=peer.id, **{"from": peer.name})
        else:
            note(f"* {shown(peer)} {WORDS[event]}")

    def _tell_message(self, peer: RemotePeer, text: str) -> None:
        if self._is_json:
            say_json(event="message", id=peer.id, text=text, **{"from": peer.name})
        else:
            print(f"{shown(peer)}: {printable(text)}", flush=True)


WORDS = {
    "joined": "came in",
    "left": "left",
    "lost": "was lost",
    "away": "is away: the server has lost its line",
    "back": "is back",
    "interrupted": "is out of reach; trying another way",
    "restored": "can be reached again",
    "unsent": "does not listen: lines are no longer sent there",
}


async def speak(channel: Channel, lines: asyncio.Queue[str]) -> None:
    """Send what is put into ``lines``; a line counts as done when the channel has taken it."""
    while True:
        line = await lines.get()
        try:
            await channel.send(line)
        finally:
            lines.task_done()


def text_of_line(line: str, is_json: bool) -> str:
    """What a line of input says: itself, or with ``is_json`` also the text of ``{"text": …}``."""
    if is_json and line.startswith("{"):
        text = text_of_message(line)
        return line if text is None else text
    return line


def text_of_message(message: str | bytes) -> str | None:
    """The text of a chat message; None when it is not one, which is the other side's business."""
    try:
        value = json_module.loads(message)
    except (ValueError, RecursionError):
        return None
    text = value.get("text") if isinstance(value, dict) else None
    return text if isinstance(text, str) else None
