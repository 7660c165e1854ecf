"""What comes over a line to a TURN server: cut into messages, whatever it is and however it arrives."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from aioice import stun
from aioice.stun import Class, Message, Method
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.turn_client import TurnClient
from peer.nat.turn_line import CHANNELS, Line, NotTurnError


class Wire(asyncio.Transport):
    def abort(self) -> None: ...

    def is_closing(self) -> bool:
        return False


def response(size: int) -> bytes:
    answer = Message(Method.BINDING, Class.RESPONSE, bytes(12), {"SOFTWARE": "x" * size})
    return bytes(answer)


def channel_data(number: int, data: bytes) -> bytes:
    return struct.pack("!HH", number, len(data)) + data + bytes(stun.padding_length(len(data)))


def through(pieces: list[bytes]) -> tuple[list[bytes], BaseException | None]:
    """The messages that they make, and what the line has ended of."""

    async def feed() -> tuple[list[bytes], BaseException | None]:
        line = Line(is_stream=True)
        line.connection_made(Wire())
        messages: list[bytes] = []
        line.on_message = messages.append
        for piece in pieces:
            line.data_received(piece)
        return messages, line.ended.result() if line.ended.done() else None

    return asyncio.run(feed())


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({place % (len(data) + 1) for place in at})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


messages = st.lists(
    st.one_of(
        st.builds(response, st.integers(0, 40)),
        st.builds(
            channel_data,
            st.integers(CHANNELS.start, CHANNELS.stop - 1),
            st.binary(min_size=4, max_size=40),
        ),
    ),
    max_size=5,
)


@given(messages, st.lists(st.integers(0, 10_000), max_size=8))
def test_the_same_messages_come_however_a_stream_is_cut(sent: list[bytes], at: list[int]) -> None:
    assert through(cut(b"".join(sent), at)) == (sent, None)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_no_bytes_whatever_raise_or_hang(pieces: list[bytes]) -> None:
    _, ended = through(pieces)
    assert ended is None or isinstance(ended, NotTurnError)


@given(st.binary(max_size=120), st.booleans())
def test_no_datagram_whatever_raises(data: bytes, has_header: bool) -> None:
    async def take() -> Any:
        line = Line(is_stream=False)
        line.connection_made(Wire())
        client = TurnClient(line, None)
        header = struct.pack("!HHI12s", 0x0101, len(data), stun.COOKIE, bytes(12)) if has_header else b""
        line.datagram_received(header + data, None)
        return client

    asyncio.run(take())
