"""Frames that no client of ours sends: what a link makes of them."""

from __future__ import annotations

import json
import random
import zlib

import pytest

from tests.hostile.raw import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    connected,
    frame,
    greeted,
    member,
    upgrade,
    upgraded,
)
from tests.hostile.stage import Stage

pytestmark = pytest.mark.end_to_end

MAX_MESSAGE_BYTES = 65_536
MIB = 1_048_576


async def test_p01_frames_of_any_bytes_are_refused_and_end_only_their_own_link(stage: Stage) -> None:
    """mutated and random frames"""
    chance = random.Random(1)
    sent, links, codes = 0, 0, set[int | None]()
    while sent < stage.count(600, 30_000):
        async with greeted(stage.port) as link:
            links += 1
            for _ in range(4):
                await link.send(_mutated(chance))
                sent += 1
            link.end_input()
            codes.add((await link.ended()).code)
    assert codes <= {None, 1000, 1002, 1003, 1007, 1009, 4500}, codes
    stage.tell(f"{sent} frames, {links} links, codes {sorted(code for code in codes if code)}")


def _mutated(chance: random.Random) -> bytes:
    word = json.dumps(
        {"type": chance.choice(["join", "signal", "ack", "ping", "kick"]), "request": 7}
    ).encode()
    data = bytearray(frame(chance.choice([TEXT, TEXT, BINARY, PING, 3, 11]), word))
    for _ in range(chance.randrange(4)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data) if chance.random() < 0.8 else frame(TEXT, chance.randbytes(chance.randrange(200)))


@pytest.mark.parametrize("declared", [MAX_MESSAGE_BYTES + 1, 2**32, 2**63 - 1])
async def test_p05_oversized_frames_are_refused_before_they_are_kept(stage: Stage, declared: int) -> None:
    """64 KiB + 1 and 2^63 declared"""
    with stage.memory_within(MIB):
        for _ in range(stage.count(20, 200)):
            async with greeted(stage.port) as link:
                await link.send(frame(TEXT, b"x" * 1_000, declared=declared))
                ended = await link.ended()
                assert ended.code == 1009
    stage.tell("1009")


async def test_p05_a_message_of_the_greatest_length_is_read(stage: Stage) -> None:
    """64 KiB exactly"""
    async with member(stage.port, "p05") as link:
        text = json.dumps({"type": "broadcast", "room": "p05", "payload": ""})
        padded = text[:-2] + "x" * (MAX_MESSAGE_BYTES - len(text)) + text[-2:]
        await link.send(frame(TEXT, padded.encode()))
        await link.say({"type": "ping"})
        await link.words("pong")


async def test_p06_a_flood_of_pings_and_pongs_makes_no_work_that_stays(stage: Stage) -> None:
    """pings and pongs nobody asked for"""
    count = stage.count(5_000, 100_000)
    cpu = stage.server.cpu_seconds
    with stage.memory_within(4 * MIB):
        async with greeted(stage.port) as link:
            for opcode in (PONG, PING):
                for _ in range(count // 1_000):
                    await link.send(frame(opcode, b"x" * 125) * 1_000)
                    if opcode == PING:
                        for _ in range(1_000):
                            await link.frame()
            await link.say({"type": "ping"})
            await link.words("pong")
    stage.tell(f"{(stage.server.cpu_seconds - cpu) / count * 1e6:.0f} µs a pair")


async def test_p06_who_pings_and_does_not_read_is_read_no_more(stage: Stage) -> None:
    """pings, no reading"""
    async with greeted(stage.port) as link:
        link.reader._transport.pause_reading()  # type: ignore[attr-defined] # StreamReader has no word for it
        sent = 0
        with stage.memory_within(8 * MIB):
            while sent < 400_000 and link.writer.transport.get_write_buffer_size() < MIB:
                link.writer.write(frame(PING, b"x" * 125) * 100)
                sent += 100
        stage.tell(f"{sent} pings")


async def test_p06_empty_text_frames_end_their_link_after_three(stage: Stage) -> None:
    """empty text frames"""
    async with greeted(stage.port) as link:
        await link.send(frame(TEXT) * 1_000)
        ended = await link.ended()
    assert ended.code == 4500
    assert sum(word["type"] == "refused" for word in ended.words) == 3
    stage.tell("4500 after 3")


async def test_p07_fragments_without_an_end_are_bounded_as_one_message_is(stage: Stage) -> None:
    """1-byte fragments, no FIN"""
    with stage.memory_within(8 * MIB):
        async with greeted(stage.port) as link:
            await link.send(frame(TEXT, b"x", is_last=False))
            for _ in range(100):
                if not await link.send(frame(CONTINUATION, b"x", is_last=False) * 1_000):
                    break
            ended = await link.ended()
        assert ended.code in (1009, 1002, None)
    stage.tell(str(ended.code))


async def test_p07_fragments_of_nothing_are_bounded_too(stage: Stage) -> None:
    """empty fragments, no FIN"""
    with stage.memory_within(8 * MIB):
        async with greeted(stage.port) as link:
            await link.send(frame(TEXT, b"x", is_last=False))
            for _ in range(stage.count(100, 1_000)):
                if not await link.send(frame(CONTINUATION, b"", is_last=False) * 1_000):
                    break


@pytest.mark.parametrize(
    "frames",
    [
        frame(TEXT, b"{", is_last=False) + frame(BINARY, b"}"),
        frame(CONTINUATION, b"{}"),
        frame(PING, b"x", is_last=False),
        frame(PING, b"x" * 126),
        frame(0x3, b"x"),
    ],
    ids=["text then binary", "continues nothing", "ping in parts", "long ping", "reserved opcode"],
)
async def test_p07_frames_out_of_order_end_the_link_as_an_error_of_the_protocol(
    stage: Stage, frames: bytes
) -> None:
    """control frames in parts, wrong continuations"""
    async with greeted(stage.port) as link:
        await link.send(frames)
        ended = await link.ended()
    assert ended.code == 1002, ended
    stage.tell("1002")


async def test_p07_a_frame_without_a_mask_is_read_as_any_other(stage: Stage) -> None:
    """no mask (not strict: RFC 6455 5.1 asks to hang up)"""
    async with greeted(stage.port) as link:
        await link.send(frame(TEXT, b'{"type":"ping"}', is_masked=False))
        await link.words("pong")
    stage.tell("answered: masks protect proxies from pages, not this server")


async def test_p07_a_ping_between_the_parts_of_a_message_spoils_nothing(stage: Stage) -> None:
    """a ping between two parts"""
    async with greeted(stage.port) as link:
        await link.send(frame(TEXT, b'{"type":', is_last=False) + frame(PING, b"now"))
        came = await link.frame()
        assert came is not None
        assert (came.opcode, came.payload) == (PONG, b"now")
        await link.send(frame(CONTINUATION, b'"ping"}'))
        await link.words("pong")


async def test_p08_compression_is_not_negotiated_and_a_compressed_frame_is_an_error(stage: Stage) -> None:
    """64 KiB that inflate to 64 MiB"""
    deflater = zlib.compressobj(9, wbits=-15)
    bomb = deflater.compress(bytes(64 * MIB)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    offers = (
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits=99",
        "x-webkit-deflate-frame",
    )
    with stage.memory_within(MIB):
        for offer in offers:
            async with connected(stage.port) as link:
                await link.send(upgrade(Sec_WebSocket_Extensions=offer))
                head = await link.head()
                assert b" 101 " in head
                assert b"sec-websocket-extensions" not in head.lower()
                await link.send(frame(TEXT, bomb[:60_000], reserved=0x4))
                assert (await link.ended()).code == 1002
    stage.tell("1002")


async def test_p11_text_that_is_not_utf_8_is_refused(stage: Stage) -> None:
    """invalid UTF-8, whole and in parts"""
    texts = [
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xce\xba\xe1\xbd",
        b"\xfe\xfe\xff\xff",
    ]
    for text in texts:
        quoted = b'{"type":"broadcast","room":"x","payload":"' + text + b'"}'
        for parts in (
            frame(TEXT, quoted),
            frame(TEXT, quoted[:-3], is_last=False) + frame(CONTINUATION, quoted[-3:]),
        ):
            async with greeted(stage.port) as link:
                await link.send(parts)
                refused = await link.words("refused")
                assert refused["code"] == "malformed"
    stage.tell(f"{2 * len(texts)} of {2 * len(texts)} refused")


async def test_p11_a_code_point_may_be_cut_between_two_frames(stage: Stage) -> None:
    """'κ' in two fragments"""
    async with member(stage.port, "p11") as link:
        word = '{"type":"update","request":2,"room":"p11","name":"κ"}'.encode()
        cut = word.index("κ".encode()) + 1
        await link.send(frame(TEXT, word[:cut], is_last=False) + frame(CONTINUATION, word[cut:]))
        await link.words("updated")


async def test_p13_a_link_that_says_nothing_is_closed_in_time(stage: Stage) -> None:
    """no hello"""
    async with upgraded(stage.port) as link:
        ended = await link.ended()
    assert ended.code == 4501
