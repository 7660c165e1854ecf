"""Rooms of Python peers on a real server, with real connections between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from peer.channels.kinds import RELIABLE
from peer.errors import Closed, Lost, Refused
from peer.events import (
    Announced,
    Broadcasted,
    Degraded,
    Ended,
    Interrupted,
    PeerConnected,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Restored,
    ServerTroubled,
)
from peer.room import JoinOptions, Room, join
from signaling.app import NODE, create_app
from signaling.backplane.memory import memory_bus
from signaling.config import Cluster, Config, Ice, Server
from signaling.protocol.errors import REPLACED, CloseReason
from signaling.protocol.ids import RoomName
from signaling.protocol.messages import Bye
from signaling.protocol.parts import IceServer
from tests.peer.rooms import PATIENCE, serving, until


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with serving(tmp_path) as server:
        yield str(server.make_url("/"))


def link_of(server: TestServer, room: Room) -> Any:
    """The server's end of this room's link."""
    return server.app[NODE].hub.sessions[room.me].link


def bye_of(reason: CloseReason) -> Bye:
    return Bye(reason.code, reason.text, reason.come_back, reason.after)


async def first_peer(room: Room) -> Any:
    async with asyncio.timeout(PATIENCE):
        async for peer in room.peers():
            return peer
    raise AssertionError("nobody came")


async def test_who_joins_sees_who_is_there_and_is_seen(url: str) -> None:
    async with join(url, "arena", name="ana", metadata={"team": "red"}) as ana:
        assert ana.name == "default/arena"
        assert ana.roster == []
        coming = ana.events()
        async with join(url, "default/arena", name="ben") as ben:
            (here,) = ben.roster
            assert (here.id, here.name, here.metadata) == (ana.me, "ana", {"team": "red"})
            assert (await until(coming, PeerJoined)).peer is ana.peer(ben.me)


async def test_messages_flow_both_ways_over_a_channel(url: str) -> None:
    async with join(url, "arena") as ana, join(url, "arena") as ben, asyncio.timeout(PATIENCE):
        to_ana, to_ben = await first_peer(ben), await first_peer(ana)
        theirs, mine = await to_ana.open("chat", RELIABLE), await to_ben.open("chat", RELIABLE)
        await mine.send("hello")
        await theirs.send(b"world")
        assert await anext(aiter(theirs)) == "hello"
        assert await anext(aiter(mine)) == b"world"
        await to_ana.wait_connected()
        assert (to_ana.state, ana.state) == ("connected", "open")


async def test_a_room_tells_when_its_node_cannot_speak_with_the_others(tmp_path: Path) -> None:
    bus = memory_bus("rooms")
    cluster = Cluster(backplane="memory:rooms")
    app = create_app(Config(server=Server(dev=True), cluster=cluster), ticket_key=b"k" * 32)
    async with TestServer(app) as server, join(str(server.make_url("/")), "arena") as ana:
        events = ana.events()
        bus.usable = False
        assert (await until(events, Degraded)).degraded
        assert (ana.is_degraded, ana.state) == (True, "open")
        bus.usable = True
        assert not (await until(events, Degraded)).degraded
        assert not ana.is_degraded


async def test_updates_are_seen_and_what_is_left_out_stays(url: str) -> None:
    async with join(url, "arena", name="ana", metadata={"score": 1}) as ana, join(url, "arena") as ben:
        updated = ben.events()
        await ana.update(metadata={"score": 2})
        peer = (await until(updated, PeerUpdated)).peer
        assert (peer.name, peer.metadata) == ("ana", {"score": 2})


async def test_broadcasts_reach_all_others_as_they_were(url: str) -> None:
    value = {"text": "hé", "numbers": [1, -2.5, None], "bytes": b"\x00\xff"}
    async with join(url, "arena") as ana, join(url, "arena") as ben, join(url, "arena") as cid:
        heard = [room.events() for room in (ben, cid)]
        await ana.broadcast(value)
        for happenings in heard:
            event = await until(happenings, Broadcasted)
            assert (event.peer.id, event.value) == (ana.me, value)


async def test_what_an_administrator_says_to_everybody_comes_from_no_peer(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, join(str(server.make_url("/")), "arena") as ana:
        events = ana.events()
        assert server.app[NODE].orders.announce(RoomName("default/arena"), b'{"in": 5}') == "done"
        assert (await until(events, Announced)).value == {"in": 5}


@pytest.mark.parametrize("value", [object(), {(1, 2): 3}, "\ud800", 2**70, [float]])
async def test_what_cannot_be_said_to_everybody_is_refused_here(url: str, value: Any) -> None:
    async with join(url, "arena") as room:
        with pytest.raises((TypeError, ValueError, OverflowError)):
            await room.broadcast(value)
        with pytest.raises(Refused, match="too-large"):
            await room.broadcast("x" * 70_000)
        await room.update(name="still here")


async def test_who_leaves_is_gone_at_once_for_the_others(url: str) -> None:
    async with join(url, "arena") as ana:
        async with join(url, "arena", name="ben"):
            peer = await first_peer(ana)
            leaving = ana.events()
        event = await until(leaving, PeerLeft)
        assert (event.peer, event.reason) == (peer, "left")
        assert ana.roster == []
        with pytest.raises(Closed):
            await peer.wait_connected()


async def test_handlers_are_called_and_one_that_raises_costs_nothing(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = []
    async with join(url, "arena") as ana:

        @ana.on(PeerJoined)
        def fail(event: PeerJoined[Any]) -> None:
            raise RuntimeError("a mistake of the application")

        @ana.on(PeerJoined)
        def note(event: PeerJoined[Any]) -> None:
            names.append(event.peer.name)

        connected = ana.events()
        async with join(url, "arena", name="ben"):
            assert (await until(connected, PeerConnected)).peer.name == "ben"
    assert names == ["ben"]
    assert "a handler of PeerJoined failed" in caplog.text


async def test_a_server_that_does_not_help_is_told_with_a_reason(tmp_path: Path) -> None:
    config = Config(
        server=Server(dev=True, state_dir=str(tmp_path)),
        ice=Ice(servers=[IceServer(["turn:127.0.0.1:9?transport=tcp"], "ana", "s3cret")]),
    )
    async with TestServer(create_app(config)) as server:
        url = str(server.make_url("/"))
        async with join(url, "arena") as ana:
            told = ana.events()
            async with join(url, "arena"):
                event = await until(told, ServerTroubled)
    assert (event.url, event.code) == ("turn:127.0.0.1:9?transport=tcp", 701)
    assert event.text


async def test_a_handler_that_would_wait_is_refused_at_once(url: str) -> None:
    async with join(url, "arena") as room:
        with pytest.raises(TypeError, match="events"):

            @room.on(PeerJoined)
            async def handler(event: PeerJoined[Any]) -> None: ...


async def test_iterations_end_when_the_room_is_left(url: str) -> None:
    async with join(url, "arena") as room:
        peers, happenings = aiter(room.peers()), aiter(room.events())
        await room.close()
        assert [peer async for peer in peers] == []
        assert [type(event) async for event in happenings] == [Ended]
        assert [event async for event in room.events()] == []
        assert room.state == "closed"
        with pytest.raises(Closed):
            await room.broadcast("late")
        with pytest.raises(Closed):
            await room.update(name="late")
        await room.close()


async def test_one_may_stop_looking_for_peers_and_look_again(url: str) -> None:
    async with join(url, "arena") as ana, join(url, "arena", name="ben"):
        for _ in range(2):
            assert (await first_peer(ana)).name == "ben"


async def test_the_error_of_the_block_is_what_comes_out(url: str) -> None:
    with pytest.raises(KeyError):
        async with join(url, "arena"):
            raise KeyError("mine")


async def test_a_full_room_is_refused_with_its_code(url: str) -> None:
    async with join(url, "small", options=JoinOptions(capacity=1)) as first:
        assert first.capacity == 1
        with pytest.raises(Refused) as refused:
            async with join(url, "small"):
                raise AssertionError("there is no room")
        assert refused.value.code == "room-full"


async def test_what_cannot_be_a_room_or_a_server_is_said_at_once() -> None:
    for address, room in (("http://localhost:1", "a/b/c"), ("localhost", "arena")):
        with pytest.raises((Refused, ValueError)):
            async with join(address, room):
                raise AssertionError("unreachable")


async def test_a_server_that_is_not_there_is_lost_in_time() -> None:
    server = TestServer(web.Application())
    await server.start_server()
    url = str(server.make_url("/"))
    await server.close()
    with pytest.raises(Lost, match="cannot be reached") as lost:
        async with join(url, "arena", options=JoinOptions(timeout=0.2)):
            raise AssertionError("nobody can be there")
    assert lost.value.retry_after > 0
    assert lost.value.docs == "docs/errors.md#server-unreachable"


async def test_a_goodbye_for_ever_ends_the_room_with_its_reason(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, join(str(server.make_url("/")), "arena") as room:
        ended = room.events()
        peers = aiter(room.peers())
        link = link_of(server, room)
        link.close(REPLACED, link.codec.encode(bye_of(REPLACED)))
        error = (await until(ended, Ended)).error
        assert isinstance(error, Refused)
        assert error.code == str(REPLACED.code)
        with pytest.raises(Refused):
            await anext(peers)


async def test_a_cut_link_is_an_interruption_and_the_peers_go_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        url = str(server.make_url("/"))
        async with join(url, "arena") as ana, join(url, "arena") as ben, asyncio.timeout(PATIENCE):
            channel = await (await first_peer(ana)).open("chat", RELIABLE)
            other = await (await first_peer(ben)).open("chat", RELIABLE)
            await channel.send("before")
            happenings = aiter(ana.events())
            link_of(server, ana).pipe.abort()
            assert isinstance(await until(happenings, Interrupted), Interrupted)
            assert ana.state == "interrupted"
            await channel.send("meanwhile")
            assert (await until(happenings, Restored)).resumed
            assert ana.state == "open"
            assert [await anext(aiter(other)) for _ in range(2)] == ["before", "meanwhile"]
            assert [peer.id for peer in ben.roster] == [ana.me]
