"""``peerlane serve`` as a later version may be: its words have one field more, and each frame a word more."""

from __future__ import annotations

import sys

import msgspec

import peerlane.__main__
import signaling.bus
from signaling.cluster.codec import NodeCodec
from signaling.cluster.words import NodeId, NodeWord

UNKNOWN = msgspec.msgpack.encode(["word-of-the-next-version", "anything", {"n": 1}])
MORE = {"field": "of the next version"}


class NextCodec(NodeCodec):
    """Says more than this version knows."""

    def encode(self, word: NodeWord) -> bytes:
        return msgspec.msgpack.encode([*msgspec.msgpack.decode(super().encode(word)), MORE])

    def frame(self, sender: NodeId, to: NodeId, n: int, words: list[bytes]) -> bytes:
        return super().frame(sender, to, n, [UNKNOWN, *words, UNKNOWN])


if __name__ == "__main__":
    vars(signaling.bus)["NodeCodec"] = NextCodec
    sys.exit(peerlane.__main__.main())
