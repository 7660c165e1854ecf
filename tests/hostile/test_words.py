"""Messages that are wrong, poisonous or forged: refused at their sender, and nobody else is hurt."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack

import pytest

from tests.hostile.raw import (
    CONTINUATION,
    TEXT,
    Connection,
    connected,
    frame,
    greeted,
    member,
    request,
    upgrade,
    upgraded,
)
from tests.hostile.stage import Stage, running

pytestmark = pytest.mark.end_to_end

MIB = 1_048_576
BROADCAST = b'{"type":"broadcast","room":"p02","payload":%s}'

UNREADABLE = {
    "empty": b"",
    "a space": b" ",
    "null": b"null",
    "a number": b"17",
    "a text": b'"hello"',
    "no type": b"{}",
    "an unknown type": b'{"type":"become-admin"}',
    "a type that is a number": b'{"type":7}',
    "a type of the server's": b'{"type":"welcome"}',
    "not closed": b'{"type":"ping"',
    "closed twice": b'{"type":"ping"}}',
    "two values": b'{"type":"ping"}{"type":"ping"}',
    "a comma too many": b'{"type":"ping",}',
    "single quotes": b"{'type':'ping'}",
    "a comment": b'{"type":"ping"}//',
    "NaN": BROADCAST % b"NaN",
    "Infinity": BROADCAST % b"-Infinity",
    "a BOM": b'\xef\xbb\xbf{"type":"ping"}',
    "NUL": b'{"type":"ping"}\x00',
    "a bare NUL in a text": BROADCAST % b'"\x00"',
    "a lone surrogate": b'{"type":"join","request":1,"room":"\\ud800"}',
    "a number of 5,000 digits": b'{"type":"join","room":"x","request":' + b"9" * 5_000 + b"}",
    "a number beyond 2^53": b'{"type":"join","room":"x","request":9007199254740993}',
    "a number as a text": b'{"type":"join","room":"x","request":"1"}',
    "a fraction": b'{"type":"join","room":"x","request":1.5}',
    "a room that is a list": b'{"type":"join","request":1,"room":["x"]}',
    "metadata that is a list": b'{"type":"join","request":1,"room":"x","metadata":[]}',
    "no room": b'{"type":"join","request":1}',
    "no payload": b'{"type":"broadcast","room":"x"}',
    "an empty batch": b"[]",
    "a batch in a batch": b'[[{"type":"ping"}]]',
    "a batch with one bad": b'[{"type":"ping"},{"type":"x"}]',
    "a batch of 65": b"[" + b",".join([b'{"type":"ping"}'] * 65) + b"]",
    "an id of 65": b'{"type":"signal","to":"' + b"x" * 65 + b'","n":1,"payload":0}',
    "a token of 9,000": b'{"type":"authenticate","request":1,"token":"' + b"x" * 9_000 + b'"}',
    **{f"{depth} deep": BROADCAST % (b"[" * depth + b"]" * depth) for depth in (129, 990, 3_000, 30_000)},
    **{f"{depth} deep, open": b"[" * depth for depth in (1, 990, 60_000)},
    **{
        f"{depth} objects deep": BROADCAST % (b'{"a":' * depth + b"1" + b"}" * depth)
        for depth in (129, 9_000)
    },
}

HARMLESS = {
    "unknown fields": b'{"type":"ping","admin":true,"__proto__":{"x":1}}',
    "a type said twice": b'{"type":"ping","type":"ping"}',
    "1e400": BROADCAST % b"1e400",
    "128 deep": BROADCAST % (b"[" * 128 + b"]" * 128),
    "much space": b" " * 1_000 + b'{"type":"ping"}\n',
}


@pytest.mark.parametrize("words", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_p02_what_is_not_a_message_is_refused_and_not_repeated(stage: Stage, words: bytes) -> None:
    """JSON"""
    async with member(stage.port, "p02") as link:
        await link.send(frame(TEXT, words))
        refused = await link.words("refused")
        assert refused["code"] in ("malformed", "bad-room-name")
        assert len(json.dumps(refused)) < 500
        await link.say({"type": "ping"})
        await link.words("pong")


async def test_p02_what_is_odd_and_well_formed_is_taken(stage: Stage) -> None:
    """odd JSON"""
    async with member(stage.port, "p02") as link:
        for words in HARMLESS.values():
            await link.send(frame(TEXT, words))
        await link.say({"type": "leave", "request": 77, "room": "p02"})
        assert (await link.words("left"))["request"] == 77
    stage.tell(f"{len(HARMLESS)} of {len(HARMLESS)} taken")


async def test_p02_the_third_strike_ends_the_link(stage: Stage) -> None:
    """three unreadable frames"""
    async with member(stage.port, "p02") as link:
        await link.send(frame(TEXT, b"?") * 10)
        assert (await link.ended()).code == 4500
    stage.tell("4500")


POISON = {
    "line separators": "\u2028\u2029\u0085",
    "a long grapheme": "e" + "\u0301" * 100,
    "directions": "\u202egnp.exe\u2066",
    "markup": "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "a template": "{{constructor.constructor('alert(3)')()}}${7*7}",
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "controls": "\x1b[2J\x07\r\nX-Injected: 1",
    "an emoji family": "👨‍👩‍👧‍👦" * 10,
}


async def test_p03_poison_is_refused_at_its_sender_or_arrives_whole_at_everybody(stage: Stage) -> None:
    """poison in payloads, names, metadata and rooms"""
    async with AsyncExitStack() as stack:
        listeners = [
            await stack.enter_async_context(member(stage.port, "p03")) for _ in range(stage.count(8, 100))
        ]
        sender = await stack.enter_async_context(member(stage.port, "p03", "poisoner"))
        for number, text in enumerate(POISON.values()):
            metadata = {"__proto__": {"isAdmin": True}, "constructor": text, text: text}
            await sender.say(
                {"type": "broadcast", "room": "p03", "payload": {"__proto__": text, "text": text}},
                {
                    "type": "update",
                    "request": number,
                    "room": "p03",
                    "name": text[:100],
                    "metadata": metadata,
                },
                {"type": "join", "request": number, "room": text, "name": text},
            )
        await sender.send(frame(TEXT, b'{"type":"broadcast","room":"p03","payload":"\\ud800"}'))
        await sender.say({"type": "broadcast", "room": "p03", "payload": "the end"})
        heard = await asyncio.gather(*(_texts_until_the_end(listener) for listener in listeners))
    assert all(texts == list(POISON.values()) for texts in heard)
    stage.tell(f"{len(heard)} of {len(listeners)} receivers heard all {len(POISON)}")


async def _texts_until_the_end(link: Connection) -> list[str]:
    texts: list[str] = []
    while (said := (await link.words("broadcast"))["payload"]) != "the end":
        if isinstance(said, dict):
            texts.append(said["text"])
    return texts


async def test_p09_what_was_promised_and_never_came_is_forgotten_with_its_link(stage: Stage) -> None:
    """half messages, then hung up"""
    with stage.memory_within(4 * MIB):
        for _ in range(stage.count(50, 1_000)):
            async with greeted(stage.port) as link:
                await link.send(frame(TEXT, b"x" * 30_000, is_last=False))
                await link.send(frame(CONTINUATION, b"x" * 10_000, declared=20_000))


async def test_p10_a_batch_of_thousands_is_one_strike_and_takes_no_longer_than_it_is_long(
    stage: Stage,
) -> None:
    """3,000 messages in one frame"""
    batch = b"[" + b",".join([b'{"type":"pong"}'] * 3_000) + b"]"
    rounds = stage.count(20, 200)
    cpu = stage.server.cpu_seconds
    for _ in range(rounds):
        async with greeted(stage.port) as link:
            await link.send(frame(TEXT, batch))
            assert (await link.words("refused"))["code"] == "malformed"
    stage.tell(f"{(stage.server.cpu_seconds - cpu) / rounds / 3 * 1e3:.1f} ms for 1,000, with the link")


async def test_p18_made_up_tickets_start_a_fresh_session_and_cost_little(stage: Stage) -> None:
    """bogus resume tickets"""
    rounds = stage.count(100, 10_000)
    cpu, started = stage.server.cpu_seconds, time.monotonic()
    for number in range(rounds):
        async with upgraded(stage.port) as link:
            resume = {"ticket": f"{number:040x}", "epoch": "x", "received": number}
            await link.say({"type": "hello", "resume": resume})
            assert not (await link.words("welcome"))["resumed"]
            await link.say({"type": "bye"})
    used = stage.server.cpu_seconds - cpu
    stage.tell(
        f"{used / rounds * 1e6:.0f} µs each with the link, {rounds / (time.monotonic() - started):.0f}/s"
    )


async def test_p18_who_goes_on_guessing_tickets_is_sent_away(stage: Stage) -> None:
    """bogus tickets, at the limit of one address"""
    with running(PEERLANE_LIMITS_BAD_TICKETS_PER_SECOND_PER_ADDRESS="0.5") as server:
        for _ in range(30):
            async with upgraded(server.port) as link:
                await link.say({"type": "hello", "resume": {"ticket": "x.y", "epoch": "x", "received": 0}})
                await link.words("welcome")
        async with connected(server.port) as link:
            await link.send(upgrade())
            head = await link.head()
    assert head.startswith(b"HTTP/1.1 429")
    assert b"Retry-After" in head
    stage.tell("30 looked at, then 429")


async def test_p13_who_connects_and_says_nothing_holds_a_socket_and_no_session(stage: Stage) -> None:
    """silent sockets, all closed at once"""
    # They are hung up in one turn of the server's loop, and each costs it about 40 µs.
    stage.allow(0.25)
    before = await _sessions(stage.port)
    count = stage.count(50, 2_000)
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(connected(stage.port))
        during = await _sessions(stage.port)
    # Those that others have left may end meanwhile.
    assert during <= before
    stage.tell(f"{count} sockets, 0 sessions more")


async def _sessions(port: int) -> float:
    async with connected(port) as link:
        await link.send(request("GET", "/metrics"))
        _, body = await link.response()
    (line,) = (line for line in body.splitlines() if line.startswith(b"peerlane_sessions "))
    return float(line.split()[1])
