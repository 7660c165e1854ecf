"""Bytes ⇄ messages, as JSON or MessagePack, for both directions.

A frame is one message or an array of at most 64 (a batch). Decoding never raises: what cannot be
read comes back as one :class:`Malformed`. Payloads stay as they came (``msgspec.Raw``) once they
are known to be well-formed, so a poisonous one is refused at its sender and reaches nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from signaling.protocol.errors import ErrorCode
from signaling.protocol.messages import (
    JSON_SUBPROTOCOL,
    MAX_BATCH_MESSAGES,
    MSGPACK_SUBPROTOCOL,
    Broadcast,
    Broadcasted,
    Event,
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


class Codec(Generic[MessageT]):
    """One way to write messages; ``MessageT`` is what it reads."""

    def __init__(
        self,
        subprotocol: str,
        decode: Callable[[bytes], Any],
        encode: Callable[[Any], bytes],
        check: Callable[[bytes | msgspec.Raw], Any],
        is_text: bool,
    ) -> None:
        self.subprotocol = subprotocol
        self.is_text = is_text
        """Frames of this codec are WebSocket text frames."""
        self.encode = encode
        """One message → bytes. Plain ``Word`` or ``Payload`` in, no batching."""
        self._decode = decode
        self._check = check

    def decode(self, frame: bytes) -> list[MessageT | Malformed]:
        """The messages of one frame, in order; never raises, and is never empty."""
        try:
            decoded = self._decode(frame)
            messages: list[Any] = decoded if isinstance(decoded, list) else [decoded]
            if not 0 < len(messages) <= MAX_BATCH_MESSAGES:
                return [Malformed(ErrorCode.MALFORMED, f"a batch of {len(messages)}")]
            for message in messages:
                if isinstance(message, (Signal, Signalled, Broadcast, Broadcasted)):
                    # Raw skips over numbers and UTF-8 without looking; a receiver would trip on them.
                    self._check(message.payload)
        except UNREADABLE as error:
            return [Malformed(ErrorCode.MALFORMED, str(error))]
        return messages

    def read_payload(self, payload: bytes | msgspec.Raw) -> Any:
        """A payload as plain Python values. Raises one of :data:`UNREADABLE`."""
        return self._check(payload)

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


def _json(message_type: Any) -> Codec[Any]:
    decoder = msgspec.json.Decoder(message_type | list[message_type])
    return Codec(
        JSON_SUBPROTOCOL,
        decoder.decode,
        msgspec.json.Encoder().encode,
        msgspec.json.Decoder().decode,
        is_text=True,
    )


def _msgpack(message_type: Any) -> Codec[Any]:
    decoder = msgspec.msgpack.Decoder(message_type | list[message_type])
    return Codec(
        MSGPACK_SUBPROTOCOL,
        decoder.decode,
        msgspec.msgpack.Encoder().encode,
        msgspec.msgpack.Decoder(ext_hook=_refuse_extension).decode,
        is_text=False,
    )


def _refuse_extension(code: int, data: memoryview) -> Any:
    raise ValueError(f"MessagePack extension {code} is not part of this protocol")


SERVER_CODECS: dict[str, Codec[Request]] = {
    JSON_SUBPROTOCOL: _json(Request),
    MSGPACK_SUBPROTOCOL: _msgpack(Request),
}
"""What the server uses: reads requests, writes events."""

CLIENT_CODECS: dict[str, Codec[Event]] = {
    JSON_SUBPROTOCOL: _json(Event),
    MSGPACK_SUBPROTOCOL: _msgpack(Event),
}
"""What a client uses: reads events, writes requests."""


def transcode(message: Word, source: Codec[Any], target: Codec[Any]) -> Word:
    """The same message with its payload rewritten for another codec.

    Raises one of :data:`UNREADABLE` when the payload has no form there, as a MessagePack map with
    keys that are not strings has none in JSON.
    """
    if source is target or not isinstance(message, (Signalled, Broadcasted)):
        return message
    payload = msgspec.Raw(target.encode(source.read_payload(message.payload)))
    return msgspec.structs.replace(message, payload=payload)
