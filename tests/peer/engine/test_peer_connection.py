"""Our aiortc against aiortc's traps; whole connections are in test_connection."""

from __future__ import annotations

import asyncio

import pytest

from peer.channels.kinds import LATEST, RELIABLE
from peer.engine import self_check
from peer.engine.ice.policy import IcePolicy
from signaling.protocol.parts import IceServer
from signaling.protocol.signals import IceCandidateInit
from tests.peer.engine.ice.generations import stun_server, until
from tests.peer.engine.two import LOOPBACK, Two, transport_of

NAMED = "candidate:2 1 udp 2130706431 nobody-has-this-name.local 5001 typ host"


async def test_two_engines_connect_and_close() -> None:
    two = Two()
    await two.answer(await two.offer())
    await two.connected()
    await two.close()
    await two.close()
    assert two.states == ["connected", "connected"], "closing is no news"


async def test_a_name_that_nobody_has_neither_raises_nor_delays() -> None:
    two = Two()
    offer = await two.offer()
    named = offer.replace("a=end-of-candidates", f"a={NAMED}\r\na=end-of-candidates")
    started = asyncio.get_running_loop().time()
    await two.answer(named)
    await two.connected()
    assert asyncio.get_running_loop().time() - started < 0.8, "resolving takes a second"
    await two.close()


async def test_an_offer_whose_only_candidate_has_a_name_still_connects() -> None:
    two = Two()
    lines = (await two.offer()).split("\r\n")
    kept = [line for line in lines if not line.startswith("a=candidate:")]
    at = kept.index("a=end-of-candidates")
    await two.answer("\r\n".join([*kept[:at], f"a={NAMED}", *kept[at:]]))
    await two.connected()
    await two.close()


async def test_without_any_candidate_it_fails_when_the_time_for_late_ones_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("peer.engine.peer_connection.END_OF_CANDIDATES_AFTER", 0.05)
    two = Two()
    lines = (await two.offer()).split("\r\n")
    await two.answerer.apply("offer", "\r\n".join(line for line in lines if "candidate" not in line))
    two.answerer.make_control()
    await two.answerer.make_answer()
    assert two.states == []
    await two.failed()
    await two.close()


async def test_no_candidate_raises() -> None:
    two = Two()
    await two.answer(await two.offer())
    for text in (
        "",
        "nonsense",
        NAMED,
        "candidate:1 1 udp 1 999.1.1.1 5 typ host",
        "candidate:1 1 tcp 1 ::1 9 typ host",
    ):
        two.answerer.add_candidate(IceCandidateInit(text, sdp_mid="0"))
        two.answerer.add_candidate(IceCandidateInit(text, sdp_mid="no such section"))
    two.answerer.add_candidate(None)
    await two.connected()
    await two.close()
    two.answerer.add_candidate(IceCandidateInit(NAMED, sdp_mid="0"))


@pytest.mark.parametrize("sdp", ["", "v=0\r\n", "m=audio", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"])
async def test_what_cannot_be_used_raises_and_the_engine_can_still_close(sdp: str) -> None:
    two = Two()
    with pytest.raises(Exception):  # noqa: B017, PT011 # aiortc raises anything
        await two.answerer.apply("answer", sdp)
    await two.close()


async def test_sections_that_come_with_the_first_offer_share_its_transport() -> None:
    two = Two()
    for kind in ("audio", "video"):
        two.offerer.add_transceiver(kind)
    offer = await two.offer()
    assert offer.count("a=ice-ufrag:") == 3
    assert len({line for line in offer.split("\r\n") if line.startswith("a=candidate:")}) == len(
        [
            line
            for line in offer.split("m=audio")[1].split("m=video")[0].split("\r\n")
            if line.startswith("a=candidate:")
        ]
    )
    await two.answer(offer)
    await two.connected()
    await two.close()


async def test_a_close_that_is_cancelled_ends_all_the_same() -> None:
    two = Two()
    await two.offer()
    closing = asyncio.create_task(two.offerer.close())
    await asyncio.sleep(0)
    closing.cancel()
    async with asyncio.timeout(2):
        await two.close()


async def test_servers_that_cannot_be_read_do_not_cost_the_connection_and_are_told() -> None:
    two = Two([IceServer(["nonsense"])])
    assert "a=candidate:" in await two.offer()
    await until(lambda: [(trouble.url, trouble.code) for trouble in two.troubles] == [("nonsense", 0)] * 2)
    await two.close()


async def test_an_offer_does_not_wait_for_servers() -> None:
    async with stun_server(None) as (silent, url):
        two = Two([IceServer([url])])
        loop = asyncio.get_running_loop()
        started = loop.time()
        offer = await two.offer()
        assert loop.time() - started < 0.2
        assert "a=candidate:" in offer
        assert "a=ice-options:trickle" in offer
        assert "a=end-of-candidates" not in offer
        await two.answer(offer)
        await two.connected()
        assert silent.asked > 0
        started = loop.time()
        await two.close()
        assert loop.time() - started < 1


async def test_candidates_that_come_late_follow_their_description() -> None:
    async with stun_server(("198.51.100.7", 7007)) as (_, url):
        two = Two([IceServer([url])])
        offer = await two.offer()
        assert two.gathered(two.offerer) == [], "the description has not been sent yet"
        await until(lambda: len(two.gathered(two.offerer)) == 2)
        candidate, end = two.gathered(two.offerer)
        assert candidate is not None
        assert "198.51.100.7 7007 typ srflx" in candidate.candidate
        assert (candidate.sdp_mid, candidate.sdp_m_line_index) == ("0", 0)
        assert f"a=ice-ufrag:{candidate.username_fragment}\r\n" in offer
        assert end is None
        await two.close()


async def test_who_has_no_candidate_at_first_connects_when_one_is_told() -> None:
    two = Two()
    offer = await two.offer()
    candidates = [line for line in offer.split("\r\n") if line.startswith("a=candidate:")]
    await two.answer("\r\n".join(line for line in offer.split("\r\n") if "candidate" not in line))
    ufrag = offer.partition("a=ice-ufrag:")[2].partition("\r\n")[0]
    for line in candidates:
        two.answerer.add_candidate(IceCandidateInit(line[2:], "0", 0, ufrag))
    await two.connected()
    await two.close()


async def test_candidates_of_other_credentials_or_sections_and_floods_are_dropped() -> None:
    two = Two(policy=IcePolicy(addresses=LOOPBACK.addresses, loopback=True, max_candidates_per_second=5))
    offer = await two.offer()
    bare = "\r\n".join(line for line in offer.split("\r\n") if "candidate" not in line)
    await two.answerer.apply("offer", bare)
    for init in (
        IceCandidateInit("candidate:1 1 udp 1 192.0.2.1 1 typ host", "0", 0, "other"),
        IceCandidateInit("candidate:1 1 udp 1 192.0.2.1 2 typ host", "1"),
        *(IceCandidateInit(f"candidate:1 1 udp 1 192.0.2.1 {port} typ host", "0") for port in range(3, 20)),
    ):
        two.answerer.add_candidate(init)
    await until(lambda: [each.port for each in transport_of(two.answerer).getRemoteCandidates()] == [3, 4, 5])
    await two.close()


async def test_data_channels_have_the_promises_of_their_kind() -> None:
    two = Two()
    reliable, latest = two.offerer.make_lane("a", RELIABLE, "r"), two.offerer.make_lane("b", LATEST, "l")
    assert (reliable.ordered, reliable.maxRetransmits, reliable.protocol) == (True, None, "r")
    assert (latest.ordered, latest.maxRetransmits, latest.protocol) == (False, 0, "l")
    control = two.offerer.make_control()
    assert (control.label, control.id, control.negotiated) == ("peerlane", 1000, True)
    await two.close()


async def test_without_our_own_ice_there_is_still_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "prepare", lambda: False)
    two = Two()
    offer = await two.offer()
    assert "trickle" not in offer
    assert "a=end-of-candidates" in offer
    await two.answer(offer)
    await two.connected()
    assert two.offerer.heard_at > 0
    assert two.offerer.route() is None
    assert two.offerer.rtt is None
    two.offerer.use_servers([])
    await two.close()


async def test_what_has_gone_to_and_fro_is_counted() -> None:
    two = Two()
    assert two.offerer.statistics().sent_bytes == 0
    await two.connect()
    here, there = two.offerer.statistics(), two.answerer.statistics()
    for counted in (here, there):
        assert counted.sent_packets > 0
        assert counted.received_bytes > counted.received_packets > 0
    await two.close()
