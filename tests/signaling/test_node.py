"""The loop between links and the hub, with links that live in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from signaling.config import Cluster, Config, Ice, LimitsConfig, Session, TurnServers
from signaling.protocol.codec import Codec
from signaling.protocol.messages import (
    JSON_SUBPROTOCOL,
    Broadcast,
    Broadcasted,
    Bye,
    Hello,
    Join,
    Joined,
    Nodes,
    PeerUpdated,
    Ping,
    Pong,
    Refused,
    Request,
    Signal,
    Signalled,
    Welcome,
    Word,
)
from signaling.protocol.parts import NodeAddress, Resume
from tests.signaling.node_kit import CLIENT, MISTAKE, running


async def test_hello_and_join_may_come_in_one_frame() -> None:
    async with running() as server:
        pipe = server.connect()
        pipe.say(Hello(), Join(1, "room"))
        welcome = await pipe.hear(Welcome)
        assert (await pipe.hear(Joined)).room == "default/room"
        assert not welcome.resumed
        assert welcome.limits.max_message_bytes == Config().limits.max_message_bytes


async def test_whoever_does_not_say_hello_first_is_told_and_closed() -> None:
    async with running() as server:
        pipe = server.connect()
        pipe.say(Join(1, "room"))
        assert (await pipe.hear(Refused)).code == "hello-first"
        assert (await pipe.hear(Bye)).code == 4500
        await asyncio.wait(server.tasks)
        assert pipe.closed == (4500, "bad-words")


async def test_whoever_says_nothing_is_closed_in_time() -> None:
    async with running(Config(session=Session(hello_timeout=0.01))) as server:
        pipe = server.connect()
        assert (await pipe.hear(Bye)).code == 4501
        await asyncio.wait(server.tasks)
        assert server.metrics.closed["no-hello"] == 1


async def test_what_comes_in_one_turn_goes_out_in_one_frame() -> None:
    async with running() as server:
        (ana, _), (ben, welcome) = await server.member(), await server.member()
        before = ben.frames
        ana.say(*[Signal(welcome.you, n, msgspec.Raw(b"1")) for n in range(1, 11)])
        assert [(await ben.hear(Signalled)).n for _ in range(10)] == list(range(1, 11))
        assert ben.frames == before + 1


async def test_a_slow_reader_is_cut_off_and_the_others_hear_everything_in_order() -> None:
    async with running(Config(limits=LimitsConfig(outbox_messages=10))) as server:
        (ana, _), (slow, slow_welcome), (ben, _) = [await server.member() for _ in range(3)]
        slow.stall()
        for n in range(40):
            ana.say(Broadcast("room", msgspec.Raw(b"%d" % n)))
            assert bytes((await ben.hear(Broadcasted)).payload) == b"%d" % n
        assert server.metrics.closed["slow"] == 1
        session = server.node.hub.sessions[slow_welcome.you]
        assert session.away
        slow.abort()


async def test_whoever_was_cut_off_resumes_and_has_missed_nothing() -> None:
    """The order of effects: what a slow link causes comes after what made it slow, for everybody alike."""
    async with running(Config(limits=LimitsConfig(outbox_messages=10))) as server:
        (ana, _), (slow, welcome), (ben, ben_welcome) = [await server.member() for _ in range(3)]
        slow.stall()
        for n in range(40):
            ana.say(Broadcast("room", msgspec.Raw(b"%d" % n)))
            await ben.hear(Broadcasted)
        slow.abort()
        received = 2  # joined, and ben's arrival
        again, second = await server.member(resume=Resume(welcome.ticket, welcome.epoch, received))
        assert second.resumed
        assert [int(bytes((await again.hear(Broadcasted)).payload)) for _ in range(40)] == list(range(40))
        assert len(server.node.hub.sessions[ben_welcome.you].mailbox.after(0)) == 1 + 40 + 1 + 1


async def test_draining_says_goodbye_after_what_is_queued_and_takes_nobody_in() -> None:
    async with running() as server:
        (ana, _), (ben, welcome) = await server.member(), await server.member()
        ana.say(Signal(welcome.you, 1, msgspec.Raw(b"1")))
        await ben.hear(Signalled)
        await server.node.drain()
        for pipe in (ana, ben):
            bye = await pipe.hear(Bye)
            assert (bye.code, bye.come_back) == (4000, "elsewhere")
            assert pipe.closed == (4000, "draining")
        turned = server.node.why_not("127.0.0.1")
        assert turned is not None
        assert turned.status == 503


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Last words get less time than in earnest, so that the tests need not wait as long."""
    monkeypatch.setattr("signaling.transports.link.LAST_WORDS_TIMEOUT", 0.05)


@pytest.mark.usefixtures("hasty")
async def test_a_client_that_has_stopped_reading_cannot_hold_up_a_drain() -> None:
    async with running() as server:
        pipe, _ = await server.member()
        pipe.stall()
        async with asyncio.timeout(10):
            await server.node.drain()
            await asyncio.wait(server.tasks)
        assert pipe.closed == (1006, "cut")


async def test_too_many_messages_are_read_more_slowly_and_none_is_lost() -> None:
    limits = LimitsConfig(messages_per_second=1_000.0, messages_burst=5)
    async with running(Config(limits=limits)) as server:
        (ana, _), (ben, welcome) = await server.member(), await server.member()
        for n in range(1, 31):
            ana.say(Signal(welcome.you, n, msgspec.Raw(b"1")))
        assert [(await ben.hear(Signalled)).n for _ in range(30)] == list(range(1, 31))
        assert server.metrics.throttled > 0


async def test_our_own_mistake_ends_one_link_says_so_and_shows_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as server:
        (ana, _), (ben, _) = await server.member(), await server.member()
        ben.to_server.put_nowait(MISTAKE)
        assert (await ben.hear(Bye)).code == 4004
        assert (await ana.hear(PeerUpdated)).away
        assert "planted" in caplog.text


class Dumb(Codec[Request]):
    """A codec with a mistake in it: it has no word for some messages."""

    def __init__(self, *unspeakable: type[Word]) -> None:
        super().__init__(JSON_SUBPROTOCOL, msgspec.json, Request, carries=True)
        speak = self.encode

        def encode(message: Any) -> bytes:
            if isinstance(message, unspeakable):
                raise RuntimeError("planted")
            return speak(message)

        self.encode = encode


async def test_what_cannot_be_said_to_one_ends_its_link_and_not_the_speakers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as server:
        (ana, _) = await server.member()
        ben, ben_welcome = await server.member(codec=Dumb(Signalled))
        ana.say(Signal(ben_welcome.you, 1, msgspec.Raw(b"1")))
        assert (await ben.hear(Bye)).code == 4004
        assert (await ana.hear(PeerUpdated)).away
        ana.say(Ping())
        assert await ana.hear(Pong)
        assert server.node.hub.sessions[ben_welcome.you].away
        assert "planted" in caplog.text


async def test_a_mistake_in_the_clock_does_not_stop_it() -> None:
    times = Session(ping_interval=0.01, ping_timeout=0.01)
    async with running(Config(session=times)) as server:
        first = await server.member(codec=Dumb(Ping))
        second = await server.member()
        assert (await first[0].hear(Bye)).code == 4004
        assert (await second[0].hear(Bye)).code == 4002


async def test_a_link_that_opens_while_the_server_leaves_is_told_so() -> None:
    async with running() as server:
        await server.node.drain()
        pipe = server.connect()
        pipe.say(Hello())
        assert (await pipe.hear(Bye)).code == 4000
        await asyncio.wait(server.tasks)
        assert server.node.hub.sessions == {}


async def test_a_pong_carries_the_time_of_day() -> None:
    async with running() as server:
        pipe, welcome = await server.member()
        pipe.say(Ping())
        assert 0.0 <= (await pipe.hear(Pong)).unix_now - welcome.unix_now < 60.0


async def test_only_joins_that_were_granted_are_counted() -> None:
    async with running() as server:
        pipe, _ = await server.member()
        pipe.say(Join(2, "a/b/c"))
        assert (await pipe.hear(Refused)).code == "bad-room-name"
        assert server.metrics.joins == 1


async def test_nothing_is_left_when_links_have_ended() -> None:
    async with running() as server:
        pipes = [(await server.member())[0] for _ in range(5)]
        for pipe in pipes:
            pipe.to_server.put_nowait(None)
        await asyncio.wait(server.tasks)
        assert server.metrics.links["websocket"] == 0
        # This test, and the node's clock.
        assert len(asyncio.all_tasks()) == 2


async def test_who_reads_is_not_closed_as_slow_when_much_happens_in_one_moment() -> None:
    async with running(Config(limits=LimitsConfig(outbox_messages=4))) as server:
        (ana, _), (ben, welcome) = await server.member(), await server.member()
        said = [Signal(welcome.you, n, msgspec.Raw(b"1")) for n in range(1, 41)]
        ana.to_server.put_nowait(CLIENT.join([CLIENT.encode(each) for each in said]))
        for _ in said:
            await ben.hear(Signalled)
        assert server.metrics.closed["slow"] == 0


@pytest.mark.usefixtures("hasty")
async def test_queues_that_are_too_large_together_are_shed() -> None:
    limits = LimitsConfig(total_queued_bytes=50_000)
    async with running(Config(limits=limits)) as server:
        (ana, _), (slow, welcome) = await server.member(), await server.member()
        slow.stall()
        for n in range(1, 20):
            ana.say(Signal(welcome.you, n, msgspec.Raw(b'"' + b"x" * 8_000 + b'"')))
        await asyncio.wait([server.tasks[1]])
        assert server.metrics.shed >= 1
        assert server.node.hub.kept_bytes <= 50_000


async def test_large_messages_are_read_more_slowly_too() -> None:
    limits = LimitsConfig(bytes_per_second=100_000.0, messages_per_second=100.0, messages_burst=66)
    async with running(Config(limits=limits)) as server:
        pipe, _ = await server.member()
        payload = msgspec.Raw(b'"' + b"x" * 40_000 + b'"')
        for _ in range(2):
            pipe.say(Broadcast("room", payload))
        pipe.say(Ping())
        await pipe.hear(Pong)
        assert server.metrics.throttled >= 1


NORTH_AND_SOUTH = Config(
    ice=Ice(
        turn=[
            TurnServers(["turn:north.example"], ["the secret of the north"], region="north"),
            TurnServers(["turn:south.example"], ["the secret of the south"], region="south"),
        ],
        turn_servers_per_client=1,
    ),
    cluster=Cluster(region="north", public_url="https://n1.example"),
)


async def test_a_client_is_told_which_node_it_is_at_and_of_every_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(NORTH_AND_SOUTH) as server:
        here = NodeAddress("https://n1.example", "north", 1.0, server.node.id)
        (ana, welcome), (ben, _) = await server.member(), await server.member()
        assert (welcome.node, welcome.region, welcome.nodes) == (server.node.id, "north", [here])
        silent = server.connect()
        server.node.nodes_changed()
        other = NodeAddress("https://n2.example", "north", 1.0, "n2")
        monkeypatch.setattr(server.node, "nodes", lambda: [other, here])
        server.node.nodes_changed()
        server.node.nodes_changed()
        assert (await ana.hear(Nodes)).nodes == (await ben.hear(Nodes)).nodes == [here, other]
        assert ana.heard.empty()
        assert silent.frames == 0
        _, welcome = await server.member()
        assert welcome.nodes == [here, other]


@pytest.mark.parametrize(("region", "url"), [("", "turn:north.example"), ("south", "turn:south.example")])
async def test_turn_servers_are_those_of_the_region_that_the_client_has_measured(
    region: str, url: str
) -> None:
    async with running(NORTH_AND_SOUTH) as server:
        pipe = server.connect()
        pipe.say(Hello(region=region))
        welcome = await pipe.hear(Welcome)
        assert [each.urls for each in welcome.ice_servers] == [[url]]
        # Another link may be nearer to another region.
        again = server.connect()
        again.say(Hello(resume=Resume(welcome.ticket, welcome.epoch, 0), region="north"))
        resumed = await again.hear(Welcome)
        assert resumed.resumed
        assert [each.urls for each in resumed.ice_servers] == [["turn:north.example"]]
