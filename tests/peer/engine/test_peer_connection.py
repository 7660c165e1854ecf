"""Our aiortc against aiortc's traps; whole connections are in test_connection."""

from __future__ import annotations

import asyncio

import pytest

from peer.channels.kinds import LATEST, RELIABLE
from peer.engine.peer_connection import PeerConnection
from peer.streams import Bell
from signaling.protocol.messages import IceCandidateInit, IceServer

NAMED = "candidate:2 1 udp 2130706431 nobody-has-this-name.local 5001 typ host"


class Two:
    """Two engines that exchange descriptions, ``change`` made to each on its way."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self._changed = Bell()
        self.offerer = self._make()
        self.answerer = self._make()

    def _make(self) -> PeerConnection:
        return PeerConnection([], changed=self._tell, lane_made=lambda lane: None)

    def _tell(self, state: str) -> None:
        self.states.append(state)
        self._changed.ring()

    async def offer(self) -> str:
        self.offerer.make_control()
        return await self.offerer.make_offer()

    async def answer(self, offer: str) -> None:
        await self.answerer.apply("offer", offer)
        self.answerer.make_control()
        await self.offerer.apply("answer", await self.answerer.make_answer())

    async def connected(self) -> None:
        async with asyncio.timeout(10):
            while self.states.count("connected") < 2:
                await self._changed.wait()

    async def failed(self) -> None:
        async with asyncio.timeout(10):
            while "failed" not in self.states:
                await self._changed.wait()

    async def close(self) -> None:
        await asyncio.gather(self.offerer.close(), self.answerer.close())


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


async def test_servers_that_cannot_be_read_do_not_cost_the_connection() -> None:
    pc = PeerConnection([IceServer(["nonsense"])], changed=lambda state: None, lane_made=lambda lane: None)
    pc.make_control()
    assert "a=candidate:" in await pc.make_offer()
    await pc.close()


async def test_data_channels_have_the_promises_of_their_kind() -> None:
    two = Two()
    reliable, latest = two.offerer.make_lane("a", RELIABLE, "r"), two.offerer.make_lane("b", LATEST, "l")
    assert (reliable.ordered, reliable.maxRetransmits, reliable.protocol) == (True, None, "r")
    assert (latest.ordered, latest.maxRetransmits, latest.protocol) == (False, 0, "l")
    control = two.offerer.make_control()
    assert (control.label, control.id, control.negotiated) == ("peerlane", 1000, True)
    await two.close()
