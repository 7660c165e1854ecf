"""Where WebSocket is blocked: pages and programs in networks that let only plain requests through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from peer.channels.kinds import RELIABLE
from peer.room import join
from peer.signaling_client.effects import Restored
from signaling.protocol.messages import PeerLeft
from tests import needs
from tests.end_to_end.blocking_proxy import BlockingProxy
from tests.end_to_end.bots import the_peer
from tests.end_to_end.brokers import Redis, free_port, running
from tests.end_to_end.conftest import OpenPage, ServerProcess, StartServer, eventually
from tests.end_to_end.looks import connected
from tests.end_to_end.test_proxies import NGINX, Front, documented
from tests.end_to_end.test_signaling_recovery import COUNT, TALKATIVE, Speaker, meet

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(120)]

WAYS = [("sse", False), ("long-poll", True)]


async def links(server: ServerProcess, transport: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/metrics") as answer:
        for line in (await answer.text()).splitlines():
            if line.startswith(f'peerlane_links{{transport="{transport}"}}'):
                return int(float(line.rsplit(" ", 1)[1]))
    raise AssertionError(transport)


@pytest.mark.parametrize(("transport", "buffers"), WAYS)
async def test_pages_and_programs_meet_without_websocket(
    transport: str, buffers: bool, server: ServerProcess, open_page: OpenPage, faults: list[str]
) -> None:
    async with BlockingProxy([server.port], buffers=buffers)() as proxy:
        ana = await open_page("garden", "Ana", server=proxy)
        ben = await open_page("garden", "Ben", server=proxy)
        await connected(ana, ben)
        async with join(proxy.url, "garden", name="bot") as room:
            for name in ("Ana", "Ben"):
                await the_peer(room, name)
            assert await links(server, transport) == 3
            assert await links(server, "websocket") == 0
        for page in (ana, ben):
            await page.close()
    # A browser says aloud that it was refused an upgrade.
    faults[:] = [each for each in faults if "403" not in each and "Abort" not in each]


async def test_two_programs_exchange_words_without_websocket(server: ServerProcess) -> None:
    async with (
        BlockingProxy([server.port])() as proxy,
        join(proxy.url, "garden", name="ana") as ana,
        join(proxy.url, "garden", name="ben") as ben,
    ):
        to_ben, to_ana = await asyncio.gather(the_peer(ana, "ben"), the_peer(ben, "ana"))
        said, heard = await asyncio.gather(to_ben.open("words", RELIABLE), to_ana.open("words", RELIABLE))
        await said.send(b"hello")
        async with asyncio.timeout(10.0):
            async for message in heard:
                assert message == b"hello"
                break


async def test_an_upgrade_that_is_never_answered_does_not_keep_anybody_out(server: ServerProcess) -> None:
    async with BlockingProxy([server.port], swallows=True)() as proxy, Speaker(proxy.port) as ana:
        assert ana.id
        assert await links(server, "sse") == 1


@pytest.mark.parametrize(("transport", "buffers"), WAYS)
async def test_streams_that_are_cut_lose_and_double_nothing(
    transport: str, buffers: bool, start_server: StartServer
) -> None:
    server = start_server(**TALKATIVE)
    async with (
        BlockingProxy([server.port], buffers=buffers)() as proxy,
        Speaker(proxy.port) as ana,
        Speaker(proxy.port) as ben,
    ):
        await _talk_through(ana, ben, proxy)
        assert all(ana.resumed + ben.resumed)
        # Slices are asked for again, without any need of another link.
        assert transport == "long-poll" or ana.resumed
        assert await links(server, transport) == 2


@pytest.mark.parametrize(("transport", "buffers"), WAYS)
async def test_any_node_takes_any_request(
    transport: str, buffers: bool, start_server: StartServer, tmp_path: Path
) -> None:
    """Two nodes, and a balancer that sends every request to the other one than the one before."""
    async with running(Redis(tmp_path)) as broker:
        settings = TALKATIVE | {
            "PEERLANE_CLUSTER_BACKPLANE": broker.url,
            "PEERLANE_SERVER_TICKET_KEY": "a ticket key of 32 characters, at least",
        }
        nodes = [start_server(**settings) for _ in range(2)]
        await asyncio.sleep(1.0)
        async with (
            BlockingProxy([node.port for node in nodes], buffers=buffers)() as proxy,
            Speaker(proxy.port) as ana,
            Speaker(proxy.port) as ben,
        ):
            await _talk_through(ana, ben, proxy)
            assert all(ana.resumed + ben.resumed)
            assert sum([await links(node, transport) for node in nodes]) == 2


@asynccontextmanager
async def nginx(ports: list[int], folder: Path) -> AsyncIterator[int]:
    """As docs/behind-a-proxy.md has it, in front of several nodes in turn, and without WebSocket."""
    port = free_port()
    text = documented("nginx").replace(
        "http://127.0.0.1:8080;", "http://nodes;\n    if ($http_upgrade) { return 403; }"
    )
    upstream = " ".join(f"server 127.0.0.1:{each};" for each in ports)
    template = NGINX.replace("    server {{", f"    upstream nodes {{{{ {upstream} }}}}\n    server {{{{", 1)
    configuration = folder / "proxy.conf"
    configuration.write_text(
        template.format(folder=folder, listen=f"listen 127.0.0.1:{port};", documented=text)
    )
    process = await asyncio.create_subprocess_exec(needs.program("nginx"), "-c", str(configuration))
    try:
        await eventually(Front(port, None).answers, "nginx answers")
        yield port
    finally:
        process.terminate()
        await process.wait()


async def test_nginx_passes_streams_on_as_they_come(start_server: StartServer, tmp_path: Path) -> None:
    async with running(Redis(tmp_path)) as broker:
        settings = TALKATIVE | {
            "PEERLANE_CLUSTER_BACKPLANE": broker.url,
            "PEERLANE_SERVER_TICKET_KEY": "a ticket key of 32 characters, at least",
        }
        nodes = [start_server(**settings) for _ in range(2)]
        await asyncio.sleep(1.0)
        async with (
            nginx([node.port for node in nodes], tmp_path) as port,
            Speaker(port) as ana,
            Speaker(port) as ben,
        ):
            await meet(ana, ben)
            await asyncio.gather(ana.say_all(ben.id, 2.0), ben.say_all(ana.id, 2.0))
            await eventually(lambda: min(len(ana.heard), len(ben.heard)) >= COUNT, "all has arrived")
            assert ana.heard == ben.heard == list(range(COUNT))
            assert sum([await links(node, "sse") for node in nodes]) == 2


async def test_a_killed_node_loses_and_doubles_nothing(start_server: StartServer) -> None:
    server = start_server(**TALKATIVE)
    async with (
        BlockingProxy([server.port])() as proxy,
        Speaker(proxy.port) as ana,
        Speaker(proxy.port) as ben,
    ):
        await meet(ana, ben)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ana.say_all(ben.id, 3.0))
            tasks.create_task(ben.say_all(ana.id, 3.0))
            await asyncio.sleep(1.0)
            await asyncio.to_thread(server.restart)
        await eventually(lambda: len(ana.heard) >= COUNT and len(ben.heard) >= COUNT, "all has arrived", 40.0)
        assert ana.heard == ben.heard == list(range(COUNT))


async def _talk_through(ana: Speaker, ben: Speaker, proxy: BlockingProxy) -> None:
    """Say all, both at once, while all that is open is cut twice."""
    await meet(ana, ben)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ana.say_all(ben.id, 4.0))
        tasks.create_task(ben.say_all(ana.id, 4.0))
        for _ in range(2):
            await asyncio.sleep(1.2)
            proxy.cut()
    await eventually(lambda: len(ana.heard) >= COUNT and len(ben.heard) >= COUNT, "all has arrived", 40.0)
    assert ana.heard == ben.heard == list(range(COUNT))
    assert not ana.all_of(PeerLeft) + ben.all_of(PeerLeft)
    assert ana.all_of(Restored)
