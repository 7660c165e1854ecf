"""What our credentials open at a real TURN server, and what they do not; and that strangers get none."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector
from aiohttp.test_utils import TestServer
from aioice import Candidate, Connection

from peer.engine.ice.allocation import relayed
from peer.engine.ice.servers import ServerAddress, parse_server
from peer.facts import Trouble
from signaling.app import NODE, create_app
from signaling.config import Config, Ice, LimitsConfig, Server, TurnServers
from signaling.protocol.parts import IceServer
from signaling.turn import Turn, password
from tests.end_to_end.coturn import SECRET, Coturn, coturn

pytestmark = pytest.mark.end_to_end

NEW = "the secret that comes after it"
TIMEOUT = 5.0
REQUESTS = 10_000
AT_ONCE = 32
KEY = b"0123456789abcdef0123456789abcdef"
TOKEN = "correct horse battery staple"


def made(server: Coturn, *secrets: str, age: float = 0.0, user: str = "ada") -> IceServer:
    """Credentials of ten minutes, as they were made ``age`` seconds ago."""
    ice = Ice(turn=[TurnServers([server.url()], list(secrets))], turn_lifetime=600.0)
    (told,) = Turn(ice).servers(user, time.time() - age)
    return told


async def allocate(told: IceServer, stack: AsyncExitStack) -> Candidate | Trouble:
    """A relay that is kept until the stack is closed."""
    where = parse_server(told.urls[0], told.username, told.credential)
    assert isinstance(where, ServerAddress)
    answer = await relayed(Connection(ice_controlling=True), where, TIMEOUT, lost=lambda trouble: None)
    if isinstance(answer, Trouble):
        return answer
    candidate, protocol = answer
    stack.push_async_callback(protocol.close)
    return candidate


async def code_of(told: IceServer) -> int:
    """0 when a relay is granted, otherwise why not."""
    async with AsyncExitStack() as stack:
        answer = await allocate(told, stack)
        return answer.code or -1 if isinstance(answer, Trouble) else 0


async def test_only_credentials_as_they_were_made_and_before_their_end_open_a_relay(tmp_path: Path) -> None:
    async with coturn(tmp_path, secret=True) as server:
        good = made(server, SECRET)
        assert await code_of(good) == 0
        # The server's calendar may be some seconds off ours.
        assert await code_of(made(server, SECRET, age=590)) == 0
        assert await code_of(made(server, SECRET, age=-590)) == 0
        assert await code_of(made(server, SECRET, age=610)) == 401
        assert await code_of(made(server, NEW)) == 401
        later = f"{int(time.time()) + 86_400}:ada"
        for name, word in (
            (later, good.credential),
            (good.username.replace("ada", "eve"), good.credential),
            (good.username, password(NEW, good.username)),
            (good.username, good.credential[::-1]),
        ):
            assert await code_of(IceServer([server.url()], name, word)) == 401


async def test_while_secrets_change_both_old_and_new_credentials_are_good(tmp_path: Path) -> None:
    async with coturn(tmp_path, f"--static-auth-secret={NEW}", secret=True) as server:
        assert await code_of(made(server, SECRET)) == 0
        assert await code_of(made(server, NEW, SECRET)) == 0
    after = tmp_path / "after"
    after.mkdir()
    async with coturn(after, secret=True) as server:
        assert await code_of(made(server, NEW, SECRET)) == 401
        assert await code_of(made(server, SECRET)) == 0


async def test_each_user_has_a_quota_of_its_own_whatever_the_day(tmp_path: Path) -> None:
    async with coturn(tmp_path, "--user-quota=3", secret=True) as server, AsyncExitStack() as stack:
        for age in (0.0, 1.0, 2.0):
            assert isinstance(await allocate(made(server, SECRET, age=age), stack), Candidate)
        refused = await allocate(made(server, SECRET, age=3.0), stack)
        assert isinstance(refused, Trouble)
        assert refused.code == 486
        assert isinstance(await allocate(made(server, SECRET, user="ben"), stack), Candidate)


async def test_ten_thousand_strangers_cost_no_signature() -> None:
    config = Config(
        server=Server(tokens=[TOKEN]),
        limits=LimitsConfig(credentials_per_second_per_address=1.0),
        ice=Ice(turn=[TurnServers(["turn:t.example"], [SECRET])]),
    )
    app = create_app(config, ticket_key=KEY)
    kinds = [
        {},
        {"Authorization": "Bearer a guess at a token"},
        {"Origin": "https://evil.example"},
        {"Authorization": f"Bearer {TOKEN}"},
    ]
    seen: Counter[tuple[int, int]] = Counter()
    async with TestServer(app) as server, ClientSession(connector=TCPConnector(limit=AT_ONCE)) as session:
        url = server.make_url("/v1/ice-servers")

        async def ask(first: int) -> None:
            for index in range(first, REQUESTS, AT_ONCE):
                kind = index // AT_ONCE % len(kinds)
                async with session.get(url, headers=kinds[kind]) as response:
                    seen[kind, response.status] += 1

        started = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for first in range(AT_ONCE):
                tasks.create_task(ask(first))
    given = seen[3, 200]
    assert app[NODE].hub.turn.made == given <= 10 + time.monotonic() - started + 1
    assert seen[3, 429] > 0
    assert set(seen) == {(0, 401), (1, 401), (2, 403), (3, 200), (3, 429)}
    assert seen.total() == REQUESTS
