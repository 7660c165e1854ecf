"""Frames between nodes: who says it, which of its frames this is, and the words; signed where there is a key.

``version (1 byte) | signature (32 bytes, with a key) | [sender, to, n, [word, word, …]]``, MessagePack. What
cannot be read, or is not signed as it should be, is None: a bus is no more to be trusted than a client.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec

from signaling.cluster.words import MAX_FRAME_BYTES, VERSION, AnyNodeWord, Node, NodeId, NodeWord
from signaling.protocol.codec import UNREADABLE

SIGNATURE_BYTES = 32
VERSION_BYTE = bytes((VERSION,))


class Frame(msgspec.Struct, frozen=True):
    sender: NodeId
    to: NodeId
    """Empty: all nodes, or all that listen to the subject of a room."""
    n: int
    """Counts what this sender says to this node, or to all, from 1; 0: not counted."""
    words: list[Any]


class Header(msgspec.Struct, array_like=True, frozen=True):
    sender: Node
    to: Node
    n: int
    words: list[msgspec.Raw]


class NodeCodec:
    """Words ⇄ frames. A key has 32 characters or more; empty: frames are not signed."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._encoder = msgspec.msgpack.Encoder()
        self._header = msgspec.msgpack.Decoder(Header)
        self._word = msgspec.msgpack.Decoder(AnyNodeWord)

    def encode(self, word: NodeWord) -> bytes:
        """One word, to be put into any number of frames."""
        return self._encoder.encode(word)

    def frame(self, sender: NodeId, to: NodeId, n: int, words: list[bytes]) -> bytes:
        """Encoded words as one frame."""
        body = self._encoder.encode(Header(sender, to, n, [msgspec.Raw(word) for word in words]))
        return VERSION_BYTE + self._signature(body) + body

    def decode(self, frame: bytes) -> Frame | None:
        """None for what is no frame of ours, or is not signed as it should be. Unknown words are left out."""
        if len(frame) > MAX_FRAME_BYTES or frame[:1] != VERSION_BYTE:
            return None
        body = frame[1:]
        if self._key:
            body = frame[1 + SIGNATURE_BYTES :]
            if not hmac.compare_digest(frame[1 : 1 + SIGNATURE_BYTES], self._signature(body)):
                return None
        try:
            header = self._header.decode(body)
        except UNREADABLE:
            return None
        words = [word for raw in header.words if (word := self._read(raw)) is not None]
        return Frame(header.sender, header.to, header.n, words)

    def _read(self, raw: msgspec.Raw) -> NodeWord | None:
        try:
            word: NodeWord = self._word.decode(raw)
        except UNREADABLE:
            return None
        return word

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256) if self._key else b""
