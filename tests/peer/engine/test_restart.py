"""Another generation of ICE under a connection that goes on."""

from __future__ import annotations

import asyncio
import os
from fractions import Fraction

import av
import pytest
from aiortc import MediaStreamTrack

from peer.channels.kinds import RELIABLE
from peer.engine.descriptions import TRICKLE
from peer.engine.ice import transport as transport_module
from signaling.protocol.parts import IceServer
from signaling.protocol.signals import IceCandidateInit
from tests.peer.engine.ice.generations import stun_server, until
from tests.peer.engine.two import Two, transport_of


class Tone(MediaStreamTrack):
    """Silence in real time is enough: what counts is that frames arrive."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._number = 0

    async def recv(self) -> av.AudioFrame:
        frame = av.AudioFrame(format="s16", layout="mono", samples=960)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts, frame.sample_rate, frame.time_base = self._number * 960, 48_000, Fraction(1, 48_000)
        self._number += 1
        await asyncio.sleep(0.001)
        return frame


def sockets() -> int:
    return len(os.listdir("/dev/fd"))


async def restarted(two: Two) -> None:
    """Until both sides are on their newest generation."""
    transports = [transport_of(pc) for pc in (two.offerer, two.answerer)]
    await until(lambda: all(each.active is each.newest for each in transports))


def credentials(sdp: str) -> set[str]:
    return {line for line in sdp.split("\r\n") if line.startswith("a=ice-ufrag:")}


async def test_a_restart_keeps_the_connection_and_everything_that_was_sent() -> None:
    two = Two()
    lane = two.offerer.make_lane("lane", RELIABLE, "test")
    await two.connect()
    await until(lambda: bool(two.lanes) and lane.readyState == "open")
    received: list[str] = []
    two.lanes[0].on("message", received.append)
    number = 0
    for _ in range(3):
        before = transport_of(two.offerer).active
        restarting = asyncio.create_task(two.restart())
        while not restarting.done() or transport_of(two.offerer).active is before:
            lane.send(str(number))
            number += 1
            await asyncio.sleep(0)
        await restarting
        await restarted(two)
    lane.send("the last one")
    await until(lambda: "the last one" in received)
    assert received == [*map(str, range(number)), "the last one"]
    assert two.states == ["connected", "connected"], "nobody is told of a restart"
    await two.close()


async def test_audio_goes_on_over_a_restart() -> None:
    two = Two()
    two.offerer.add_transceiver("audio").sender.replaceTrack(Tone())
    await two.connect()
    track = two.answerer.transceivers[0].receiver.track
    async with asyncio.timeout(10):
        for _ in range(10):
            await track.recv()
        await two.restart()
        await restarted(two)
        for _ in range(100):
            await track.recv()
    await two.close()


async def test_both_sides_have_other_credentials_after_a_restart_and_no_others_without() -> None:
    two = Two()
    await two.connect()
    offer = await two.offerer.make_offer()
    await two.answerer.apply("offer", offer)
    answer = await two.answerer.make_answer()
    await two.offerer.apply("answer", answer)
    again = await two.offerer.make_offer(restart=True)
    await two.answerer.apply("offer", again)
    reply = await two.answerer.make_answer()
    await two.offerer.apply("answer", reply)
    assert credentials(offer).isdisjoint(credentials(again))
    assert credentials(answer).isdisjoint(credentials(reply))
    assert TRICKLE in again
    await restarted(two)
    await two.close()


async def test_the_role_stays_over_a_restart() -> None:
    two = Two()
    await two.connect()
    before = [transport_of(pc).role for pc in (two.offerer, two.answerer)]
    await two.restart()
    await restarted(two)
    assert [transport_of(pc).role for pc in (two.offerer, two.answerer)] == before
    assert before == ["controlling", "controlled"]
    await two.close()


async def test_the_old_path_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "RETIRE_AFTER", 0.0)
    two = Two()
    await two.connect()
    before = sockets()
    for _ in range(3):
        await two.restart()
        await restarted(two)
    await until(lambda: sockets() == before)
    await two.close()


async def test_restarts_that_are_overtaken_leave_nothing_behind() -> None:
    tasks, before = len(asyncio.all_tasks()), sockets()
    two = Two()
    await two.connect()
    for _ in range(5):
        # Nobody hears of them.
        await two.offerer.make_offer(restart=True)
    for _ in range(3):
        await two.restart()
    await restarted(two)
    assert two.states == ["connected", "connected"]
    await two.close()
    await until(lambda: len(asyncio.all_tasks()) == tasks and sockets() == before)


async def test_who_closes_in_the_middle_of_a_restart_leaves_nothing_behind() -> None:
    tasks, before = len(asyncio.all_tasks()), sockets()
    two = Two()
    await two.connect()
    await two.answerer.apply("offer", await two.offerer.make_offer(restart=True))
    await two.answerer.make_answer()
    started = asyncio.get_running_loop().time()
    await two.close()
    assert asyncio.get_running_loop().time() - started < 1
    await until(lambda: len(asyncio.all_tasks()) == tasks and sockets() == before)


async def test_a_restart_that_fails_costs_nothing() -> None:
    two = Two()
    lane = two.offerer.make_lane("lane", RELIABLE, "test")
    await two.connect()
    await until(lambda: bool(two.lanes) and lane.readyState == "open")
    offer = await two.offerer.make_offer(restart=True)
    await two.answerer.apply("offer", "\r\n".join(x for x in offer.split("\r\n") if "candidate" not in x))
    answer = await two.answerer.make_answer()
    # Neither side learns how the other can be reached, and both hear that there is no more to learn.
    await two.offerer.apply("answer", "\r\n".join(x for x in answer.split("\r\n") if "candidate" not in x))
    for pc in (two.offerer, two.answerer):
        await transport_of(pc).addRemoteCandidate(None)
    received: list[str] = []
    two.lanes[0].on("message", received.append)
    lane.send("still here")
    await until(lambda: received == ["still here"])
    assert two.states == ["connected", "connected"]
    await two.close()


async def test_candidates_from_before_a_restart_are_dropped() -> None:
    two = Two()
    first = await two.offer()
    await two.answer(first)
    await two.connected()
    old = first.partition("a=ice-ufrag:")[2].partition("\r\n")[0]
    await two.restart()
    await restarted(two)
    late = IceCandidateInit("candidate:9 1 udp 1 192.0.2.9 9 typ host", "0", 0, old)
    two.answerer.add_candidate(late)
    await asyncio.sleep(0)
    assert "192.0.2.9" not in [each.ip for each in transport_of(two.answerer).getRemoteCandidates()]
    await two.close()


async def test_a_restart_before_there_is_anything_is_an_ordinary_offer() -> None:
    two = Two()
    two.offerer.make_control()
    await two.answer(await two.offerer.make_offer(restart=True))
    await two.connected()
    await two.close()


async def test_life_and_the_route_are_known() -> None:
    two = Two()
    assert two.offerer.heard_at == -float("inf")
    assert two.offerer.route() is None
    assert two.offerer.local_addresses() == set()
    await two.connect()
    for pc in (two.offerer, two.answerer):
        assert asyncio.get_running_loop().time() - pc.heard_at < 5
        route = pc.route()
        assert route is not None
        assert (route.kind, route.local, route.remote) == ("direct", "host", "host")
        assert pc.local_addresses() == {"127.0.0.1"}
    await until(lambda: two.offerer.rtt is not None and two.answerer.rtt is not None)
    await two.close()


async def test_a_goodbye_over_the_new_path_is_heard() -> None:
    two = Two()
    await two.connect()
    await two.restart()
    await restarted(two)
    await two.offerer.close()
    await two.failed()
    await two.close()


async def test_new_servers_are_asked_at_the_next_restart() -> None:
    async with stun_server(("198.51.100.7", 7007)) as (asked, url):
        two = Two()
        await two.connect()
        two.offerer.use_servers([IceServer([url])])
        assert asked.asked == 0
        await two.restart()
        await until(lambda: asked.asked > 0)
        await until(lambda: len(two.gathered(two.offerer)) == 3)
        assert [candidate is None for candidate in two.gathered(two.offerer)] == [True, False, True]
        await two.close()
