"""What a peer says over data channels: fragments, lanes, the control channel, the test of a pair."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from peer.channels.channel import Channel
from peer.channels.chunking import Assembler, NoMessage, fragment
from peer.channels.incoming import Incoming
from peer.channels.kinds import (
    BULK,
    KINDS,
    LATEST,
    RELIABLE,
    decode_label,
    encode_label,
    parse_protocol,
    protocol_of,
)
from peer.control import Control
from peer.nat.pair.meeting import read_word, write_word
from peer.wire import Ack, Close, HasClosed, Open, parse_control, write_control
from tests.fuzz.mutation import in_pieces, joined, pieces, trees
from tests.fuzz.target import Target
from tests.peer.channels.lanes import START, FakeLane, Side

LOOP = asyncio.new_event_loop()
faults: list[dict[str, Any]] = []
LOOP.set_exception_handler(lambda loop, context: faults.append(context))


def assemble(data: bytes) -> None:
    """Never more is kept than one message may have, and what was put together comes apart the same."""
    parts = pieces(data)
    for kind in KINDS:
        assembler = Assembler(kind, 1_000)
        incoming = Incoming(kind)
        for part in parts:
            message = assembler.receive(part)
            assert assembler.unfinished_bytes <= 1_000
            if isinstance(message, str | bytes):
                is_text = isinstance(message, str)
                content = message.encode() if isinstance(message, str) else message
                whole = Assembler(kind)
                *firsts, last = fragment(kind, is_text, content, 7, 5)
                assert all(whole.receive(each) is NoMessage.PART for each in firsts)
                assert whole.receive(last) == message
            if kind.ordered:
                incoming.receive(part)
                assert incoming.received <= len(parts)
        incoming.begin_lane()
        assert incoming.unfinished_bytes == 0


async def _talk(data: bytes) -> None:
    side = Side(you_offer=data[:1] >= b"\x80")
    lane = FakeLane()
    control = Control(
        lane,
        opened=lambda: None,
        received=lambda word: (
            side.register.receive(word) if isinstance(word, Open | Close | HasClosed | Ack) else None
        ),
        violated=side.violations.append,
    )
    side.register.use(side.make_lane)
    side.register.open("moves", LATEST)
    side.register.open("chat", RELIABLE)
    lane.open()
    side.register.ask()
    others: list[FakeLane] = []
    for part in pieces(data[1:], most=32):
        how, said = part[:1], part[1:]
        lanes = [*side.made, *others]
        if how < b"\x50":
            lane.tell("message", said)
        elif how < b"\x80":
            label, _, protocol = said.decode(errors="replace").partition("\n")
            others.append(FakeLane(label, protocol))
            others[-1].open()
            side.register.adopt(others[-1], label, protocol)
        elif lanes and how < b"\xf0":
            lanes[how[0] % len(lanes)].tell("message", said)
        elif lanes:
            chosen = lanes[how[0] % len(lanes)]
            chosen.open() if chosen.readyState == "connecting" else chosen.closed()
        _send(side.opened)
        await asyncio.sleep(0)
    side.register.close()
    side.register.detach()
    await asyncio.sleep(0)
    _ = control


def _send(channels: list[Channel]) -> None:
    for channel in channels[:4]:
        if channel.state == "open" and not channel.statistics().sent:
            channel.send_now(b"hello")


def talk(data: bytes) -> None:
    """One side hears control words, new data channels and fragments, in any order."""
    faults.clear()
    LOOP.run_until_complete(_talk(data))
    assert not faults, faults[0].get("exception") or faults[0]


def read_control(data: bytes) -> None:
    text = data.decode(errors="replace")
    word = parse_control(text)
    if word is not None:
        assert write_control(parse_control(write_control(word)) or word) == write_control(word)
    label, _, protocol = text.partition("\n")
    name, kind = decode_label(label), parse_protocol(protocol)
    assert name is None or encode_label(name) == label
    assert kind is None or protocol_of(*kind) == protocol
    met = read_word(text)
    if met is not None:
        assert read_word(write_word(met)) == met


ID = "0123abcd"
CONTROL: tuple[dict[str, Any], ...] = (
    {"type": "open", "label": "chat", "kind": "reliable", "ask": ID},
    {"type": "open", "label": "chat", "kind": "bulk", "id": ID},
    {"type": "close", "label": "chat", "id": ID},
    {"type": "closed", "label": "chat", "id": ""},
    {"type": "ack", "received": {ID: [1, 12, 0.5], "x": None}},
    {"type": "media", "slots": {"camera": "live", "microphone": "muted"}},
    {"type": "bye"},
)
WORDS = tuple(msgspec.json.encode(word) for word in CONTROL)
MEETING: tuple[dict[str, Any], ...] = (
    {"step": "hello", "version": 1, "seconds": 5.0},
    {"step": "counted", "sent": 10, "received": 9, "jitter": 0.1, "reordered": 0},
    {"step": "weighed", "bytes_per_second": 1e6},
    {
        "step": "farewell",
        "path": {"route": "direct", "protocol": "udp", "local_type": "host", "remote_type": "prflx"},
    },
)
FRAGMENTS = (
    *fragment(BULK, True, b"a longer text in parts", 0, 6),
    *fragment(LATEST, False, b"value", 65_535),
    *fragment(RELIABLE, False, b"whole"),
    START,
    b"\x04\0\0\0\0\0\x01",
    b"\x01\xff",
    b"\x02",
    b"",
)
OPENED = f"chat\n{protocol_of(RELIABLE, ID)}".encode()


def _said(word: bytes) -> bytes:
    return b"\x00\x01" + word


TALKS = (
    b"\x00" + joined(*map(_said, WORDS)),
    b"\x80" + joined(*map(_said, WORDS)),
    b"\x00" + joined(b"\x50" + OPENED, b"\x82" + START, *(b"\x82" + each for each in FRAGMENTS), b"\xf2"),
    b"\x80" + joined(b"\xf0", b"\xf1", b"\x80" + START, b"\x81" + START, b"\x81\0hi", *map(_said, WORDS)),
)
KEYS = (*WORDS, START, ID.encode(), b"\npeerlane.v1.latest.", b"reliable", b"unreliable", b'"type":')

TARGETS = [
    Target(
        "framing",
        assemble,
        (joined(*FRAGMENTS), joined(*FRAGMENTS[::-1]), joined(START)),
        (START,),
        in_pieces(trees(msgspec.json)),
    ),
    Target("channels", talk, TALKS, KEYS, in_pieces(lambda data, chance, plain: plain(data))),
    Target(
        "control",
        read_control,
        (
            *WORDS,
            *(msgspec.json.encode(word) for word in MEETING),
            OPENED,
            b"a%20b\npeerlane.v1.bulk.00000000",
        ),
        KEYS,
        trees(msgspec.json, (ID, "live", "bulk")),
    ),
]
