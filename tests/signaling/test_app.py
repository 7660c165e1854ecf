"""A whole server on real sockets: who reaches it where, and how it leaves."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import ClientSession, WSMsgType

from signaling.app import Listening, Server, create_app, ticket_key_of
from signaling.certificate import make_certificate
from signaling.config import Config, LimitsConfig
from signaling.config import Server as ServerConfig
from signaling.listening import PortTaken, listen, port_of
from tests.end_to_end.conftest import eventually

PATIENCE = 10.0


def config_for(directory: Path, header_timeout: float = 10.0, **server: object) -> Config:
    values = {"port": 0, "https_port": 0, "stun_port": 0, "dev": True, "state_dir": str(directory / "state")}
    limits = LimitsConfig(header_timeout=header_timeout)
    return Config(server=msgspec.convert(values | server, ServerConfig), limits=limits)


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[tuple[Listening, Server]]:
    server = Server(config)
    where = await server.start()
    try:
        yield where, server
    finally:
        await server.stop()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as opened:
        yield opened


async def raw(where: Listening, data: bytes) -> bytes:
    """What the server answers to these bytes before it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
    try:
        writer.write(data)
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    finally:
        writer.close()


async def test_this_machine_is_served_over_http(tmp_path: Path, session: ClientSession) -> None:
    async with running(config_for(tmp_path)) as (where, _):
        assert where.network == []
        assert where.local == f"http://localhost:{where.port}/"
        assert (await session.get(f"{where.local}healthz")).status == 200
        assert (await session.get(f"http://127.0.0.1:{where.port}/healthz")).status == 200


async def test_other_machines_are_served_over_https_and_http_stays_at_home(
    tmp_path: Path, session: ClientSession
) -> None:
    async with running(config_for(tmp_path, https=True, host="0.0.0.0")) as (where, _):
        trusting = ssl.create_default_context(cafile=str(tmp_path / "state" / "certificate.pem"))
        secure = f"https://127.0.0.1:{where.https_port}/healthz"
        assert (await session.get(secure, ssl=trusting)).status == 200
        for url in where.network:
            assert urlsplit(url).scheme == "https"
            assert (await session.get(f"{url}healthz", ssl=trusting)).status == 200
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(urlsplit(url).hostname, where.port)


async def test_behind_a_proxy_plain_http_is_for_everyone(tmp_path: Path, session: ClientSession) -> None:
    async with running(config_for(tmp_path, host="0.0.0.0")) as (where, _):
        assert not where.is_secure
        for url in where.network:
            assert (await session.get(f"{url}healthz")).status == 200


async def test_a_certificate_of_ones_own_is_used(tmp_path: Path, session: ClientSession) -> None:
    pem = tmp_path / "own.pem"
    pem.write_bytes(make_certificate(["localhost"], 1_800_000_000.0))
    config = config_for(tmp_path, https=True, certificate=str(pem), key=str(pem))
    async with running(config) as (where, _):
        assert (await shown(where)) in pem.read_bytes()


async def shown(where: Listening) -> bytes:
    """The certificate that a newcomer is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", where.https_port, ssl=_trusting_anybody())
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return ssl.DER_cert_to_PEM_cert(certificate).encode()


async def shows(where: Listening, pem: bytes) -> bool:
    return await shown(where) in pem


async def test_a_certificate_that_has_changed_is_used_and_nobody_who_is_connected_notices(
    tmp_path: Path, session: ClientSession
) -> None:
    pem = tmp_path / "own.pem"
    pem.write_bytes(make_certificate(["localhost"], 1_800_000_000.0))
    config = config_for(tmp_path, https=True, certificate=str(pem), key=str(pem))
    async with running(config) as (where, server):
        url = f"https://127.0.0.1:{where.https_port}/v1/ws"
        async with session.ws_connect(url, ssl=_trusting_anybody()) as socket:
            newer = make_certificate(["localhost"], 1_800_000_000.0)
            pem.write_bytes(newer)
            server.reload()
            await eventually(lambda: shows(where, newer), "newcomers are shown the newer one")
            await socket.send_str('{"type": "hello"}')
            assert (await socket.receive_json())["type"] == "welcome"


async def test_a_certificate_whose_key_is_still_to_come_is_not_used_yet(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    older, newer = (make_certificate(["localhost"], 1_800_000_000.0) for _ in range(2))
    certificate.write_bytes(older)
    key.write_bytes(older)
    config = config_for(tmp_path, https=True, certificate=str(certificate), key=str(key))
    async with running(config) as (where, server):
        certificate.write_bytes(newer)
        for _ in range(2):
            server.reload()
            await eventually(lambda: "cannot be used" in caplog.text, "it is told")
            assert await shown(where) in older
        key.write_bytes(newer)
        server.reload()
        await eventually(lambda: shows(where, newer), "newcomers are shown the newer one")
    assert caplog.text.count("cannot be used") == 1


async def test_our_own_certificate_is_made_anew_when_it_is_gone(tmp_path: Path) -> None:
    async with running(config_for(tmp_path, https=True, host="0.0.0.0")) as (where, server):
        pem = tmp_path / "state" / "certificate.pem"
        older = pem.read_bytes()
        assert await shown(where) in older
        pem.unlink()
        server.reload()
        await eventually(lambda: pem.exists() and shows(where, pem.read_bytes()), "the newer one is shown")
        assert not await shows(where, older)


def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def test_who_is_connected_hears_why_the_server_leaves(tmp_path: Path, session: ClientSession) -> None:
    server = Server(config_for(tmp_path))
    where = await server.start()
    sockets = [await session.ws_connect(f"{where.local}v1/ws") for _ in range(5)]
    for socket in sockets:
        await socket.send_str('{"type": "hello"}')
        assert (await socket.receive_json())["type"] == "welcome"
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        tasks.create_task(server.stop())
        for socket in sockets:
            bye = await socket.receive_json()
            assert (bye["type"], bye["code"], bye["come_back"]) == ("bye", 4000, "elsewhere")
            assert (await socket.receive()).type is WSMsgType.CLOSE
            assert socket.close_code == 4000
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", where.port)


async def test_a_server_that_could_not_start_leaves_nothing_open(tmp_path: Path) -> None:
    taken = listen(["0.0.0.0"], 0)
    free = listen(["127.0.0.1"], 0)
    http_port = port_of(free)
    for each in free:
        each.close()
    try:
        config = config_for(tmp_path, https=True, host="0.0.0.0", port=http_port, https_port=port_of(taken))
        with pytest.raises(PortTaken):
            await Server(config).start()
        for each in listen(["127.0.0.1"], http_port):
            each.close()
    finally:
        for each in taken:
            each.close()


async def test_a_port_that_may_move_is_told_where_it_went(tmp_path: Path) -> None:
    taken = listen(["127.0.0.1"], 0)
    try:
        server = Server(config_for(tmp_path, port=port_of(taken)), movable=["server.port"])
        where = await server.start()
        await server.stop()
        assert where.port > port_of(taken)
    finally:
        for each in taken:
            each.close()


async def test_the_stun_responder_is_advertised_at_its_real_port(
    tmp_path: Path, session: ClientSession
) -> None:
    async with running(config_for(tmp_path, stun_port=39_478)) as (where, _):
        assert where.stun_port is not None
        headers = {"Host": f"signal.example:{where.port}"}
        async with session.ws_connect(f"{where.local}v1/ws", headers=headers) as socket:
            await socket.send_str('{"type": "hello"}')
            welcome = await socket.receive_json()
        assert welcome["ice_servers"] == [{"urls": [f"stun:signal.example:{where.stun_port}"]}]


async def test_a_second_address_for_stun_is_used_and_one_that_is_not_ours_is_told(tmp_path: Path) -> None:
    async with running(config_for(tmp_path, stun_port=38_478, stun_alternate=["127.0.0.2"])) as (where, _):
        assert where.stun_port is not None
        for host in ("127.0.0.1", "127.0.0.2"):
            for port in (where.stun_port, where.stun_port + 1):
                with pytest.raises(OSError, match="in use"):
                    await asyncio.get_running_loop().create_datagram_endpoint(
                        asyncio.DatagramProtocol, local_addr=(host, port)
                    )
    with pytest.raises(OSError, match=r"192\.0\.2\.99 is .* such address"):
        await Server(config_for(tmp_path, stun_port=38_478, stun_alternate=["192.0.2.99"])).start()


@pytest.mark.parametrize(
    "data",
    [b"", b"GET / HTTP/1.1\r\nHost: x", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
    ids=["silence", "half a header", "keep-alive"],
)
async def test_who_does_not_finish_a_request_in_time_is_cut_off(tmp_path: Path, data: bytes) -> None:
    async with running(config_for(tmp_path, header_timeout=0.2)) as (where, _):
        started = asyncio.get_running_loop().time()
        await raw(where, data)
        assert asyncio.get_running_loop().time() - started < 2.0


async def test_who_opens_https_and_says_nothing_is_cut_off(tmp_path: Path) -> None:
    async with running(config_for(tmp_path, header_timeout=0.2, https=True)) as (where, _):
        assert where.https_port is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", where.https_port)
        async with asyncio.timeout(2.0):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % index for index in range(200)) + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: \0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=["many headers", "long header", "two hosts", "two lengths", "NUL", "HTTP/2", "TLS"],
)
async def test_a_request_that_cannot_be_read_is_refused(tmp_path: Path, data: bytes) -> None:
    async with running(config_for(tmp_path, header_timeout=0.5)) as (where, _):
        assert (await raw(where, data)).startswith(b"HTTP/1.0 400 ")


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/lib/../../pyproject.toml", "/..%2fpyproject.toml", "//etc/passwd"]
)
async def test_no_path_leads_out_of_the_pages(tmp_path: Path, path: str) -> None:
    async with running(config_for(tmp_path)) as (where, _):
        answer = await raw(where, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 404 ")


async def test_a_foreign_page_cannot_open_a_link(tmp_path: Path, session: ClientSession) -> None:
    async with running(config_for(tmp_path)) as (where, _):
        response = await session.get(f"{where.local}v1/ws", headers={"Origin": "https://evil.example"})
        assert response.status == 403
        assert "server.origins" in await response.text()


async def test_at_info_level_the_log_has_no_addresses_and_no_secrets(
    tmp_path: Path, session: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(config_for(tmp_path)) as (where, _):
        one, other = [await session.ws_connect(f"{where.local}v1/ws") for _ in range(2)]
        tickets = []
        for socket in (one, other):
            await socket.send_str('{"type": "hello"}')
            tickets.append((await socket.receive_json())["ticket"])
            await socket.send_json({"type": "join", "request": 1, "room": "attic", "name": "ana"})
            joined = await socket.receive_json()
        [peer] = joined["peers"]
        await other.send_json(
            {"type": "signal", "to": peer["id"], "n": 1, "payload": {"sdp": "v=0 a=candidate"}}
        )
        assert (await one.receive_json())["type"] == "peer-joined"
        assert (await one.receive_json())["type"] == "signal"
        await one.send_bytes(b"\xff garbage")
        assert (await one.receive_json())["code"] == "malformed"
        await raw(where, b"\0\0\0\0\r\n\r\n")
        await one.close()
        await other.close()
    for secret in ("127.0.0.1", "::1", "candidate", "v=0", *tickets):
        assert secret not in caplog.text


def test_the_ticket_key_is_the_configured_one_or_kept(tmp_path: Path) -> None:
    configured = config_for(tmp_path, ticket_key="0123456789abcdef0123456789abcdef")
    assert ticket_key_of(configured, {}) == b"0123456789abcdef0123456789abcdef"
    kept = config_for(tmp_path)
    assert ticket_key_of(kept, {}) == ticket_key_of(kept, {})
    elsewhere = {"XDG_STATE_HOME": str(tmp_path / "xdg")}
    assert ticket_key_of(Config(), elsewhere) != ticket_key_of(kept, {})


def test_two_applications_live_in_one_process(tmp_path: Path) -> None:
    assert create_app(config_for(tmp_path)) is not create_app(config_for(tmp_path))
