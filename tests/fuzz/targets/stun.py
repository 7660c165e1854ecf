"""STUN as the server answers it, and as our clients read what answers."""

from __future__ import annotations

import asyncio
import struct

from aioice import stun

from peer.nat.stun_codec import binding_request, packed, padding, read_answer, response_port
from peer.nat.stun_socket import Answer
from peer.nat.turn_client import Credentials, TurnClient
from peer.nat.turn_line import Line
from signaling.stun_answers import Place, answer
from tests.fuzz.mutation import in_pieces, joined, pieces, repaired, stun_repaired
from tests.fuzz.target import Target

V4, V6 = ("192.0.2.1", 40_000), ("2001:db8::1", 40_000)
PLACES = (
    (V4, Place(("198.51.100.1", 3478), ("198.51.100.2", 3479)), 48),
    (V6, Place(("2001:db8::2", 3478), ("2001:db8::3", 3479)), 96),
)
ID = bytes(range(12))
LOOP = asyncio.new_event_loop()


def read_as_server(data: bytes) -> None:
    """The answer can be read, belongs to the question, and is hardly longer."""
    for source in (V4, V6):
        reply = answer(data, source)
        if reply.data:
            assert len(reply.data) <= 2.2 * len(data) + (12 if source is V6 else 0)
            assert stun.parse_message(reply.data).transaction_id == data[8:20]
    for source, place, more in PLACES:
        reply = answer(data, source, place)
        if reply.data:
            assert len(reply.data) <= 2.2 * len(data) + more
            assert stun.parse_message(reply.data).transaction_id == data[8:20]
            assert reply.port is None or 0 < reply.port < 65_536
            assert reply.origin is None or reply.origin[0] in (place.here[0], place.other[0])


def read_as_client(data: bytes) -> None:
    message = read_answer(data)
    if message is None:
        return
    told = Answer(message, V4, 0.0)
    for name in ("XOR-MAPPED-ADDRESS", "MAPPED-ADDRESS", "OTHER-ADDRESS", "RESPONSE-ORIGIN"):
        assert isinstance(told.endpoint(name), str)
    _ = told.mapped, message.error_code


class Wire:
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        self.is_ended = False

    def get_extra_info(self, name: str) -> object:
        return ("192.0.2.1", 3478) if name in ("sockname", "peername") else None

    def is_closing(self) -> bool:
        return self.is_ended

    def abort(self) -> None:
        self.is_ended = True

    close = abort

    def write(self, data: bytes) -> None:
        pass

    def sendto(self, data: bytes, addr: object = None) -> None:
        pass


async def _hear_turn_server(data: bytes) -> None:
    for is_stream in (False, True):
        line = Line(is_stream=is_stream)
        line.connection_made(Wire())  # type: ignore[arg-type]
        client = TurnClient(line, Credentials("user", "password"))
        asking = asyncio.ensure_future(client.allocate())
        await asyncio.sleep(0)
        # The answers of the input belong to the question that was asked.
        for transaction in list(client._waiting):
            for part in pieces(data):
                told = part[:8] + transaction + part[20:] if part[8:20] == ID else part
                line.data_received(told) if is_stream else line.datagram_received(told, V4)
        if is_stream:
            line.data_received(data)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        line.close()
        await asyncio.wait([asking])
        assert not asking.cancelled()
        _ = asking.exception()


def hear_turn_server(data: bytes) -> None:
    """Whatever a TURN server says to the one who examines it, over datagrams and over a stream."""
    LOOP.run_until_complete(_hear_turn_server(data))


def message(method: stun.Method, kind: stun.Class, **attributes: object) -> bytes:
    made = stun.Message(method, kind, ID, {name.replace("_", "-"): it for name, it in attributes.items()})
    return bytes(made)


def _with_fingerprint(data: bytes) -> bytes:
    return stun_repaired(data + struct.pack("!HHI", 0x8028, 4, 0))


REQUESTS = (
    message(stun.Method.BINDING, stun.Class.REQUEST),
    message(stun.Method.BINDING, stun.Class.REQUEST, USERNAME="ab:cd", PRIORITY=1, SOFTWARE="x"),
    _with_fingerprint(
        message(stun.Method.BINDING, stun.Class.REQUEST, ICE_CONTROLLING=1, USE_CANDIDATE=None)
    ),
    message(stun.Method.BINDING, stun.Class.REQUEST, MESSAGE_INTEGRITY=bytes(20)),
    packed(binding_request(change=6), [response_port(5_000)]),
    packed(binding_request(change=2), [padding(500)]),
    packed(binding_request(), [(0x7FFF, b"x"), (0x0002, b""), (0x8022, b"s" * 40)]),
    message(stun.Method.ALLOCATE, stun.Class.REQUEST, REQUESTED_TRANSPORT=17 << 24),
    b"",
    bytes(20),
)
ANSWERS = (
    message(stun.Method.BINDING, stun.Class.RESPONSE, XOR_MAPPED_ADDRESS=V4, SOFTWARE="coturn"),
    message(
        stun.Method.BINDING, stun.Class.RESPONSE, MAPPED_ADDRESS=V6, OTHER_ADDRESS=V4, RESPONSE_ORIGIN=V4
    ),
    message(stun.Method.BINDING, stun.Class.ERROR, ERROR_CODE=(420, "odd")),
    message(stun.Method.ALLOCATE, stun.Class.ERROR, ERROR_CODE=(401, ""), NONCE=b"n", REALM="r"),
    message(stun.Method.ALLOCATE, stun.Class.ERROR, ERROR_CODE=(438, ""), NONCE=b"m", REALM="r"),
    message(
        stun.Method.ALLOCATE, stun.Class.RESPONSE, XOR_RELAYED_ADDRESS=V4, XOR_MAPPED_ADDRESS=V4, LIFETIME=600
    ),
    message(stun.Method.DATA, stun.Class.INDICATION, XOR_PEER_ADDRESS=V6, DATA=b"hello"),
    b"\x40\x00\x00\x05hello\0\0\0",
)
KINDS = (
    *(struct.pack("!HH", each[0], 4) for each in stun.ATTRIBUTES),
    b"\x00\x26\x00\x04", b"\x00\x27\x00\x04", b"\x21\x12\xa4\x42", b"\x01\x01",
    b"\x01\x11", b"\x00\x17\x00\x08",
)  # fmt: skip

TARGETS = [
    Target("stun_server", read_as_server, REQUESTS, KINDS, repaired(stun_repaired)),
    Target("stun_client", read_as_client, (*ANSWERS, *REQUESTS), KINDS, repaired(stun_repaired)),
    Target(
        "turn_server",
        hear_turn_server,
        (*(joined(each) for each in ANSWERS), joined(*ANSWERS), *ANSWERS),
        KINDS,
        in_pieces(repaired(stun_repaired)),
        stretched_bytes=262_144,
    ),
]
