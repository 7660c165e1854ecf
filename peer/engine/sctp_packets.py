"""What has to be right in SCTP packets before aiortc reads them: it believes every length and every range."""

from __future__ import annotations

COMMON_HEADER_BYTES = 12
CHUNK_HEADER_BYTES = 4
PARAMETERS_AT = {1: 16, 2: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}
"""Chunk type → where in its body parameters begin (RFC 9260 section 3.3, RFC 6525 section 3.1)."""

Gap = tuple[int, int]


def has_endless_parameters(packet: bytes) -> bool:
    """Whether a parameter is shorter than its own header: aiortc would read one without a length for ever."""
    at = COMMON_HEADER_BYTES
    while at + CHUNK_HEADER_BYTES <= len(packet):
        length = int.from_bytes(packet[at + 2 : at + 4])
        if length < CHUNK_HEADER_BYTES:
            return False  # refused by aiortc
        parameters = PARAMETERS_AT.get(packet[at])
        if parameters is not None and _is_endless(packet[at + CHUNK_HEADER_BYTES + parameters : at + length]):
            return True
        at += _padded(length)
    return False


def gaps_within(gaps: list[Gap], under_way: int) -> list[Gap]:
    """Those in order that do not overlap, and no further than what was sent: aiortc walks through each whole.

    ``under_way`` is how many numbers follow the one that is acknowledged.
    """
    kept: list[Gap] = []
    after = 0
    for first, last in gaps:
        if after < first <= last <= under_way:
            kept.append((first, last))
            after = last
    return kept


def _is_endless(parameters: bytes) -> bool:
    at = 0
    while at + CHUNK_HEADER_BYTES <= len(parameters):
        length = int.from_bytes(parameters[at + 2 : at + 4])
        if length < CHUNK_HEADER_BYTES:
            return True
        at += _padded(length)
    return False


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4
