"""What an application says to others through the server."""

from __future__ import annotations

from typing import Any

import msgspec

from signaling.protocol.codec import check_depth


def plain(value: Any) -> Any:
    """The value in words that both JSON and MessagePack have.

    Raises TypeError for what has none, and ValueError for what nests too deep or is no Unicode text.
    """
    plain = msgspec.to_builtins(value, builtin_types=(bytes, bytearray, memoryview))
    check_depth(plain)
    # MessagePack can say more, such as a tuple as a key, which no browser could be told.
    msgspec.json.encode(plain)
    return plain
