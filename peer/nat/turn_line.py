"""A line to a TURN server over UDP, TCP or TLS, cut into messages."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from typing import Any

import aiohappyeyeballs
from aioice import stun

from peer.engine.ice.allocation import HAPPY_EYEBALLS_DELAY, AddressInfo
from peer.engine.ice.servers import ServerAddress
from peer.engine.ice.sockets import connected_datagrams

STUN_PREFIX = 8
"""Bytes up to the end of the cookie."""
NOT_TURN = -1
CHANNELS = range(0x4000, 0x4100)
"""Of the numbers of RFC 8656 those that we use: few, so that text that begins with a letter is none."""


class NotTurnError(Exception):
    """What answers speaks something else."""


class Line(asyncio.Protocol, asyncio.DatagramProtocol):
    """Tells its owner of each message, and once why no more will come."""

    def __init__(self, *, is_stream: bool) -> None:
        self.is_stream = is_stream
        self.on_message: Callable[[bytes], None] = lambda data: None
        self.ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self._unread = b""
        """Less than one message, which has 65,552 bytes at the most."""
        self._transport: Any = None

    @property
    def local(self) -> str:
        return self._endpoint("sockname")

    @property
    def remote(self) -> str:
        return self._endpoint("peername")

    @property
    def tls(self) -> ssl.SSLObject | None:
        """What the handshake came to."""
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return found

    def send(self, data: bytes) -> None:
        """A STUN message, or data for a channel; dropped when the line has ended."""
        if self._transport.is_closing():
            return
        if self.is_stream:
            # RFC 8656 section 12.5: only streams need the padding.
            self._transport.write(data + bytes(stun.padding_length(len(data))))
        else:
            self._transport.sendto(data)

    def close(self) -> None:
        """At once; what was given to the system is still sent."""
        self._end(ConnectionError("closed"))
        if self.is_stream and not self._transport.get_extra_info("sslcontext"):
            self._transport.close()
        else:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionResetError("closed by the server"))

    def error_received(self, exc: Exception) -> None:
        # Others pass; this one says that nobody listens there.
        if isinstance(exc, ConnectionRefusedError):
            self._end(exc)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.on_message(data)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while length := _length(self._unread):
            if length == NOT_TURN:
                self._end(NotTurnError())
                self._transport.abort()
                return
            if len(self._unread) < length:
                return
            message, self._unread = self._unread[:length], self._unread[length:]
            self.on_message(message)

    def _end(self, why: Exception) -> None:
        if not self.ended.done():
            self.ended.set_result(why)

    def _endpoint(self, name: str) -> str:
        found = self._transport.get_extra_info(name)
        return endpoint_text(found[0].partition("%")[0], found[1]) if found else ""


async def open_line(
    server: ServerAddress, addresses: Sequence[AddressInfo], tls: ssl.SSLContext | None
) -> Line:
    """Over UDP to the first address alone. Raises OSError and ssl.SSLError."""
    if server.transport == "udp":
        return await connected_datagrams(lambda: Line(is_stream=False), addresses[0][4][:2])
    return await _open_stream(server, addresses, tls)


async def _open_stream(
    server: ServerAddress, addresses: Sequence[AddressInfo], tls: ssl.SSLContext | None
) -> Line:
    is_tls = server.transport == "tls"
    if is_tls and tls is None:
        # It reads some hundred certificates from the disk.
        tls = await asyncio.to_thread(ssl.create_default_context)
    connected = await aiohappyeyeballs.start_connection(
        addresses, happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY, interleave=1
    )
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _, line = await asyncio.get_running_loop().create_connection(
            lambda: Line(is_stream=True),
            sock=connected,
            ssl=tls if is_tls else None,
            server_hostname=server.host if is_tls else None,
        )
    except BaseException:
        connected.close()
        raise
    return line


def endpoint_text(host: str, port: int) -> str:
    """``203.0.113.7:3478``, ``[2001:db8::7]:3478``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _length(data: bytes) -> int:
    """Of the message that begins here, with its padding; NOT_TURN: it is none, 0: too little to tell."""
    if len(data) < STUN_PREFIX:
        return 0
    kind, length, cookie = struct.unpack_from("!HHI", data)
    if kind in CHANNELS:
        return 4 + int(length) + stun.padding_length(length)
    if kind < CHANNELS.start and length % 4 == 0 and cookie == stun.COOKIE:
        return stun.HEADER_LENGTH + int(length)
    return NOT_TURN
