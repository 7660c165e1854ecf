"""Signals under way while a link drops or a server dies: none lost, none doubled, all in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from peer.errors import Full
from peer.signaling_client.address import signaling_url
from peer.signaling_client.effects import Heard, Restored, Told, Undelivered
from peer.signaling_client.websocket import CODEC, SignalingClient
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Join, Joined, PeerJoined, PeerLeft
from signaling.protocol.parts import Capabilities
from tests.end_to_end.conftest import ServerProcess, StartServer, eventually
from tests.end_to_end.wire import Wire

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]

ROOM = "default/arena"
COUNT = 500
DROP = 20.0
TALKATIVE = {"PEERLANE_LIMITS_MESSAGES_PER_SECOND": "1000"}
QUICK_TO_NOTICE = {"PEERLANE_SESSION_PING_INTERVAL": "2", "PEERLANE_SESSION_PING_TIMEOUT": "1"}


class Speaker:
    """A client that counts what it sends and hears."""

    def __init__(self, port: int, room: str = ROOM) -> None:
        url = signaling_url(f"http://127.0.0.1:{port}")
        self.told: list[Told] = []
        self._room = room
        self.client = SignalingClient(url, capabilities=Capabilities(), tell=self.told.append)

    async def __aenter__(self) -> Speaker:
        session = self.client.session
        self.client.perform(session.join(Join(session.next_request(), self._room)))
        self.client.start()
        await eventually(lambda: self.all_of(Joined), "it is in the room")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.client.close()

    @property
    def id(self) -> PeerId:
        return self.client.session.you

    def all_of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def heard(self) -> list[int]:
        return [CODEC.read_payload(event.payload) for event in self.all_of(Heard)]

    @property
    def resumed(self) -> list[bool]:
        """Of every welcome but the first."""
        return [event.resumed for event in self.all_of(Restored)][1:]

    async def say_all(self, to: PeerId, seconds: float) -> None:
        """``COUNT`` signals spread over so much time, waiting where too many are under way."""
        for number in range(COUNT):
            payload = msgspec.Raw(msgspec.msgpack.encode(number))
            while True:
                try:
                    self.client.perform(self.client.session.signal(to, payload, self.client.now))
                except Full:
                    await asyncio.sleep(0.05)
                    continue
                break
            await asyncio.sleep(seconds / COUNT)


async def meet(ana: Speaker, ben: Speaker) -> None:
    await eventually(lambda: ana.all_of(PeerJoined) and ben.all_of(PeerJoined), "they have met")


async def test_a_killed_and_restarted_server_loses_and_doubles_nothing(start_server: StartServer) -> None:
    server: ServerProcess = start_server(**TALKATIVE)
    async with Speaker(server.port) as ana, Speaker(server.port) as ben:
        await meet(ana, ben)
        ids = ana.id, ben.id
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ana.say_all(ben.id, 4.0))
            tasks.create_task(ben.say_all(ana.id, 4.0))
            for _ in range(2):
                await asyncio.sleep(1.0)
                await asyncio.to_thread(server.restart)
        await eventually(lambda: len(ana.heard) >= COUNT and len(ben.heard) >= COUNT, "all has arrived", 60.0)
        assert ana.heard == ben.heard == list(range(COUNT))
        assert set(ana.resumed) == set(ben.resumed) == {False}
        assert (ana.id, ben.id) == ids
        assert not ana.all_of(PeerLeft) + ben.all_of(PeerLeft) + ana.all_of(Undelivered)


async def test_links_that_drop_for_20_s_are_resumed_whole(start_server: StartServer) -> None:
    server = start_server(**TALKATIVE, **QUICK_TO_NOTICE)
    async with asyncio.TaskGroup() as tasks:
        for fault in (Wire.cut, Wire.hold):
            tasks.create_task(_is_resumed_whole(server.port, fault))


async def _is_resumed_whole(port: int, fault: Callable[[Wire], None]) -> None:
    room = f"default/{fault.__name__}"
    async with Wire(port)() as wire, Speaker(wire.port, room) as ana, Speaker(port, room) as ben:
        await meet(ana, ben)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ana.say_all(ben.id, DROP))
            tasks.create_task(ben.say_all(ana.id, DROP))
            await asyncio.sleep(1.0)
            fault(wire)
            await asyncio.sleep(DROP)
            before = len(ana.heard), len(ben.heard)
            wire.mend()
        await eventually(lambda: len(ana.heard) >= COUNT and len(ben.heard) >= COUNT, "all has arrived", 60.0)
        assert max(before) < COUNT, room
        assert ana.heard == ben.heard == list(range(COUNT)), room
        assert ana.resumed, room
        assert all(ana.resumed), room
        assert ben.resumed == [], room
        assert not ana.all_of(PeerLeft) + ben.all_of(PeerLeft), room


async def test_past_the_window_the_session_is_fresh_and_nothing_is_lost_unsaid(
    start_server: StartServer,
) -> None:
    server: ServerProcess = start_server(**TALKATIVE, PEERLANE_SESSION_RESUME_WINDOW="2")
    async with Wire(server.port)() as wire, Speaker(wire.port) as ana, Speaker(server.port) as ben:
        await meet(ana, ben)
        id = ana.id
        wire.cut()
        for sender, receiver in ((ana, ben), (ben, ana)):
            payload = msgspec.Raw(msgspec.msgpack.encode(7))
            sender.client.perform(sender.client.session.signal(receiver.id, payload, sender.client.now))
        await eventually(lambda: ben.all_of(PeerLeft), "the window is over")
        assert [event.reason for event in ben.all_of(PeerLeft)] == ["lost"]
        wire.mend()
        await eventually(lambda: len(ana.all_of(Joined)) == 2, "there is a fresh snapshot")
        assert ana.resumed == [False]
        assert [peer.id for peer in ana.all_of(Joined)[1].peers] == [ben.id]
        assert ana.id == id
        await eventually(lambda: ben.heard, "what was kept has been said again")
        assert ben.heard == [7]
        # It came while nobody knew whether ana would return, and ben was told so.
        assert [CODEC.read_payload(each) for event in ben.all_of(Undelivered) for each in event.payloads] == [
            7
        ]
        assert ana.heard == []
