"""Whether the router opens ports for who asks: NAT-PMP (RFC 6886), PCP (RFC 6887), UPnP IGD.

Only asked whether it is there, and for its outer address; no port is opened. Nobody but the router is
believed, and nothing is fetched from anybody else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp

from peer.nat.endpoints import host_of
from peer.nat.observations import PortMapper
from peer.nat.stun_socket import Address, StunSocket, stun_socket

log = logging.getLogger(__name__)

Told = TypeVar("Told")

PORT = 5351
SSDP_PORT, SSDP_GROUP = 1900, "239.255.255.250"
WAIT = 0.5
SENDS = 2
UPNP_TIMEOUT = 2.0
MAX_BYTES = 65_536
ROUTES = Path("/proc/net/route")

NAT_PMP_ASK = b"\x00\x00"
_NAT_PMP = struct.Struct("!BBHI4s")
SEARCH = (
    f"M-SEARCH * HTTP/1.1\r\nHOST: {SSDP_GROUP}:{SSDP_PORT}\r\n"
    'MAN: "ssdp:discover"\r\nMX: 1\r\n'
    "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
).encode()
_SERVICE = re.compile(
    r"<serviceType>\s*(urn:schemas-upnp-org:service:WAN(?:IP|PPP)Connection:[12])\s*</serviceType>"
    r"(?:(?!</service>).)*?<controlURL>\s*([^<\s]+)\s*</controlURL>",
    re.S,
)
_EXTERNAL = re.compile(r"<NewExternalIPAddress>\s*([0-9.]{7,15})\s*</NewExternalIPAddress>")


async def probe_port_mappers() -> list[PortMapper] | None:
    """None: it is not known which router this machine has. Never raises."""
    router = default_router(_routes())
    if router is None:
        return None
    return list(await asyncio.gather(_nat_pmp(router), _pcp(router), _upnp(router)))


def _routes() -> str:
    return ROUTES.read_text() if ROUTES.exists() else ""


def default_router(table: str) -> str | None:
    """The way out for everything, out of Linux' table of routes."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == fields[7] == "00000000" and fields[2] != "00000000":
            try:
                return socket.inet_ntoa(struct.pack("=I", int(fields[2], 16)))
            except (ValueError, struct.error):
                continue
    return None


def read_nat_pmp(data: bytes) -> str | None:
    """The outer address; empty when the router does not know it, None for what is no answer."""
    if len(data) < 8 or data[:2] != b"\x00\x80":
        return None
    if len(data) < _NAT_PMP.size:
        return ""
    _, _, result, _, address = _NAT_PMP.unpack_from(data)
    return socket.inet_ntoa(address) if result == 0 and any(address) else ""


def pcp_announce(own: str) -> bytes:
    """Who is asked must be told by whom (RFC 6887 section 7.1)."""
    client = ipaddress.IPv6Address(f"::ffff:{own}").packed
    return struct.pack("!BBHI", 2, 0, 0, 0) + client


def read_pcp(data: bytes) -> int | None:
    """The result code; None for what is no answer of version 2."""
    return data[3] if len(data) >= 24 and data[0] == 2 and data[1] & 0x80 else None


def read_location(data: bytes) -> str | None:
    """Where the router describes itself, out of its answer to a search."""
    found = re.search(rb"(?im)^location:[ \t]*(http://[\x21-\x7e]+)", data)
    return None if found is None else found[1].decode()


def control_url(description: str, location: str) -> tuple[str, str] | None:
    """The type of the service that knows the outer address, and where it is asked: at the same host only."""
    found = _SERVICE.search(description)
    if found is None:
        return None
    url = urljoin(location, found[2])
    return (found[1], url) if urlsplit(url).hostname == urlsplit(location).hostname else None


async def _nat_pmp(router: str) -> PortMapper:
    answer = await _ask(router, lambda own: NAT_PMP_ASK, read_nat_pmp)
    return PortMapper(kind="nat-pmp", is_there=answer is not None, external=answer or "")


async def _pcp(router: str) -> PortMapper:
    result = await _ask(router, pcp_announce, read_pcp)
    trouble = f"result code {result}" if result else ""
    return PortMapper(kind="pcp", is_there=result is not None, trouble=trouble)


async def _upnp(router: str) -> PortMapper:
    external, is_there = "", False
    try:
        async with asyncio.timeout(UPNP_TIMEOUT):
            location = await _search(router)
            is_there = location is not None
            if location is not None:
                external = await _external(location)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        log.debug("UPnP: %s", error)
        return PortMapper(
            kind="upnp", is_there=is_there, trouble="it does not tell its address" if is_there else ""
        )
    return PortMapper(kind="upnp", is_there=is_there, external=external)


async def _ask(
    router: str, question: Callable[[str], bytes], read: Callable[[bytes], Told | None]
) -> Told | None:
    """What ``read`` makes of the first answer of the router that it can read; None when there is none."""
    target = (router, PORT)
    try:
        async with stun_socket(target) as asking:
            asked = question(host_of(asking.local))
            return await _first(asking, [(asked, target)], read, target)
    except OSError as error:
        log.debug("the router cannot be asked: %s", error)
        return None


async def _search(router: str) -> str | None:
    """To the router, and to the group that it listens in; only the router's own answer counts."""
    target, group = (router, SSDP_PORT), (SSDP_GROUP, SSDP_PORT)
    async with stun_socket(target) as asking:
        location = await _first(asking, [(SEARCH, target), (SEARCH, group)], read_location, target)
    return location if location is not None and urlsplit(location).hostname == router else None


async def _first(
    asking: StunSocket,
    questions: Sequence[tuple[bytes, Address]],
    read: Callable[[bytes], Told | None],
    target: Address,
) -> Told | None:
    for _ in range(SENDS):
        for data, address in questions:
            asking.send(data, address)
        try:
            async with asyncio.timeout(WAIT):
                while True:
                    answer, source = await asking.plain.get()
                    told = read(answer) if source[0] == target[0] else None
                    if told is not None:
                        return told
        except TimeoutError:
            continue
    return None


async def _external(location: str) -> str:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        async with http.get(location, allow_redirects=False) as response:
            description = (await response.content.read(MAX_BYTES)).decode(errors="replace")
        found = control_url(description, location)
        if found is None:
            return ""
        service, url = found
        body = (
            '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
            's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
            f'<u:GetExternalIPAddress xmlns:u="{service}"/></s:Body></s:Envelope>'
        )
        headers = {"SOAPAction": f'"{service}#GetExternalIPAddress"', "Content-Type": "text/xml"}
        async with http.post(url, data=body, headers=headers, allow_redirects=False) as response:
            told = _EXTERNAL.search((await response.content.read(MAX_BYTES)).decode(errors="replace"))
    return told[1] if told is not None else ""
