"""Changes that keep the form of an input, so that more of them come past the first look at it."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec

from tests.fuzz.target import Mutate, Plain

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 64, 65, 255, 256, 2**31, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63,
    2**64 - 1, -(2**63), 0.0, -0.5, 1e300, "", " ", "/", "a/b", "default/garden", "\u0301", "\ufb03" * 40,
    "x" * 300, [], {}, [[]], {"": {}}, "\0", "é", "𝄞",
)  # fmt: skip
PACKED_ONLY: tuple[Any, ...] = (
    float("nan"), float("inf"), b"", b"\xff", msgspec.msgpack.Ext(5, b"x"), {1: 2}, {None: []},
)  # fmt: skip
UNPACKABLE = (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError)


def by_bytes(data: bytes, chance: Random, words: Sequence[bytes] = ()) -> bytes:
    """Without anything that guides: a few bytes flipped, cut, doubled, or taken from the words."""
    changed = bytearray(data or b"\0")
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        place = chance.randrange(len(changed) + 1)
        end = min(len(changed), place + chance.choice((1, 1, 2, 4, 16)))
        match chance.randrange(6):
            case 0 if place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            case 1 if place < len(changed):
                changed[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 2:
                del changed[place:end]
            case 3:
                changed[place:place] = changed[place:end] * chance.choice((1, 2, 10))
            case 4 if words:
                changed[place:place] = chance.choice(words)
            case _:
                changed[place:end] = chance.randbytes(end - place)
    return bytes(changed)


def trees(module: Any, odd: Sequence[Any] = ()) -> Mutate:
    """Of a ``msgspec`` codec: one value changed, inside whatever is around it."""
    values = [*ODD_VALUES, *odd, *(PACKED_ONLY if module is msgspec.msgpack else ())]

    def mutate(data: bytes, chance: Random, plain: Plain) -> bytes:
        if chance.random() < 0.3:
            return plain(data)
        try:
            tree = module.decode(data)
            for _ in range(chance.choice((1, 1, 2, 3))):
                tree = _changed(tree, chance, values)
            return bytes(module.encode(tree))
        except UNPACKABLE:
            return plain(data)

    return mutate


def _changed(tree: Any, chance: Random, values: Sequence[Any]) -> Any:
    if isinstance(tree, dict) and tree and chance.random() < 0.85:
        key = chance.choice(list(tree))
        match chance.randrange(8):
            case 0:
                return {name: value for name, value in tree.items() if name != key}
            case 1:
                return {**tree, chance.choice(["type", "request", "room", "to", "n", "payload"]): tree[key]}
            case _:
                return {**tree, key: _changed(tree[key], chance, values)}
    if isinstance(tree, list) and tree and chance.random() < 0.85:
        place = chance.randrange(len(tree))
        match chance.randrange(8):
            case 0:
                return tree[:place] + tree[place + 1 :]
            case 1:
                return tree + [tree[place]] * chance.choice((1, 2, 64))
            case _:
                return [*tree[:place], _changed(tree[place], chance, values), *tree[place + 1 :]]
    match chance.randrange(8):
        case 0:
            return [tree]
        case 1 if isinstance(tree, str):
            return tree + chance.choice(("\0", "/", "x" * 200, "\u2028", "é", tree))
        case 2 if isinstance(tree, int):
            return tree + chance.choice((1, -1, 2**32))
        case _:
            return chance.choice(values)


def lines(words: Sequence[bytes]) -> Mutate:
    """Of text: lines dropped, doubled, exchanged, or taken from the words."""

    def mutate(data: bytes, chance: Random, plain: Plain) -> bytes:
        if chance.random() < 0.4:
            return plain(data)
        rows = data.split(b"\r\n")
        place, other = chance.randrange(len(rows)), chance.randrange(len(rows))
        match chance.randrange(6):
            case 0:
                del rows[place]
            case 1:
                rows[place:place] = [rows[other]] * chance.choice((1, 2, 20))
            case 2:
                rows[place], rows[other] = rows[other], rows[place]
            case 3:
                rows[place] = plain(rows[place])
            case 4:
                rows[place] += (
                    chance.choice((b"\n", b"\r", b"\x0b", b"\x1c", b"\xc2\x85", b" ")) + rows[other]
                )
            case _:
                rows.insert(place, chance.choice(words))
        return b"\r\n".join(rows)

    return mutate


def pieces(data: bytes, most: int = 64) -> list[bytes]:
    """An input as several, each behind two bytes with its length."""
    found: list[bytes] = []
    while len(data) > 2 and len(found) < most:
        length = int.from_bytes(data[:2])
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found


def joined(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(2) + part for part in parts)


def in_pieces(inner: Mutate) -> Mutate:
    """One of several changed, dropped, doubled, or exchanged with another."""

    def mutate(data: bytes, chance: Random, plain: Plain) -> bytes:
        parts = pieces(data)
        if not parts or chance.random() < 0.1:
            return plain(data)
        place, other = chance.randrange(len(parts)), chance.randrange(len(parts))
        match chance.randrange(7):
            case 0:
                del parts[place]
            case 1:
                parts.insert(place, parts[other])
            case 2:
                parts[place], parts[other] = parts[other], parts[place]
            case _:
                parts[place] = inner(parts[place], chance, plain)
        return joined(*(part[:65_535] for part in parts))

    return mutate


def repaired(repair: Callable[[bytes], bytes], inner: Mutate | None = None) -> Mutate:
    """Changed, and mostly given back the lengths and sums that are looked at first."""

    def mutate(data: bytes, chance: Random, plain: Plain) -> bytes:
        changed = plain(data) if inner is None else inner(data, chance, plain)
        return repair(changed) if chance.random() < 0.8 else changed

    return mutate


def stun_repaired(data: bytes) -> bytes:
    """With the cookie and the length of a STUN message, and a FINGERPRINT that fits where there was one."""
    if len(data) < 20:
        return data
    data = data[: len(data) // 4 * 4]
    fixed = bytes((data[0] & 0x3F, data[1])) + struct.pack("!HI", len(data) - 20, 0x2112A442) + data[8:]
    if len(fixed) >= 28 and fixed[-8:-4] == b"\x80\x28\x00\x04":
        fixed = fixed[:-4] + struct.pack("!I", binascii.crc32(fixed[:-8]) ^ 0x5354554E)
    return fixed
