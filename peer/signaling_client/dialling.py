"""Opening a link to the server, and what a failure to do so means for whoever tries."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from peer.errors import Lost, PeerlaneError, Refused
from peer.signaling_client.effects import Ended
from peer.signaling_client.session import Advice
from peer.signaling_client.sse import Answer, HttpSocket
from peer.signaling_client.transports import OPEN_TIMEOUT, Transport, Transports
from signaling.protocol.errors import ComeBack
from signaling.protocol.messages import MSGPACK_SUBPROTOCOL

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""A snapshot of a thousand members with as much metadata as they may have is 16 MiB."""
CLOSE_TIMEOUT = 2.0
"""How long a closing handshake may take before the line is cut."""
NO_ANSWER = 1006
PROTOCOL_ERROR = 1002
TLS_FAILURE = 1015
"""RFC 6455 §7.4.1 has these numbers for a link that has failed."""
ASKS_FOR_TOKEN = (401, 403)
NOT_OUR_SERVER = (101, 200, 204, 301, 302, 307, 308, 400, 404, 405, 406, 410, 426, 501)

FAILURES = (aiohttp.ClientError, OSError, ValueError, TimeoutError)
"""All that :meth:`Dialler.open` raises for what is wrong outside this program."""

Socket = aiohttp.ClientWebSocketResponse[bool] | HttpSocket
HAS_ANSWERED = (429, 503)
"""It was our server, which says no to every other way too."""


class NotOurServer(aiohttp.ClientError):
    """It speaks WebSocket, but not our subprotocol."""


class Failure(msgspec.Struct, frozen=True):
    """``code`` is an HTTP status, or one of the three above."""

    code: int
    advice: Advice


class Dialler:
    """``verify``: True, False, or the path of a certificate (PEM) to trust.

    Raises OSError when that cannot be read.
    """

    def __init__(self, token: str, verify: bool | str | Path) -> None:
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._tls = trust(verify)
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self.transports = Transports()

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Socket]:
        """One link to this address. Raises :data:`FAILURES`."""
        socket = await self._open(url)
        try:
            yield socket
        finally:
            await socket.close()

    async def _open(self, url: str) -> Socket:
        failure: Exception | None = None
        attempts = self.transports.attempts
        for transport in attempts:
            try:
                async with asyncio.timeout(OPEN_TIMEOUT if len(attempts) > 1 else None):
                    socket = await self._open_one(url, transport)
            except FAILURES as error:
                failure = failure or error
                if not may_be_blocked(error):
                    break
            else:
                self.transports.opened(transport)
                return socket
        assert failure is not None
        raise failure

    async def _open_one(self, url: str, transport: Transport) -> Socket:
        if transport != "websocket":
            http = HttpSocket(url, self._request, is_polling=transport == "long-poll")
            try:
                await http.open()
            except BaseException:
                await http.close()
                raise
            return http
        socket = await self._http.ws_connect(
            url,
            protocols=[MSGPACK_SUBPROTOCOL],
            headers=self._headers,
            ssl=self._tls,
            max_msg_size=MAX_FRAME_BYTES,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
            # Our own ping tells more, and the deadline of the session is the shorter one.
            heartbeat=None,
        )
        if socket.protocol != MSGPACK_SUBPROTOCOL:
            await socket.close()
            raise NotOurServer("it does not speak our protocol")
        return socket

    def _request(self, method: str, url: str, **options: Any) -> Answer:
        headers = {**self._headers, **options.pop("headers")}
        return self._http.request(method, url, headers=headers, ssl=self._tls, **options)

    async def close(self) -> None:
        await self._http.close()


def may_be_blocked(error: Exception) -> bool:
    """Whether what failed on the way may get through in another form."""
    match error:
        case NotOurServer() | aiohttp.ClientConnectorError() | aiohttp.TooManyRedirects():
            return False
        case aiohttp.ClientResponseError(status=status):
            return status not in HAS_ANSWERED
    return True


def trust(verify: bool | str | Path) -> ssl.SSLContext | bool:
    """True, False, or the path of a certificate (PEM) to trust. Raises OSError when that cannot be read."""
    return verify if isinstance(verify, bool) else ssl.create_default_context(cafile=str(verify))


def explain(error: Exception, has_worked: bool) -> Failure:
    """What a failed attempt means.

    Once the server ``has_worked``, anything may be passing: a proxy without its server answers 404.
    """
    match error:
        case NotOurServer():
            code, reason, is_final = PROTOCOL_ERROR, f"there is no Peerlane server: {error}", True
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            code, reason, is_final = TLS_FAILURE, "the server's certificate is not trusted", True
        case aiohttp.TooManyRedirects():
            code, reason, is_final = PROTOCOL_ERROR, "there is no Peerlane server, only redirects", True
        case aiohttp.ClientResponseError(status=status) if status in ASKS_FOR_TOKEN:
            code, reason, is_final = status, "the server asks for a token, or for another one", True
        case aiohttp.ClientResponseError(status=status) if status in NOT_OUR_SERVER:
            code, reason, is_final = status, f"there is no Peerlane server (HTTP {status})", True
        case aiohttp.ClientResponseError(status=status):
            code, reason, is_final = status, f"the server has no room now (HTTP {status})", False
        case _:
            text = str(error) or type(error).__name__
            code, reason, is_final = NO_ANSWER, f"the server cannot be reached: {text}", False
    come_back = ComeBack.NEVER if is_final and not has_worked else ComeBack.HERE
    return Failure(code, Advice(come_back, _retry_after(error), reason))


def why(ended: Ended) -> PeerlaneError:
    """What to raise in the application when there is no way back to the server."""
    if ended.code == TLS_FAILURE:
        return Lost(ended.reason, hint="give the path of the certificate as verify, or verify=False")
    if ended.code in ASKS_FOR_TOKEN:
        return Refused(str(ended.code), ended.reason, hint="give one of the server's tokens")
    if ended.code == PROTOCOL_ERROR or ended.code in NOT_OUR_SERVER:
        return Refused("no-peerlane", ended.reason, hint="is the address right, with its port?")
    return Refused(str(ended.code), ended.reason)


def _retry_after(error: Exception) -> float:
    """Seconds, as RFC 9110 §10.2.3 says them; the form that is a date is not worth a parser here."""
    headers = error.headers if isinstance(error, aiohttp.ClientResponseError) else None
    text = headers.get("Retry-After", "") if headers else ""
    return float(text) if text.isascii() and text.isdigit() else 0.0
