"""A peer that means ours harm: over channels, media and candidates, and from beside the path."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import socket
import struct
import time
from typing import Any

import pytest
from aiortc.mediastreams import AudioStreamTrack

from peer.channels.kinds import RELIABLE
from peer.engine.sources import MAX_SOURCES
from peer.remote_peer import RemotePeer
from peer.testing.pair import pair
from signaling.protocol.signals import IceCandidateInit
from tests.hostile.stage import Stage
from tests.peer.engine.two import Two

pytestmark = pytest.mark.end_to_end

MIB = 1_048_576


def used_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class Bystander:
    """Somebody who has nothing to do with it, and counts what is sent there."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]

    def packets(self) -> int:
        count = 0
        while True:
            try:
                self._socket.recv(2_048)
            except BlockingIOError:
                return count
            count += 1

    def close(self) -> None:
        self._socket.close()


async def test_x03_candidates_that_aim_at_others_send_them_next_to_nothing(stage: Stage) -> None:
    """10,000 candidates at a bystander"""
    count = stage.count(2_000, 10_000)
    bystander, two = Bystander(), Two()
    try:
        await two.answerer.apply("offer", await two.offer())
        two.answerer.make_control()
        answer = await two.answerer.make_answer()
        for number in range(count):
            aimed = f"candidate:{number} 1 udp {2**31 - 1 - number} 127.0.0.1 {bystander.port} typ host"
            two.answerer.add_candidate(IceCandidateInit(aimed, "0", 0))
        # The attacker does not answer, so that there is nothing else to do.
        await asyncio.sleep(stage.count(1, 10))
        sent = bystander.packets()
        await two.offerer.apply("answer", answer)
        await two.connected()
    finally:
        await two.close()
        bystander.close()
    assert sent <= 64
    stage.tell(f"{count} candidates, {sent} packets at the bystander")


async def test_x03_secrets_of_the_cloud_and_names_without_end_are_not_asked_for(stage: Stage) -> None:
    """metadata addresses, mDNS names"""
    two = Two()
    try:
        offer = await two.offer()
        await two.answer(offer)
        for number in range(stage.count(500, 5_000)):
            for host in ("169.254.169.254", "fd00:ec2::254", f"{number:032x}.local", f"{number}.example.org"):
                two.answerer.add_candidate(
                    IceCandidateInit(f"candidate:{number} 1 udp 99 {host} 80 typ host", "0", 0)
                )
        await two.connected()
        asked = {each.remote for each in two.answerer.pairs()}
    finally:
        await two.close()
    assert {each.rpartition(":")[0] for each in asked} == {"127.0.0.1"}
    stage.tell("none of them is in a pair")


def raw(peer: RemotePeer) -> Any:
    """aiortc's connection under a peer: what an attacker has."""
    run = peer._connection._run
    assert run is not None
    return run.pc._pc


def lane(peer: RemotePeer, label: str) -> Any:
    """A data channel that our library would not make."""
    return raw(peer).createDataChannel(label, protocol="x")


def is_open(channel: Any) -> bool:
    return bool(channel.readyState == "open")


def goes(channel: Any, data: bytes) -> bool:
    """False when the victim has ended it."""
    if is_open(channel):
        channel.send(data)
        return True
    return False


async def proper_lane(bad: RemotePeer) -> Any:
    """The data channel under a channel that both sides have opened."""
    channel = await bad.open("game", RELIABLE)
    await channel.wait_open()
    return channel.carrier._lane


async def many_channels(bad: RemotePeer, count: int) -> None:
    for number in range(count):
        if raw(bad).connectionState != "connected":
            return
        lane(bad, f"{number:x}" * 20)
        if number % 100 == 0:
            await asyncio.sleep(0)


async def long_labels(bad: RemotePeer, count: int) -> None:
    for _ in range(count // 20):
        if raw(bad).connectionState != "connected":
            return
        lane(bad, "x" * 65_535)
        await asyncio.sleep(0)


async def empty_messages(bad: RemotePeer, count: int) -> None:
    channel = await proper_lane(bad)
    for number in range(count * 10):
        if not goes(channel, b""):
            return
        if number % 100 == 0:
            await asyncio.sleep(0)


async def large_messages(bad: RemotePeer, count: int) -> None:
    channel = await proper_lane(bad)
    raw(bad).sctp._remote_max_message_size = 1 << 30
    for _ in range(count // 200):
        if not goes(channel, bytes(4 * MIB)):
            return
        await asyncio.sleep(0.05)


async def odd_frames(bad: RemotePeer, count: int) -> None:
    channel, chance = await proper_lane(bad), random.Random(4)
    for number in range(count):
        if not goes(channel, bytes((chance.randrange(8),)) + chance.randbytes(chance.randrange(200))):
            return
        if number % 100 == 0:
            await asyncio.sleep(0)


async def odd_control(bad: RemotePeer, count: int) -> None:
    await proper_lane(bad)
    control = bad._connection._run.control  # type: ignore[union-attr] # it is connected
    assert control is not None
    chance = random.Random(4)
    for number in range(count):
        if not goes(control._lane, chance.randbytes(chance.randrange(200))):
            return
        if number % 100 == 0:
            await asyncio.sleep(0)


ABUSES = {
    "65,535 channels": many_channels,
    "labels of 64 KiB": long_labels,
    "a million empty messages": empty_messages,
    "messages of 4 MiB": large_messages,
    "frames at random": odd_frames,
    "bytes at random on the control channel": odd_control,
}


@pytest.mark.parametrize("abuse", ABUSES.values(), ids=ABUSES.keys())
async def test_x04_a_peer_that_abuses_its_channels_fills_nothing_and_ends_at_most_itself(
    stage: Stage, abuse: Any
) -> None:
    """data channels"""
    async with pair() as (other, third), pair() as (victim, bad):
        mine, theirs = await asyncio.gather(other.open("good", RELIABLE), third.open("good", RELIABLE))
        await asyncio.gather(victim.wait_connected(), bad.wait_connected())
        attacked = await victim.open("game", RELIABLE)
        before, started = used_bytes(), time.monotonic()
        await abuse(bad, stage.count(1_000, 20_000))
        took = time.monotonic() - started
        await mine.send("still here")
        async with asyncio.timeout(10):
            assert await theirs.__anext__() == "still here"
        await asyncio.sleep(0.5)
        grown = used_bytes() - before
        ended = (
            "the connection is ended" if victim.state != "connected" else f"the channel is {attacked.state}"
        )
    assert grown < 256 * MIB
    stage.tell(f"{took:.1f} s of abuse, memory of both ends +{grown // MIB} MiB, {ended}")


def junk(chance: random.Random) -> bytes:
    """What a stranger may send to a port of media: STUN without a password, DTLS, SRTP, anything."""
    kind = chance.randrange(5)
    if kind == 0:
        return struct.pack("!HHI", 1, 0, 0x2112A442) + chance.randbytes(12)
    if kind == 1:
        hello = chance.randbytes(chance.randrange(40, 200))
        return b"\x16\xfe\xff" + bytes(8) + struct.pack("!H", len(hello)) + b"\x01" + hello
    if kind == 2:
        return struct.pack("!BBHII", 0x80, 111, chance.randrange(65_536), 1, 2) + chance.randbytes(100)
    if kind == 3:
        return struct.pack("!BBHI", 0x81, 203, 1, chance.randrange(2**32))  # an RTCP BYE
    return chance.randbytes(chance.randrange(1, 1_500))


async def test_x05_what_strangers_send_to_the_port_of_a_call_does_not_end_it(stage: Stage) -> None:
    """STUN without a password, DTLS, RTP and RTCP of others, noise"""
    chance = random.Random(5)
    async with pair() as (there, here):
        mine, theirs = await asyncio.gather(there.open("good", RELIABLE), here.open("good", RELIABLE))
        await asyncio.gather(there.wait_connected(), here.wait_connected())
        ports = {
            (candidate.host, candidate.port)
            for peer in (there, here)
            for candidate in peer._connection._run.pc._ice.newest.local_candidates  # type: ignore[union-attr]
            if candidate.transport == "udp" and ":" not in candidate.host
        }
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            sent = 0
            for number in range(stage.count(20, 200)):
                for _ in range(100):
                    for address in ports:
                        try:
                            stranger.sendto(junk(chance), address)
                            sent += 1
                        except BlockingIOError:
                            pass  # the kernel has enough of it for now
                await mine.send(f"{number}")
                async with asyncio.timeout(10):
                    assert await theirs.__anext__() == f"{number}"
        assert (there.state, here.state) == ("connected", "connected")
    assert ports
    stage.tell(f"{sent} datagrams, no message lost")


async def test_x07_sources_of_media_without_end_are_forgotten_and_the_call_goes_on(stage: Stage) -> None:
    """RTP with SSRCs at random, of all sizes"""
    chance = random.Random(7)
    two = Two()
    try:
        senders = [side.add_transceiver("audio") for side in (two.offerer, two.answerer)]
        for sender in senders:
            sender.sender.replaceTrack(AudioStreamTrack())
        await two.connect()
        good = two.answerer.transceivers[0].receiver
        bad = two.offerer.transceivers[0].sender
        payload_type = good._RTCRtpReceiver__codecs and next(iter(good._RTCRtpReceiver__codecs))
        before = used_bytes()
        for number in range(stage.count(3_000, 100_000)):
            head = struct.pack("!BBHII", 0x80, payload_type, number % 65_536, number, number * 40_503 + 1)
            await bad.transport._send_rtp(head + os.urandom(chance.choice((0, 1, 100, 1_100))))
            bad.transport._tx_srtp.remove_stream(number * 40_503 + 1)
            if number % 20 == 0:
                await asyncio.sleep(0)
        # Two reports of what came are sent meanwhile.
        await asyncio.sleep(2.0)
        grown = used_bytes() - before
        known = len(good._RTCRtpReceiver__remote_streams)
        table = len(good.transport._rtp_router.ssrc_table)
        state = two.answerer._pc.connectionState
    finally:
        await two.close()
    assert state == "connected"
    assert 0 < known <= MAX_SOURCES
    assert table <= MAX_SOURCES + 2
    assert grown < 64 * MIB
    stage.tell(f"{known} sources known, memory +{grown // MIB} MiB")
