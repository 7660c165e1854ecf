"""Bytes ⇄ messages, as JSON or MessagePack, for both directions.

A frame is one message or an array of at most 64 (a batch). Decoding never raises: what cannot be
read comes back as one :class:`Malformed`. Payloads stay as they came (``msgspec.Raw``) once they
are known to be well-formed, so a poisonous one is refused at its sender and reaches nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import msgspec

from signaling.protocol.errors import ErrorCode
from signaling.protocol.messages import (
    JSON_SUBPROTOCOL,
    MAX_BATCH_MESSAGES,
    MSGPACK_SUBPROTOCOL,
    Broadcast,
    Broadcasted,
    Event,
    PeerPayload,
    Request,
    Signal,
    Signalled,
    Word,
)


class Malformed(msgspec.Struct, frozen=True):
    """A frame that is not a message; the rules answer it with a refusal."""

    code: ErrorCode
    detail: str = ""
    """For a debug log only: may quote what the client sent."""


# RecursionError is not a ValueError, and UnicodeDecodeError is not a DecodeError.
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)

MessageT = TypeVar("MessageT")

WithPayload = (Signal, Signalled, Broadcast, Broadcasted)


class Carried:
    """A payload on its way through the server, with the codec it is written in.

    It stands where the messages have a ``msgspec.Raw``; an encoder writes it as it came, or
    anew when the receiver speaks the other codec.
    """

    __slots__ = ("codec", "raw")

    def __init__(self, raw: msgspec.Raw, codec: Codec[Any]) -> None:
        self.raw = raw
        self.codec = codec

    def __len__(self) -> int:
        return len(self.raw)


class Codec(Generic[MessageT]):
    """One way to write messages; ``MessageT`` is what it reads. See :data:`SERVER_CODECS`."""

    def __init__(self, subprotocol: str, module: Any, message_type: Any, carries: bool) -> None:
        self.subprotocol = subprotocol
        self.is_text = subprotocol == JSON_SUBPROTOCOL
        """Frames of this codec are WebSocket text frames."""
        self.encode: Callable[[Word | PeerPayload], bytes] = module.Encoder(enc_hook=self._uncarry).encode
        """One message → bytes."""
        self._decode = module.Decoder(message_type | list[message_type]).decode
        self._decode_payload = (
            module.Decoder().decode if self.is_text else module.Decoder(ext_hook=_refuse_extension).decode
        )
        self._write_payload = module.Encoder().encode
        self._carries = carries

    def decode(self, frame: bytes) -> list[MessageT | Malformed]:
        """The messages of one frame, in order; never raises, and is never empty."""
        try:
            decoded = self._decode(frame)
            messages: list[Any] = decoded if isinstance(decoded, list) else [decoded]
            if not 0 < len(messages) <= MAX_BATCH_MESSAGES:
                return [Malformed(ErrorCode.MALFORMED, f"a batch of {len(messages)}")]
            for message in messages:
                if isinstance(message, WithPayload):
                    self._check(message)
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

    def _check(self, message: Signal | Signalled | Broadcast | Broadcasted) -> None:
        # Raw skips over numbers and UTF-8 without looking; a receiver would trip on them.
        value = self._decode_payload(message.payload)
        if self._carries:
            if not self.is_text:
                # What has no form in JSON could not be told to a browser.
                msgspec.json.encode(value)
            message.payload = cast(msgspec.Raw, Carried(message.payload, self))

    def _uncarry(self, payload: Any) -> msgspec.Raw:
        if not isinstance(payload, Carried):
            raise NotImplementedError(f"no form on the wire for {type(payload).__name__}")
        if payload.codec is self:
            return payload.raw
        return msgspec.Raw(self._write_payload(payload.codec.read_payload(payload.raw)))


def _refuse_extension(code: int, data: memoryview) -> Any:
    raise ValueError(f"MessagePack extension {code} is not part of this protocol")


SERVER_CODECS: dict[str, Codec[Request]] = {
    JSON_SUBPROTOCOL: Codec(JSON_SUBPROTOCOL, msgspec.json, Request, carries=True),
    MSGPACK_SUBPROTOCOL: Codec(MSGPACK_SUBPROTOCOL, msgspec.msgpack, Request, carries=True),
}
"""What the server uses: reads requests, writes events, carries payloads from one to the other."""

CLIENT_CODECS: dict[str, Codec[Event]] = {
    JSON_SUBPROTOCOL: Codec(JSON_SUBPROTOCOL, msgspec.json, Event, carries=False),
    MSGPACK_SUBPROTOCOL: Codec(MSGPACK_SUBPROTOCOL, msgspec.msgpack, Event, carries=False),
}
"""What a client uses: reads events, writes requests."""
