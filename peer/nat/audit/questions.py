"""The single questions of an audit, each to one line of a server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Iterator

from aioice import stun

from peer.engine.ice.allocation import AddressInfo
from peer.nat.audit.evidence import GRANTED, Binding, How, Permission, Quota
from peer.nat.audit.visits import Problem, Visit, code_of
from peer.nat.observations import Family
from peer.nat.stun_codec import CHANGE_PORT, binding_request
from peer.nat.turn_client import Credentials, TurnClient
from peer.nat.turn_line import CHANNELS, endpoint_text

AT_A_TIME = 8
MAX_SILENT = AT_A_TIME
"""Questions without an answer, after which no more are asked: a server that throttles is left alone."""
PORT = 9
"""Discard: a permission has none, a channel must."""
SENDINGS = 3
SENDING_PAUSE = 0.4


async def login(visit: Visit, credentials: Credentials) -> int | None:
    """What an allocation with these comes to: GRANTED, an error code, None."""

    async def ask() -> None:
        async with visit.client(credentials, is_checking=False) as client:
            await client.allocate(lifetime=60)

    return await _code(visit.patience, ask())


async def permissions(
    visit: Visit, client: TurnClient, family: Family, addresses: list[str], ways: tuple[How, ...]
) -> list[Permission]:
    """Ask for each address, a few at a time. Only permissions are asked for: nothing is sent to anybody."""
    found: list[Permission] = []
    numbers = iter(CHANNELS)
    questions: Iterator[tuple[How, str]] = ((how, address) for how in ways for address in addresses)
    silent = 0

    async def ask(how: How, address: str) -> None:
        if how == "permission":
            await client.permit(address)
        else:
            await client.bind(next(numbers), (address, PORT))

    async def work() -> None:
        nonlocal silent
        for how, address in questions:
            code = None
            if silent < MAX_SILENT and not client.line.ended.done():
                code = await _code(visit.patience, ask(how, address))
                silent += code is None
            found.append(Permission(url=visit.door.url, family=family, address=address, how=how, code=code))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_A_TIME):
            tasks.create_task(work())
    return found


async def _code(patience: float, asking: Awaitable[object]) -> int | None:
    """What it comes to: GRANTED, an error code, None."""
    try:
        async with asyncio.timeout(patience):
            await asking
    except Problem as problem:
        return code_of(problem)
    return GRANTED


async def quota(visit: Visit, credentials: Credentials | None, count: int) -> Quota | None:
    """Allocations of one user until the server has enough; all are given back at once."""
    given = 0
    code: int | None = GRANTED
    async with asyncio.TaskGroup() as tasks:
        done = asyncio.Event()
        while given < count and code == GRANTED:
            asked: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
            tasks.create_task(_hold(visit, credentials, asked, done))
            code = await asked
            given += code == GRANTED
        done.set()
    return None if code is None else Quota(given, code)


async def _hold(
    visit: Visit, credentials: Credentials | None, asked: asyncio.Future[int | None], done: asyncio.Event
) -> None:
    """One allocation, until all are done."""
    try:
        async with visit.client(credentials) as client:
            async with asyncio.timeout(visit.patience):
                await client.allocate(lifetime=60)
            if not asked.done():  # or the audit is being given up
                asked.set_result(GRANTED)
            await done.wait()
    except Problem as problem:
        if not asked.done():
            asked.set_result(code_of(problem))


async def binding(visit: Visit) -> Binding | None:
    """The shortest question there is, and how much comes back."""
    try:
        async with asyncio.timeout(visit.patience), visit.client(None) as client:
            answer = await client.binding()
    except Problem:
        return None
    attributes = answer.message.attributes
    other = attributes.get("OTHER-ADDRESS") or attributes.get("CHANGED-ADDRESS")
    return Binding(
        asked=answer.asked,
        answered=answer.answered,
        other=endpoint_text(*other) if other else "",
        plain_mapped="MAPPED-ADDRESS" in attributes,
        answers_elsewhere=await _answers_elsewhere(visit.addresses[0]),
    )


class _Ear(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue(8)

    def datagram_received(self, data: bytes, addr: tuple[str | bytes, int]) -> None:
        if not self.heard.full():
            self.heard.put_nowait((data, addr[1]))


async def _answers_elsewhere(server: AddressInfo) -> bool | None:
    """Whether it answers from another port when it is asked to (RFC 5780 section 7.2); None: no answer."""
    host, port = server[4][:2]
    request = binding_request(change=CHANGE_PORT)
    local = ("::" if server[0] == socket.AF_INET6 else "0.0.0.0", 0)
    try:
        transport, ear = await asyncio.get_running_loop().create_datagram_endpoint(_Ear, local_addr=local)
    except OSError:
        return None
    try:
        for _ in range(SENDINGS):
            transport.sendto(bytes(request), (host, port))
            try:
                async with asyncio.timeout(SENDING_PAUSE):
                    while True:
                        data, source = await ear.heard.get()
                        if data[8:20] == request.transaction_id:
                            return source != port and _is_success(data)
            except TimeoutError:
                continue
        return None
    finally:
        transport.abort()


def _is_success(data: bytes) -> bool:
    return len(data) >= stun.HEADER_LENGTH and data[:2] == b"\x01\x01"
