"""The cases that WebSocket servers are judged by: framing, UTF-8, closing (RFC 6455), section by section.

The ids behind P12 are those of Autobahn's test suite, whose cases these follow; its sections 9 (speed), 12
and 13 (compression, which we do not negotiate) are left out.
"""

from __future__ import annotations

import json
import struct
from contextlib import AsyncExitStack

import pytest

from tests.hostile.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Connection,
    frame,
    greeted,
    member,
)
from tests.hostile.stage import Stage

pytestmark = pytest.mark.end_to_end

PROTOCOL_ERROR = 1002
WORD = b'{"type":"ping"}'


async def heard(link: Connection) -> bool:
    """Whether the link is still one that is listened to."""
    await link.say({"type": "ping"})
    await link.words("pong")
    return True


async def ends(port: int, *frames: bytes) -> int | None:
    async with greeted(port) as link:
        await link.send(b"".join(frames))
        return (await link.ended()).code


async def test_p12_messages_of_every_length_class_are_read(stage: Stage) -> None:
    """1: lengths in 7, 16 and 64 bits"""
    async with member(stage.port, "p12") as speaker, member(stage.port, "p12") as listener:
        for size in (0, 1, 60, 61, 62, 63, 124, 1_000, 64_000):
            word = {"type": "broadcast", "room": "p12", "payload": "*" * size}
            await speaker.send(frame(TEXT, json.dumps(word).encode()))
            assert len((await listener.words("broadcast"))["payload"]) == size
        long_form = b"\x81\xfe" + struct.pack("!H", len(WORD)) + bytes(4) + WORD
        longest_form = b"\x81\xff" + struct.pack("!Q", len(WORD)) + bytes(4) + WORD
        await speaker.send(long_form + longest_form)
        await speaker.words("pong")
        await speaker.words("pong")
    stage.tell("9 lengths, 3 ways to write them")


async def test_p12_pings_are_answered_with_what_they_carry(stage: Stage) -> None:
    """2: pings and pongs"""
    async with greeted(stage.port) as link:
        for payload in (b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125):
            await link.send(frame(PING, payload))
            came = await link.frame()
            assert came is not None
            assert (came.opcode, came.payload) == (PONG, payload)
        await link.send(frame(PONG) + frame(PONG, b"unsolicited"))
        assert await heard(link)
        await link.send(b"".join(frame(PING, b"payload-%d" % number) for number in range(10)))
        for number in range(10):
            came = await link.frame()
            assert came is not None
            assert came.payload == b"payload-%d" % number
    assert await ends(stage.port, frame(PING, b"x" * 126)) == PROTOCOL_ERROR
    stage.tell("2.1 to 2.11 pass")


async def test_p12_bits_and_opcodes_that_mean_nothing_end_the_link(stage: Stage) -> None:
    """3 and 4: reserved bits, reserved opcodes"""
    for reserved in range(1, 8):
        for opcode in (TEXT, BINARY, PING, CLOSE):
            code = await ends(
                stage.port, frame(opcode, WORD[: 2 if opcode == CLOSE else None], reserved=reserved)
            )
            assert code == PROTOCOL_ERROR, (reserved, opcode)
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for payload in (b"", b"reserved"):
            assert await ends(stage.port, frame(TEXT, WORD), frame(opcode, payload)) == PROTOCOL_ERROR, opcode
    stage.tell("28 and 20 cases pass")


async def test_p12_messages_in_parts_are_put_together_and_odd_parts_end_the_link(stage: Stage) -> None:
    """5: fragments"""
    halves = frame(TEXT, WORD[:7], is_last=False), frame(CONTINUATION, WORD[7:])
    bytewise = [frame(TEXT, WORD[:1], is_last=False)]
    bytewise += [frame(CONTINUATION, WORD[at : at + 1], is_last=False) for at in range(1, len(WORD))]
    good = {
        "5.3 two parts": [*halves],
        "5.6 a ping between": [halves[0], frame(PING, b"between"), halves[1]],
        "5.7 byte by byte": [*bytewise, frame(CONTINUATION)],
        "5.19 pings everywhere": [
            each for part in (*bytewise, frame(CONTINUATION)) for each in (frame(PING), part)
        ],
        "10.1 many parts": [frame(TEXT, b" " * 1_300, is_last=False)]
        + [frame(CONTINUATION, b" " * 1_300, is_last=False)] * 40
        + [frame(CONTINUATION, WORD)],
    }
    for frames in good.values():
        async with greeted(stage.port) as link:
            await link.send(b"".join(frames))
            await link.words("pong")
    bad = {
        "5.1 a ping in parts": [frame(PING, is_last=False)],
        "5.2 a pong in parts": [frame(PONG, is_last=False)],
        "5.9 the last part of nothing": [frame(CONTINUATION, WORD)],
        "5.12 a part of nothing": [frame(CONTINUATION, WORD, is_last=False)],
        "5.15 a part after the end": [*halves, frame(CONTINUATION, WORD, is_last=False)],
        "5.18 a text in a text": [halves[0], frame(TEXT, WORD)],
        "5.18 bytes in a text": [halves[0], frame(BINARY, WORD)],
    }
    for name, frames in bad.items():
        assert await ends(stage.port, *frames) == PROTOCOL_ERROR, name
    stage.tell(f"{len(good) + len(bad)} cases pass")


VALID = [
    "κόσμε", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\uffff", "\U00010000",
    "\U0010ffff", "\ufffe", "\U0001fffe", "\U0010fffe", "\ufdd0", "Hello-µ@ßöäüàá-UTF-8!!",
]  # fmt: skip
INVALID = {
    "6.3.1 a surrogate": b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    "6.6.1 half a letter": b"\xce",
    "6.6.7 two thirds": b"\xe1\xbd",
    "6.12.1 fe": b"\xfe",
    "6.12.2 ff": b"\xff",
    "6.12.3 both": b"\xfe\xfe\xff\xff",
    "6.14.1 a beginning alone": b"\xc0 ",
    "6.14.3": b"\xf0 \xf1 \xf2 ",
    "6.18.1 overlong /": b"\xc0\xaf",
    "6.18.2": b"\xe0\x80\xaf",
    "6.18.3": b"\xf0\x80\x80\xaf",
    "6.18.4": b"\xf8\x80\x80\x80\xaf",
    "6.19.1 the largest overlong": b"\xc1\xbf",
    "6.19.2": b"\xe0\x9f\xbf",
    "6.19.3": b"\xf0\x8f\xbf\xbf",
    "6.20.1 overlong nothing": b"\xc0\x80",
    "6.20.3": b"\xf0\x80\x80\x80",
    "6.21.1 surrogates": b"\xed\xa0\x80",
    "6.21.3": b"\xed\xaf\xbf",
    "6.21.7": b"\xed\xbf\xbf",
    "6.22 a pair of them": b"\xed\xa0\x80\xed\xb0\x80",
    "6.8 five bytes": b"\xf8\x88\x80\x80\x80",
    "6.8 six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "6.4 beyond the end": b"\xf4\x90\x80\x80",
    "6.9 the end of all": b"\xf7\xbf\xbf\xbf",
    "6.10 a continuation": b"\x80",
    "6.11 many": b"\x80\xbf" * 3,
}


async def test_p12_text_is_utf_8_and_what_is_not_reaches_nobody(stage: Stage) -> None:
    """6: UTF-8"""
    async with AsyncExitStack() as stack:
        listener = await stack.enter_async_context(member(stage.port, "p12-text"))
        speaker = await stack.enter_async_context(member(stage.port, "p12-text"))
        said = b'{"type":"broadcast","room":"p12-text","payload":"%b"}'
        for text in VALID:
            await speaker.send(frame(TEXT, said % text.encode()))
            assert (await listener.words("broadcast"))["payload"] == text
        whole = said % "κόσμε".encode()
        for cut in range(1, len(whole)):
            await speaker.send(frame(TEXT, whole[:cut], is_last=False) + frame(CONTINUATION, whole[cut:]))
            assert (await listener.words("broadcast"))["payload"] == "κόσμε"
        for name, data in INVALID.items():
            async with member(stage.port, "p12-text") as spoiler:
                await spoiler.send(frame(TEXT, said % data))
                refused = await spoiler.words("refused")
                assert refused["code"] == "malformed", name
        await speaker.send(frame(TEXT, said % b"the end"))
        assert (await listener.words("broadcast"))["payload"] == "the end"
    stage.tell(
        f"{len(VALID)} texts read, {len(INVALID)} refused (non-strict: three strikes, not 1007 at once)"
    )


async def test_p12_goodbyes_are_answered_and_odd_ones_are_an_error(stage: Stage) -> None:
    """7: closing"""
    port = stage.port
    assert await ends(port, frame(CLOSE), frame(TEXT, WORD), frame(CLOSE)) in (1000, 1005)
    assert await ends(port, frame(CLOSE, struct.pack("!H", 1000) + b"x" * 123)) == 1000
    codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
    for code in codes:
        assert await ends(port, frame(CLOSE, struct.pack("!H", code))) in (1000, code), code
    wrong = [0, 999, 1004, 1005, 1016, 1100, 2000, 2999]
    for code in wrong:
        assert await ends(port, frame(CLOSE, struct.pack("!H", code))) == PROTOCOL_ERROR, code
    assert await ends(port, frame(CLOSE, b"x")) == PROTOCOL_ERROR
    assert await ends(port, frame(CLOSE, struct.pack("!H", 1000) + b"x" * 124)) == PROTOCOL_ERROR
    spoilt = await ends(port, frame(CLOSE, struct.pack("!H", 1000) + b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80"))
    assert spoilt in (PROTOCOL_ERROR, 1007)
    # aiohttp answers these as if they were codes; the link ends all the same.
    lax = {code: await ends(port, frame(CLOSE, struct.pack("!H", code))) for code in (1006, 5_000, 65_535)}
    assert None not in lax.values()
    stage.tell(f"{len(codes) + len(wrong) + 5} cases pass, {len(lax)} non-strict ({lax})")
