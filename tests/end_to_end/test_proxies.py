"""Real proxies in front of a real server, configured as docs/behind-a-proxy.md says."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest

from signaling.certificate import make_certificate
from tests import needs
from tests.end_to_end.conftest import OpenPage, ServerProcess, StartServer, eventually
from tests.end_to_end.looks import connected
from tests.hostile.ambiguous import ambiguous
from tests.hostile.raw import request, upgrade

pytestmark = pytest.mark.end_to_end

TOKEN = "an admin token of the test"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PAGE = Path(__file__).parents[2] / "docs" / "behind-a-proxy.md"
NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        {listen}
        {documented}
    }}
}}
"""
HAPROXY = """
global
    stats socket {folder}/socket
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
{documented}
"""


def documented(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Front:
    """A proxy, with TLS or without, and clients of it at addresses of their own."""

    def __init__(self, port: int, trust: ssl.SSLContext | None) -> None:
        self.url = f"{'http' if trust is None else 'https'}://localhost:{port}"
        self._port = port
        self._trust = trust or False

    @asynccontextmanager
    async def client(self, address: str, **headers: str) -> AsyncIterator[aiohttp.ClientSession]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connector = aiohttp.TCPConnector(local_addr=(address, 0), ssl=self._trust, family=socket.AF_INET)
        async with aiohttp.ClientSession(connector=connector, headers=named) as session:
            yield session

    async def answer(self, sent: bytes) -> bytes:
        """All that comes within a second for these bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._trust or None)
        writer.write(sent)
        came = b""
        try:
            async with asyncio.timeout(1.0):
                while part := await reader.read(65_536):
                    came += part
        except (TimeoutError, ConnectionError):
            pass  # a proxy keeps what it does not refuse
        writer.transport.abort()
        return came

    async def answers(self) -> bool:
        try:
            async with self.client("127.0.0.1") as client, client.get(f"{self.url}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def in_front_of(
    server: ServerProcess, kind: str, folder: Path, *, tls: bool = True
) -> AsyncIterator[Front]:
    program = needs.program(kind)
    port = free_port()
    pem = folder / "both.pem"
    pem.write_bytes(make_certificate(["localhost"], 1_700_000_000.0 + 86_400.0 * 900))
    text = documented(kind).replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
    bind = f"127.0.0.1:{port} ssl crt {pem}" if tls else f"127.0.0.1:{port}"
    text = text.replace(":443 ssl crt /etc/haproxy/example.org.pem", bind)
    listen = f"listen 127.0.0.1:{port};"
    if tls:
        listen = f"listen 127.0.0.1:{port} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};"
    configuration = folder / "proxy.conf"
    template = NGINX if kind == "nginx" else HAPROXY
    configuration.write_text(template.format(folder=folder, listen=listen, documented=text))
    arguments = ["-c", str(configuration)] if kind == "nginx" else ["-f", str(configuration)]
    process = await asyncio.create_subprocess_exec(program, *arguments)
    trust = ssl.create_default_context() if tls else None
    if trust is not None:
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    front = Front(port, trust)
    try:
        await eventually(front.answers, f"{kind} answers")
        yield front
    finally:
        process.terminate()
        await process.wait()


class Behind(Protocol):
    """``async with behind(tls=False, **settings) as (front, server)``: the server trusts the proxy."""

    def __call__(
        self, *, tls: bool = True, **settings: str
    ) -> AbstractAsyncContextManager[tuple[Front, ServerProcess]]: ...


@pytest.fixture(params=["nginx", "haproxy"])
def behind(request: pytest.FixtureRequest, start_server: StartServer, tmp_path: Path) -> Behind:
    @asynccontextmanager
    async def behind_(*, tls: bool = True, **settings: str) -> AsyncIterator[tuple[Front, ServerProcess]]:
        server = start_server(PEERLANE_SERVER_TRUSTED_PROXIES='["127.0.0.1"]', **settings)
        async with in_front_of(server, request.param, tmp_path, tls=tls) as front:
            yield front, server

    return behind_


TLS = pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])


@TLS
async def test_a_page_reaches_its_server_through_a_proxy_and_others_do_not(behind: Behind, tls: bool) -> None:
    async with behind(tls=tls) as (front, _):
        async with front.client("127.0.0.2", Origin=front.url) as page:
            assert "<html" in await (await page.get(f"{front.url}/")).text()
            async with page.ws_connect(f"{front.url}/v1/ws", protocols=["peerlane.v1.json"]) as socket:
                await socket.send_str('{"type": "hello"}')
                assert (await socket.receive_json())["type"] == "welcome"
        for forged in ({}, {"X_Forwarded_Host": "evil.example"}, {"X_Forwarded_Host": "evil.example:443"}):
            async with front.client("127.0.0.2", Origin="https://evil.example", **forged) as page:
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await page.ws_connect(f"{front.url}/v1/ws")
                assert refused.value.status == 403


async def test_clients_behind_a_proxy_have_limits_of_their_own_whatever_they_say_of_themselves(
    behind: Behind,
) -> None:
    async with behind(PEERLANE_LIMITS_LINKS_PER_ADDRESS="1") as (front, _):

        async def status(address: str, **headers: str) -> int:
            async with front.client(address, **headers) as client:
                try:
                    async with client.ws_connect(f"{front.url}/v1/ws"):
                        return 101
                except aiohttp.WSServerHandshakeError as error:
                    return error.status

        async with front.client("127.0.0.2") as first, first.ws_connect(f"{front.url}/v1/ws"):
            assert await status("127.0.0.2") == 429
            for forged in ("127.0.0.9", "203.0.113.1, 203.0.113.2", "x" * 3_000, "127.0.0.9," * 300):
                assert await status("127.0.0.2", X_Forwarded_For=forged) == 429
            assert await status("127.0.0.2", Forwarded="for=127.0.0.9", X_Real_IP="127.0.0.9") == 429
            assert await status("127.0.0.3") == 101


async def test_pages_in_a_browser_call_each_other_through_a_proxy(
    behind: Behind, open_page: OpenPage
) -> None:
    async with behind(tls=False) as (front, _):
        ana = await open_page("garden", "Ana", server=front)
        bob = await open_page("garden", "Bob", server=front)
        await connected(ana, bob)
        for page in (ana, bob):
            await page.close()


ADMIN_PATHS = [
    "/v1/admin/rooms",
    "/v1/%61dmin/rooms",
    "/%76%31/admin/rooms",
    "/v1/ad%6Din/rooms?x=1",
    "http://localhost/v1/admin/rooms",
    "http://localhost/v1/%61dmin/rooms",
]


async def test_the_admin_api_is_kept_inside_however_it_is_written(behind: Behind) -> None:
    async with behind(PEERLANE_SERVER_ADMIN_TOKENS=f'["{TOKEN}"]') as (front, server):
        for path in ADMIN_PATHS:
            answer = await front.answer(request("GET", path, [*BEARER.items(), ("Connection", "close")]))
            assert answer[9:12] == b"403", path
        async with aiohttp.ClientSession(headers=BEARER) as inside:
            assert (await inside.get(f"{server.url}/v1/admin/rooms")).status == 200


async def test_nothing_is_smuggled_past_a_proxy(behind: Behind) -> None:
    order = request("GET", "/v1/admin/rooms", BEARER.items())
    tried = ambiguous(order) | {
        "no upgrade after all": upgrade(Sec_WebSocket_Version="12") + order,
        "an upgrade without a key": upgrade(Sec_WebSocket_Key=None) + order,
        "another upgrade": upgrade(Upgrade="h2c") + order,
        "an upgrade": upgrade() + order,
    }
    async with behind(tls=False, PEERLANE_SERVER_ADMIN_TOKENS=f'["{TOKEN}"]') as (front, server):
        answers = await asyncio.gather(*(front.answer(sent) for sent in tried.values()))
        through = [name for name, answer in zip(tried, answers, strict=True) if b'"count"' in answer]
        assert not through
        # Nor does anything wait in a connection to the server, for whoever comes next.
        async with front.client("127.0.0.2") as client:
            for _ in range(20):
                async with client.get(f"{front.url}/healthz") as answer:
                    assert (answer.status, await answer.text()) == (200, "alive\n")
    # It was not for want of a token.
    assert "signaling.audit" not in server.log
