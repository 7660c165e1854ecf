"""Bytes ⇄ messages, as JSON or MessagePack, for both directions.

A frame is one message or an array of at most 64 (a batch). Decoding never raises: what cannot be
read comes back as one :class:`Malformed`. Payloads stay as they came (``msgspec.Raw``). The server
passes on only what is well-formed, so a poisonous payload is refused at its sender; a client reads
a payload when it needs it, and a bad one spoils nothing but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar, cast

import msgspec

from signaling.protocol.errors import ErrorCode
from signaling.protocol.messages import (
    JSON_SUBPROTOCOL,
    MAX_BATCH_MESSAGES,
    MAX_DEPTH,
    MSGPACK_SUBPROTOCOL,
    Broadcast,
    Broadcasted,
    Event,
    Request,
    Signal,
    Signalled,
    Word,
)
from signaling.protocol.signals import PeerPayload


class Malformed(msgspec.Struct, frozen=True):
    """A frame that is not a message; the rules answer it with a refusal."""

    code: ErrorCode
    detail: str = ""
    """For a debug log only: may quote what the client sent."""


# RecursionError is not a ValueError, UnicodeDecodeError is not a DecodeError, TypeError is what comes
# of MessagePack maps with keys that nothing else has, OverflowError of numbers beyond 64 bits.
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, TypeError, OverflowError)

MessageT = TypeVar("MessageT")

WITH_PAYLOAD = frozenset((Signal, Broadcast))


class Carried:
    """A MessagePack payload on its way through the server, where messages have a ``msgspec.Raw``.

    A bare ``Raw`` inside the server is JSON, the more common case, and costs nothing.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: msgspec.Raw) -> None:
        self.raw = raw

    def __len__(self) -> int:
        return len(self.raw)


class Codec(Generic[MessageT]):
    """One way to write messages; ``MessageT`` is what it reads. See :data:`SERVER_CODECS`."""

    def __init__(self, subprotocol: str, module: Any, message_type: Any, carries: bool) -> None:
        self.subprotocol = subprotocol
        self.is_shared = True
        """It has no memory: what it writes is the same for all who use it."""
        self.is_text = subprotocol == JSON_SUBPROTOCOL
        """Frames of this codec are WebSocket text frames."""
        encode = module.Encoder(enc_hook=self.uncarried).encode
        self.encode: Callable[[Word | PeerPayload], bytes] = (
            self._encode_for_msgpack if carries and not self.is_text else encode
        )
        """One message → bytes."""
        self._encode = encode
        self._decode = module.Decoder(message_type | list[message_type]).decode
        self._decode_payload = (
            module.Decoder().decode if self.is_text else module.Decoder(ext_hook=_refuse_extension).decode
        )
        self._carries = carries

    def decode(self, frame: bytes) -> list[MessageT | Malformed]:
        """The messages of one frame, in order; never raises, and is never empty."""
        try:
            decoded = self._decode(frame)
            messages: list[Any] = decoded if type(decoded) is list else [decoded]
            if not 0 < len(messages) <= MAX_BATCH_MESSAGES:
                return [Malformed(ErrorCode.MALFORMED, f"a batch of {len(messages)}")]
            if self._carries:
                if not self.is_text:
                    for message in messages:
                        if type(message) in WITH_PAYLOAD:
                            self._carry(message)
                else:
                    check_text(frame, [each.payload for each in messages if type(each) in WITH_PAYLOAD])
        except UNREADABLE as error:
            return [Malformed(ErrorCode.MALFORMED, str(error))]
        return messages

    def read_payload(self, payload: bytes | msgspec.Raw) -> Any:
        """A payload as plain Python values. Raises one of :data:`UNREADABLE`."""
        return self._decode_payload(payload)

    def join(self, encoded: list[bytes]) -> bytes:
        """One frame of several encoded messages, at most 64."""
        if len(encoded) == 1:
            return encoded[0]
        if self.is_text:
            return b"[" + b",".join(encoded) + b"]"
        count = len(encoded)
        # MessagePack: fixarray up to 15 elements, array 16 above.
        header = bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
        return header + b"".join(encoded)

    def _carry(self, message: Signal | Broadcast) -> None:
        # Raw skips over MessagePack without looking, and what has no form in JSON could not be told
        # to a browser.
        value = self._decode_payload(message.payload)
        check_depth(value)
        msgspec.json.encode(value)
        message.payload = cast(msgspec.Raw, Carried(message.payload))

    def uncarried(self, payload: Any) -> msgspec.Raw:
        """A payload of the other codec, as this one writes it."""
        if not isinstance(payload, Carried):
            raise NotImplementedError(f"no form on the wire for {type(payload).__name__}")
        if not self.is_text:
            return payload.raw
        return msgspec.Raw(self._encode(MSGPACK.read_payload(payload.raw)))

    def _encode_for_msgpack(self, message: Word | PeerPayload) -> bytes:
        if isinstance(message, (Signalled, Broadcasted)) and isinstance(message.payload, msgspec.Raw):
            try:
                packed = self._encode(JSON.read_payload(message.payload))
            except UNREADABLE:
                # A number beyond 64 bits: well-formed JSON that MessagePack cannot say.
                packed = self._encode(None)
            message = msgspec.structs.replace(message, payload=msgspec.Raw(packed))
        encoded: bytes = self._encode(message)
        return encoded


def as_json(payload: msgspec.Raw | Carried) -> msgspec.Raw:
    """What somebody has said, for readers of JSON. Raises one of :data:`UNREADABLE`."""
    return JSON.uncarried(payload) if isinstance(payload, Carried) else payload


def check_text(frame: bytes, payloads: Iterable[msgspec.Raw | bytes] | None = None) -> None:
    """Raises one of :data:`UNREADABLE` for payloads that are no UTF-8, or nest deeper than ``MAX_DEPTH``.

    Without ``payloads`` the whole frame is one.
    """
    if not frame.isascii():
        # Raw skips over text in JSON without looking at its UTF-8.
        frame.decode()
    if frame.count(b"[") + frame.count(b"{") > MAX_DEPTH:
        for payload in (frame,) if payloads is None else payloads:
            check_depth(DEPTH_READER.decode(payload))


def size_in_both(value: Any) -> int:
    """The length of a value as JSON. Raises one of :data:`UNREADABLE` if it has no form in both codecs."""
    check_depth(value)
    msgspec.msgpack.encode(value)
    return len(msgspec.json.encode(value))


def check_depth(value: Any) -> None:
    """Raises ValueError for what nests deeper than ``MAX_DEPTH``.

    Python's own limit would not do: it depends on who calls, so that what was read could not be written.
    """
    level = [value] if isinstance(value, (list, dict)) else []
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in _inside(each) if isinstance(inner, (list, dict))]
        if not level:
            return
    raise ValueError(f"nested more than {MAX_DEPTH} deep")


def _inside(value: list[Any] | dict[Any, Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


# Numbers stay text: 1e400 is well-formed, and of no concern here.
DEPTH_READER = msgspec.json.Decoder(float_hook=str)


def _refuse_extension(code: int, data: memoryview) -> Any:
    raise ValueError(f"MessagePack extension {code} is not part of this protocol")


JSON: Codec[Request] = Codec(JSON_SUBPROTOCOL, msgspec.json, Request, carries=True)
MSGPACK: Codec[Request] = Codec(MSGPACK_SUBPROTOCOL, msgspec.msgpack, Request, carries=True)

SERVER_CODECS: dict[str, Codec[Request]] = {JSON_SUBPROTOCOL: JSON, MSGPACK_SUBPROTOCOL: MSGPACK}
"""What the server uses: reads requests, writes events, carries payloads from one codec to the other."""

CLIENT_CODECS: dict[str, Codec[Event]] = {
    JSON_SUBPROTOCOL: Codec(JSON_SUBPROTOCOL, msgspec.json, Event, carries=False),
    MSGPACK_SUBPROTOCOL: Codec(MSGPACK_SUBPROTOCOL, msgspec.msgpack, Event, carries=False),
}
"""What a client uses: reads events, writes requests."""
