"""Names in the local network: asked over multicast where there is any, and never a reason to fail."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice.mdns import create_mdns_hostname

from peer.engine.ice import mdns
from peer.engine.ice.mdns import resolve
from tests.peer.engine.ice.generations import until


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdns, "ASK_AGAIN_AFTER", (0.01, 0.01))


@asynccontextmanager
async def port_held_by(monkeypatch: pytest.MonkeyPatch, *options: int) -> AsyncIterator[int]:
    """Another program has the port."""
    with socket.socket(type=socket.SOCK_DGRAM) as held:
        for option in options:
            held.setsockopt(socket.SOL_SOCKET, option, 1)
        held.bind(("", 0))
        port = held.getsockname()[1]
        monkeypatch.setattr(mdns, "MDNS_PORT", port)
        yield port


async def test_a_name_that_nobody_answers_for_has_no_address() -> None:
    assert await resolve(create_mdns_hostname()) is None
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("name", ["", "x", "t.example", "a.b.local", "local", "ä.local", "a" * 64 + ".local"])
async def test_what_is_no_name_of_the_local_network_is_not_asked_for(name: str) -> None:
    assert await resolve(name) is None


async def test_a_port_that_another_program_keeps_for_itself_raises_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with port_held_by(monkeypatch):
        answers = await asyncio.gather(*(resolve(create_mdns_hostname()) for _ in range(5)))
        assert answers == [None] * 5


async def test_nonsense_on_the_port_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdns, "ASK_AGAIN_AFTER", (0.2,))
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(mdns, "MDNS_PORT", port)
    with socket.socket(type=socket.SOCK_DGRAM) as anybody:
        asking = asyncio.create_task(resolve(create_mdns_hostname()))
        for _ in range(5):
            await asyncio.sleep(0)
        for nonsense in (
            b"",
            b"x",
            bytes(11),
            bytes(5) + b"\x01" * 40,
            b"\xff" * 400,
            bytes(2) + b"\xc0\x0c" * 30,
        ):
            anybody.sendto(nonsense, ("127.0.0.1", port))
        assert await asking is None


async def test_who_is_cancelled_does_not_take_the_answer_from_others() -> None:
    name = create_mdns_hostname()
    asking = [asyncio.create_task(resolve(name)) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.wait(asking)
    assert asking[0].cancelled()
    assert [each.result() for each in asking[1:]] == [None, None]
    await until(lambda: len(asyncio.all_tasks()) == 1)


def test_each_event_loop_of_a_thread_asks_by_itself() -> None:
    for _ in range(2):
        assert asyncio.run(resolve(create_mdns_hostname())) is None


def test_names_are_asked_for_in_two_threads_at_once() -> None:
    async def two() -> list[str | None]:
        return list(
            await asyncio.gather(
                *(asyncio.to_thread(asyncio.run, resolve(create_mdns_hostname())) for _ in range(2))
            )
        )

    assert asyncio.run(two()) == [None, None]
