"""The buses with a real broker behind them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from signaling.backplane.buses import make_backplane
from signaling.certificate import make_certificate
from tests.contracts.backplane import PATIENCE, SUBJECTS, BackplaneContract, Make
from tests.contracts.backplane import running as node
from tests.end_to_end.brokers import Nats, Redis, free_port, running

pytestmark = pytest.mark.end_to_end


class TestRedis(BackplaneContract):
    @pytest.fixture
    async def make(self, tmp_path: Path) -> AsyncIterator[Make]:
        async with running(Redis(tmp_path)) as broker:
            yield lambda: make_backplane(broker.url)


class TestNats(BackplaneContract):
    @pytest.fixture
    async def make(self, tmp_path: Path) -> AsyncIterator[Make]:
        async with running(Nats(tmp_path)) as broker:
            yield lambda: make_backplane(broker.url)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "bus.pem"
    path.write_bytes(make_certificate(["localhost", "127.0.0.1"], time.time()))
    return path


@asynccontextmanager
async def tls_redis(folder: Path, certificate: Path) -> AsyncIterator[str]:
    port = free_port()
    options = ["--tls-port", str(port), "--tls-auth-clients", "no", "--requirepass", "secret"]
    for option in ("cert", "key", "ca-cert"):
        options += [f"--tls-{option}-file", str(certificate)]
    async with running(Redis(folder, *options)):
        yield f"rediss://:secret@127.0.0.1:{port}"


@asynccontextmanager
async def tls_nats(folder: Path, certificate: Path) -> AsyncIterator[str]:
    options = ["--tls", "--tlscert", str(certificate), "--tlskey", str(certificate), "--auth", "secret"]
    async with running(Nats(folder, *options)) as broker:
        yield f"tls://secret@127.0.0.1:{broker.port}"


@pytest.mark.parametrize("broker", [tls_redis, tls_nats])
async def test_over_tls_the_server_is_known_by_its_certificate(
    broker: Callable[[Path, Path], AbstractAsyncContextManager[str]],
    tmp_path: Path,
    certificate: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with broker(tmp_path, certificate) as url:
        trusting = f"{url}?ca={certificate}"
        async with node(make_backplane(trusting), "ana") as ana, node(make_backplane(trusting), "ben") as ben:
            ana.bus.publish(ben.inbox, b"hello")
            assert await ben.until_heard(1) == [b"hello"]
        assert "certificate" in await why_not(url, caplog)
    assert "secret" not in caplog.text


@pytest.fixture
async def nats_without_tls() -> AsyncIterator[tuple[str, list[bytes]]]:
    """What says that it is a NATS, wants no TLS, and keeps what it is told."""
    told: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b'INFO {"version":"2.9.0","headers":true,"max_payload":1048576,"auth_required":true}\r\n'
        )
        try:
            while line := await reader.readline():
                told.append(line)
                writer.write(b"PONG\r\n")
        except ConnectionError:
            pass  # it does not say goodbye
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield f"tls://user:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}", told


async def test_a_server_without_tls_is_not_told_the_password(
    nats_without_tls: tuple[str, list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    url, told = nats_without_tls
    assert "the NATS server has no TLS" in await why_not(url, caplog)
    assert told == []


async def test_a_nats_server_that_takes_less_than_we_send_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "nats.conf").write_text("max_payload: 64KB\n")
    async with running(Nats(tmp_path, "--config", str(tmp_path / "nats.conf"))) as broker:
        assert "max_payload" in await why_not(broker.url, caplog)


async def test_redis_is_reached_through_a_socket_in_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "bus.sock"
    async with running(Redis(tmp_path, "--unixsocket", str(path), "--requirepass", "secret")):
        url = f"unix://:secret@{path}"
        async with node(make_backplane(url), "ana") as ana, node(make_backplane(url), "ben") as ben:
            ana.bus.publish(ben.inbox, b"hello")
            assert await ben.until_heard(1) == [b"hello"]


def written_in_the_docs(language: str) -> str:
    """What docs/many-nodes.md says that a broker is to be told."""
    page = (Path(__file__).parents[2] / "docs" / "many-nodes.md").read_text()
    (found,) = re.findall(rf"```\n({language}.*?)```", page, re.DOTALL)
    return str(found).replace("PASSWORD", "secret")


async def test_the_rights_in_the_docs_are_enough_and_end_where_they_say(tmp_path: Path) -> None:
    (tmp_path / "nats.conf").write_text(written_in_the_docs("authorization"))
    user = written_in_the_docs("ACL SETUSER").removeprefix("ACL SETUSER ").strip()
    (tmp_path / "users.acl").write_text(f"user {user}\nuser default off\n")
    for broker in (
        Redis(tmp_path, "--aclfile", str(tmp_path / "users.acl")),
        Nats(tmp_path, "--config", str(tmp_path / "nats.conf")),
    ):
        async with running(broker):
            url = f"{broker.scheme}://peerlane:secret@127.0.0.1:{broker.port}"
            async with node(make_backplane(url), "ana") as ana, node(make_backplane(url), "ben") as ben:
                assert not await ana.bus.open(SUBJECTS.room("x"), b"")
                assert await ben.bus.open(SUBJECTS.room("x"), b"")
            usable: list[bool] = []
            stranger = asyncio.create_task(
                make_backplane(url, "stranger").run([], lambda *_: None, usable.append)
            )
            await asyncio.wait([stranger], timeout=1.0)
            stranger.cancel()
            await asyncio.wait([stranger])
            assert usable == []


async def why_not(url: str, caplog: pytest.LogCaptureFixture) -> str:
    """What is said first of a bus that does not become usable."""
    caplog.clear()
    task = asyncio.create_task(make_backplane(url).run([], lambda *_: None, lambda _: None))
    try:
        async with asyncio.timeout(PATIENCE):
            # A line of the log is no event.
            while not [each for each in caplog.records if each.name == "signaling.backplane"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.wait([task])
    return next(each.getMessage() for each in caplog.records if each.name == "signaling.backplane")
