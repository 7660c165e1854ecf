"""How large a datagram may be: with fragments, and without (PADDING of RFC 5780 section 7.6)."""

from __future__ import annotations

import asyncio

from aioice import stun

from peer.nat.observations import Family, SizeTest
from peer.nat.stun_codec import binding_request, padding
from peer.nat.stun_socket import Address, stun_socket

SMALL = 256
"""Passes everywhere: who does not answer it does not know PADDING."""
FRAGMENTED = 2_000
WHOLE = (1_472, 1_464, 1_452, 1_432, 1_400, 1_352, 1_300, 1_232, 1_200)
"""UDP payloads: Ethernet over IPv4, PPPoE, over IPv6, tunnels, and the least that WebRTC needs."""
ATTRIBUTE_HEADER = 4
SENDS = 2


async def probe_size(asked: Address) -> SizeTest | None:
    """None: the server does not answer large datagrams at all. Never raises."""
    family: Family = 6 if ":" in asked[0] else 4
    try:
        if not await _comes_back(asked, SMALL, whole=False):
            return None
        fragments, *whole = await asyncio.gather(
            _comes_back(asked, FRAGMENTED, whole=False),
            *(_comes_back(asked, size, whole=True) for size in WHOLE),
        )
    except OSError:
        return None
    largest = next((size for size, is_good in zip(WHOLE, whole, strict=True) if is_good), None)
    return SizeTest(family=family, fragments=fragments, largest=largest)


async def _comes_back(asked: Address, size: int, *, whole: bool) -> bool:
    """A datagram of so many bytes to the server, and an answer to it."""
    filled = size - stun.HEADER_LENGTH - ATTRIBUTE_HEADER
    async with stun_socket(asked, whole=whole) as asking:
        answer = await asking.ask(binding_request(), asked, [padding(filled)], sends=SENDS)
    return answer is not None and answer.message.error_code is None
