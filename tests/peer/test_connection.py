"""Two real connections over loopback; what takes longer than a second is in tests/end_to_end."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from peer import network
from peer.channels.channel import Channel
from peer.channels.kinds import BULK, KINDS, LATEST, RELIABLE, UNRELIABLE, Kind
from peer.errors import Closed, Refused
from signaling.protocol.signals import Candidate, Description, IceCandidateInit, PleaseOffer
from tests.peer.pair import End, connected, pair

BOTH = pytest.mark.parametrize("by_offerer", [True, False], ids=["by the offerer", "by the answerer"])


async def next_channel(end: End) -> Channel:
    async with asyncio.timeout(10):
        return await anext(end.connection.channels())


async def next_message(channel: Channel) -> str | bytes:
    async with asyncio.timeout(10):
        return await anext(channel)


async def test_two_peers_connect() -> None:
    async with pair() as (offerer, answerer):
        await connected(offerer, answerer)
        assert offerer.connection.state == answerer.connection.state == "connected"
    assert offerer.states == answerer.states == ["connected", "closed"]


@BOTH
@pytest.mark.parametrize("kind", KINDS, ids=repr)
async def test_a_channel_of_each_kind_carries_text_and_bytes_both_ways(kind: Kind, by_offerer: bool) -> None:
    async with pair() as (offerer, answerer):
        here, there = (offerer, answerer) if by_offerer else (answerer, offerer)
        mine = await here.connection.open("größe/1", kind)
        await mine.wait_open()
        await mine.send("links ←")
        theirs = await next_channel(there)
        assert (theirs.label, theirs.kind) == ("größe/1", kind)
        assert await next_message(theirs) == "links ←"
        await theirs.send(b"\x00\xff")
        assert await next_message(mine) == b"\x00\xff"
        await mine.send("")
        assert await next_message(theirs) == ""


@BOTH
async def test_what_is_sent_before_anything_is_connected_arrives(by_offerer: bool) -> None:
    async with pair() as (offerer, answerer):
        here, there = (offerer, answerer) if by_offerer else (answerer, offerer)
        channel = await here.connection.open("early", RELIABLE)
        async with asyncio.TaskGroup() as tasks:
            for number in range(20):
                tasks.create_task(channel.send(str(number)))
        theirs = await next_channel(there)
        assert [await next_message(theirs) for _ in range(20)] == [str(number) for number in range(20)]


async def test_a_label_that_both_open_at_once_is_one_channel() -> None:
    async with pair() as (offerer, answerer):
        mine = await offerer.connection.open("chat", RELIABLE)
        theirs = await answerer.connection.open("chat", RELIABLE)
        await mine.send("from the offerer")
        await theirs.send("from the answerer")
        assert await next_message(theirs) == "from the offerer"
        assert await next_message(mine) == "from the answerer"
        assert await answerer.connection.open("chat", RELIABLE) is theirs


async def test_a_label_of_another_kind_is_refused() -> None:
    async with pair() as (offerer, answerer):
        await offerer.connection.open("moves", LATEST)
        with pytest.raises(Refused, match="LATEST") as refused:
            await offerer.connection.open("moves", RELIABLE)
        assert refused.value.code == "other-kind"
        wrong = await answerer.connection.open("moves", UNRELIABLE)
        async with asyncio.timeout(10):
            with pytest.raises(Refused):
                await wrong.wait_open()


@BOTH
async def test_a_closed_channel_ends_on_both_sides_after_its_last_message(by_offerer: bool) -> None:
    async with pair() as (offerer, answerer):
        here, there = (offerer, answerer) if by_offerer else (answerer, offerer)
        mine = await here.connection.open("chat", RELIABLE)
        await mine.send("last words")
        theirs = await next_channel(there)
        mine.close()
        async with asyncio.timeout(10):
            assert [message async for message in theirs] == ["last words"]
        with pytest.raises(Closed):
            await mine.send("too late")
        with pytest.raises(Closed):
            await theirs.send("too late")
        again = await here.connection.open("chat", RELIABLE)
        await again.send("once more")
        assert await next_message(await next_channel(there)) == "once more"


async def test_a_handler_that_raises_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with pair() as (offerer, answerer):
        mine = await offerer.connection.open("chat", RELIABLE)
        await mine.send("one")
        theirs = await next_channel(answerer)
        heard: list[str | bytes] = []
        both = asyncio.Event()

        @theirs.on_message
        def handle(message: str | bytes) -> None:
            heard.append(message)
            if len(heard) == 2:
                both.set()
            raise RuntimeError("the application's own mistake")

        with caplog.at_level(logging.CRITICAL, "peer"):
            await mine.send("two")
            async with asyncio.timeout(10):
                await both.wait()
        assert heard == ["one", "two"]
        await theirs.send("still here")
        assert await next_message(mine) == "still here"


@BOTH
async def test_when_one_side_closes_the_other_is_interrupted_at_once(by_offerer: bool) -> None:
    async with pair() as (offerer, answerer):
        here, there = (offerer, answerer) if by_offerer else (answerer, offerer)
        await connected(here, there)
        channel = await there.connection.open("chat", RELIABLE)
        await channel.wait_open()
        await here.connection.close()
        await there.until(lambda: there.connection.state != "connected")
        assert there.connection.state == "interrupted"
        assert not channel.is_attached
    assert channel.state == "closed"


async def test_everything_ends_with_the_connection() -> None:
    async with pair() as (offerer, answerer):
        channel = await offerer.connection.open("chat", RELIABLE)
        async with asyncio.timeout(10):
            await channel.wait_open()
            await offerer.connection.close()
            await offerer.connection.close()
            assert [item async for item in offerer.connection.channels()] == []
            assert [item async for item in offerer.connection.tracks()] == []
            with pytest.raises(Closed):
                await offerer.connection.wait_connected()
        with pytest.raises(Closed):
            await offerer.connection.open("chat", RELIABLE)
        with pytest.raises(Closed):
            await channel.send("too late")
        offerer.connection.receive(answerer.sent[0])


@BOTH
async def test_a_connection_closes_while_it_is_being_made(by_offerer: bool) -> None:
    for steps in range(0, 30, 3):
        async with pair() as (offerer, answerer):
            for _ in range(steps):
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                await (offerer if by_offerer else answerer).connection.close()


async def test_a_connection_closes_before_it_has_started() -> None:
    end = End("alone", you_offer=True)
    async with asyncio.timeout(1):
        await end.connection.close()


async def test_a_cancelled_close_does_not_keep_the_next_one_from_ending() -> None:
    async with pair() as (offerer, answerer):
        await connected(offerer, answerer)
        closing = asyncio.create_task(offerer.connection.close())
        await asyncio.sleep(0)
        closing.cancel()
        async with asyncio.timeout(5):
            await offerer.connection.close()


async def test_a_description_that_nobody_can_read_leads_to_the_next_generation(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.CRITICAL, "peer"):
        async with pair() as (offerer, answerer):
            await connected(offerer, answerer)
            answerer.connection.receive(Description(generation=2, type="offer", sdp="m=nonsense"))
            await offerer.until(lambda: offerer.states == ["connected", "interrupted", "connected"])
            await connected(offerer, answerer)
            channel = await offerer.connection.open("chat", RELIABLE)
            await channel.send("healed")
            assert await next_message(await next_channel(answerer)) == "healed"
    assert any(isinstance(payload, PleaseOffer) and payload.rebuild for payload in answerer.sent)


async def test_channels_go_on_after_a_rebuild() -> None:
    async with pair() as (offerer, answerer):
        mine = await offerer.connection.open("chat", RELIABLE)
        await mine.send("before")
        theirs = await next_channel(answerer)
        assert await next_message(theirs) == "before"
        offerer.connection.receive(PleaseOffer(generation=1, rebuild=True))
        assert offerer.connection.state == "interrupted"
        assert mine.state == "opening"
        await mine.send("after")
        assert await next_message(theirs) == "after"
        await theirs.send("and back")
        assert await next_message(mine) == "and back"
    assert offerer.states == ["connected", "interrupted", "connected", "closed"]


async def test_candidates_that_make_no_sense_are_ignored() -> None:
    async with pair() as (offerer, answerer):
        for text in ("", "nonsense", "candidate:", "candidate:1 1 udp x 1.2.3.4 9 typ host", "\x00"):
            answerer.connection.receive(
                Candidate(generation=1, candidate=IceCandidateInit(text, sdp_mid="0"))
            )
        answerer.connection.receive(Candidate(generation=1))
        await connected(offerer, answerer)


@BOTH
async def test_an_address_that_is_gone_costs_no_message_and_no_state(by_offerer: bool) -> None:
    async with pair() as (offerer, answerer):
        here, there = (offerer, answerer) if by_offerer else (answerer, offerer)
        await connected(offerer, answerer)
        mine = await here.connection.open("numbers", RELIABLE)
        await mine.send("0")
        theirs = await next_channel(there)
        assert await next_message(theirs) == "0"
        descriptions = len([each for each in answerer.sent if isinstance(each, Description)])
        here.connection.network_changed(())
        for number in range(1, 100):
            await mine.send(str(number))
            assert await next_message(theirs) == str(number)
        await answerer.until(
            lambda: len([each for each in answerer.sent if isinstance(each, Description)]) > descriptions
        )
    assert offerer.states == answerer.states == ["connected", "closed"]
    assert any(isinstance(each, PleaseOffer) and each.restart for each in answerer.sent) is not by_offerer


async def test_an_address_that_is_still_there_changes_nothing() -> None:
    async with pair() as (offerer, answerer):
        await connected(offerer, answerer)
        said = len(offerer.sent)
        offerer.connection.network_changed(network.addresses())
        await asyncio.sleep(0)
        assert len(offerer.sent) == said


async def test_a_peer_that_breaks_the_protocol_is_cut_off_with_a_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.CRITICAL, "peer"):
        async with pair() as (offerer, answerer):
            await connected(offerer, answerer)
            channel = await offerer.connection.open("chat", RELIABLE)
            await channel.wait_open()
            run = answerer.connection._run
            assert run is not None
            assert run.control is not None
            # As a peer does that has another library: far too much in one message.
            run.control._lane.send(b"\x03" + bytes(16_000))
            for _ in range(10):
                run.control._lane.send(b"\x03" + bytes(16_000))
            await offerer.until(lambda: offerer.connection.state == "closed")
            with pytest.raises(Refused, match="too long"):
                await offerer.connection.open("another", RELIABLE)
            assert offerer.connection.facts().violation


@pytest.mark.parametrize("kind", [RELIABLE, BULK], ids=repr)
async def test_everything_arrives_once_and_in_order_over_rebuilds(kind: Kind) -> None:
    async with pair() as (offerer, answerer):
        mine = await offerer.connection.open("numbers", kind)
        sent = [number.to_bytes(4) + bytes(5_000) for number in range(600)]

        async def send() -> None:
            for message in sent:
                await mine.send(message)

        sending = asyncio.create_task(send())
        theirs = await next_channel(answerer)
        heard = []
        for generation in (1, 2):
            heard += [await next_message(theirs) for _ in range(150)]
            await connected(offerer, answerer)
            offerer.connection.receive(PleaseOffer(generation=generation, rebuild=True))
        heard += [await next_message(theirs) for _ in range(len(sent) - len(heard))]
        await sending
        assert heard == sent
        assert mine.statistics().sent == theirs.statistics().received == len(sent)


@pytest.mark.parametrize("kind", [RELIABLE, BULK], ids=repr)
async def test_what_was_sent_arrives_before_a_connection_closes(kind: Kind) -> None:
    async with pair() as (offerer, answerer):
        mine = await offerer.connection.open("last words", kind)
        await mine.send(b"first")
        theirs = await next_channel(answerer)
        await mine.send(bytes(500_000))
        await offerer.connection.close()
        assert await next_message(theirs) == b"first"
        assert await next_message(theirs) == bytes(500_000)


async def test_what_a_client_of_another_protocol_sends_arrives_although_nobody_announces_it() -> None:
    """An offer of audio and video alone: no data channels, so no control channel either."""
    foreign = RTCPeerConnection()
    foreign.addTransceiver(AudioStreamTrack(), direction="sendonly")
    foreign.addTransceiver("video", direction="recvonly")
    end = End("ours", you_offer=False)
    try:
        await foreign.setLocalDescription(await foreign.createOffer())
        end.connection.start()
        end.connection.receive(
            Description(1, "offer", foreign.localDescription.sdp, {"0": "microphone", "1": "camera"})
        )
        await end.until(lambda: any(isinstance(each, Description) for each in end.sent))
        answer = next(each for each in end.sent if isinstance(each, Description))
        await foreign.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        await end.connection.wait_connected()
        assert end.slots == [{"microphone": "live"}]
        async with asyncio.timeout(10):
            slot, track = await anext(end.connection.tracks())
            assert slot == "microphone"
            await track.recv()
    finally:
        await end.connection.close()
        await foreign.close()


async def test_nobody_is_pressed_for_an_offer_who_may_offer_to_somebody_else() -> None:
    for only_offers in (True, False):
        end = End("ours", you_offer=False, only_offers=only_offers)
        end.connection.start()
        assert (end.connection._healing._timer is None) is only_offers
        await end.connection.close()
