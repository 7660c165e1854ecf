"""The first routers on the way to a server: packets that live too short for it, and who says so (Linux)."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct

from peer.nat.endpoints import scope_of
from peer.nat.observations import Hop
from peer.nat.stun_codec import binding_request
from peer.nat.stun_socket import Address

log = logging.getLogger(__name__)

MOST = 5
"""A second NAT is near; further out are the networks of others."""
WAIT = 0.8
SENDS = 2
IP_RECVERR = 11
"""Of <linux/in.h>; Python has no name for it."""
MSG_ERRQUEUE = 0x2000
FROM_ICMP = 2
TIME_EXCEEDED = 11
_ERROR = struct.Struct("=IBBBxII")
"""``sock_extended_err``; behind it stands who has sent it, as a ``sockaddr_in``."""
_SENDER = struct.Struct("!2xH4s")


async def probe_hops(target: Address) -> list[Hop] | None:
    """Those up to the first public one, over IPv4; None where this system does not tell. Never raises."""
    try:
        answers = await asyncio.gather(*(_answer(target, number) for number in range(1, MOST + 1)))
    except OSError:
        log.debug("hops cannot be looked for here", exc_info=True)
        return None
    hops = []
    for number, address in enumerate(answers, 1):
        if address == target[0]:
            break
        scope = scope_of(address) if address else None
        hops.append(Hop(number=number, address=address, scope=scope))
        if scope == "global":
            break
    while hops and not hops[-1].address:
        hops.pop()
    return hops


async def _answer(target: Address, hops: int) -> str:
    """Who answers a packet that lives for so many hops: a router, the target, or nobody (empty)."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
        asking.connect(target)
        something = asyncio.Event()
        loop.add_reader(asking, something.set)
        try:
            for _ in range(SENDS):
                if await _is_heard(asking, something):
                    return _who(asking, target)
            return ""
        finally:
            loop.remove_reader(asking)


async def _is_heard(asking: socket.socket, something: asyncio.Event) -> bool:
    try:
        asking.send(bytes(binding_request()))
    except OSError:
        return True  # what the latest one has met with
    try:
        async with asyncio.timeout(WAIT / SENDS):
            await something.wait()
    except TimeoutError:
        return False
    return True


def _who(asking: socket.socket, target: Address) -> str:
    try:
        _, notes, _, _ = asking.recvmsg(512, 512, MSG_ERRQUEUE)
    except BlockingIOError:
        return target[0]  # there is no error, so it is an answer
    for level, kind, data in notes:
        if level == socket.IPPROTO_IP and kind == IP_RECVERR and len(data) >= _ERROR.size + _SENDER.size:
            _, origin, icmp, _, _, _ = _ERROR.unpack_from(data)
            _, sender = _SENDER.unpack_from(data, _ERROR.size)
            if origin == FROM_ICMP:
                address = socket.inet_ntoa(sender)
                return address if icmp == TIME_EXCEEDED or address == target[0] else ""
    return ""
