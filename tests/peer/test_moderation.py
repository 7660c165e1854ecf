"""Owners, passwords, waiting rooms and tokens, as Python peers see them on a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest

from peer.errors import Refused
from peer.events import Ended, Expiring, Knocked, Permitted, RoomUpdated
from peer.room import JoinOptions, Room, join
from signaling.config import Auth, AuthKey
from tests.peer.rooms import PATIENCE, serving, until

SECRET = "s" * 32


@asynccontextmanager
async def guarded(tmp_path: Path, auth: Auth | None = None) -> AsyncIterator[str]:
    async with serving(tmp_path, auth) as server:
        yield str(server.make_url("/"))


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with guarded(tmp_path) as address:
        yield address


def token(subject: str, lifetime: float = 600.0, **claims: Any) -> str:
    now = int(time.time())
    return jwt.encode({"sub": subject, "iat": now, "exp": now + round(lifetime)} | claims, SECRET, "HS256")


async def refused(url: str, **options: Any) -> str:
    with pytest.raises(Refused) as caught:
        async with join(url, "arena", options=JoinOptions(**options)):
            pass
    return caught.value.code


async def test_an_owner_locks_and_unlocks(url: str) -> None:
    async with join(url, "arena") as ana, join(url, "arena") as ben:
        assert ben.settings is not None
        assert ben.settings.owner == ana.me
        news = ben.events()
        await ana.moderation.lock()
        assert (await until(news, RoomUpdated)).settings.locked
        assert await refused(url) == "room-locked"
        await ana.moderation.unlock()
        async with join(url, "arena"):
            pass


async def test_everybody_knows_what_they_may_do(url: str) -> None:
    async with join(url, "arena") as ana, join(url, "arena") as ben:
        assert [ana.may(each) for each in ("kick", "lock", "lobby", "publish", "admin")] == [
            *[True] * 4,
            False,
        ]
        assert [ben.may(each) for each in ("kick", "lock", "lobby", "publish", "admin")] == [
            *[False] * 3,
            True,
            False,
        ]
        news = ben.events()
        await ana.moderation.hand_over(ben.me)
        await until(news, RoomUpdated)
        assert (ana.may("kick"), ben.may("kick")) == (False, True)
        with pytest.raises(ValueError, match="fly"):
            ana.may("fly")


async def test_who_is_thrown_out_is_told_and_stays_out_for_a_while(url: str) -> None:
    async with join(url, "arena") as ana:
        async with join(url, "arena") as eve:
            news = eve.events()
            await ana.moderation.kick(eve.me, ban=60.0, reason="noise")
            ended = await until(news, Ended)
            assert isinstance(ended.error, Refused)
            assert (ended.error.code, ended.error.text) == ("kicked", "noise")
            assert eve.state == "closed"
        assert ana.roster == []


async def test_who_may_not_is_refused(url: str) -> None:
    async with join(url, "arena") as ana, join(url, "arena") as ben:
        with pytest.raises(Refused, match="not-allowed"):
            await ben.moderation.kick(ana.me)


async def test_a_password_lets_in_those_who_know_it(url: str) -> None:
    async with join(url, "arena", options=JoinOptions(password="open sesame")) as ana:
        assert await refused(url) == "bad-password"
        assert await refused(url, password="open barley") == "bad-password"
        async with join(url, "arena", options=JoinOptions(password="open sesame")):
            pass
        await ana.moderation.set_password("")
        async with join(url, "arena"):
            pass


async def test_who_comes_waits_until_it_is_let_in(url: str) -> None:
    async with join(url, "arena", options=JoinOptions(lobby=True)) as ana:
        news = ana.events()

        async def come(name: str) -> str:
            async with join(url, "arena", name=name) as room:
                return room.state

        ben = asyncio.create_task(come("ben"))
        knocked = await until(news, Knocked)
        assert (knocked.name, list(ana.waiting)) == ("ben", [knocked.id])
        assert not ben.done()
        await ana.moderation.admit(knocked.id)
        assert await ben == "open"
        eve = asyncio.create_task(come("eve"))
        await ana.moderation.turn_away((await until(news, Knocked)).id)
        with pytest.raises(Refused, match="turned-away"):
            await eve


async def test_a_token_is_asked_for_and_says_what_may_be_done(tmp_path: Path) -> None:
    async with guarded(tmp_path, Auth(keys=[AuthKey("HS256", secret=SECRET)])) as url:
        assert await refused(url, token="nonsense.but.three") == "4505"
        assert await refused(url, token=token("ana", rooms=["elsewhere"])) == "not-allowed"
        async with join(url, "arena", options=JoinOptions(token=token("ana"))) as ana:
            assert ana.state == "open"


async def test_a_fresh_token_is_fetched_before_the_old_one_ends(tmp_path: Path) -> None:
    auth = Auth(keys=[AuthKey("HS256", secret=SECRET)], refresh_before=60.0)
    given: list[float] = [61.0, 600.0]

    async def fetch() -> str:
        return token("ana", given.pop(0))

    async with (
        guarded(tmp_path, auth) as url,
        join(url, "arena", options=JoinOptions(token=fetch)) as ana,
    ):
        news = ana.events()
        expiring = await until(news, Expiring)
        permitted = await until(news, Permitted)
        assert permitted.expires is not None
        assert permitted.expires > expiring.expires + 500
        assert given == []


async def test_a_newer_token_may_be_presented_at_any_time(tmp_path: Path) -> None:
    async with (
        guarded(tmp_path, Auth(keys=[AuthKey("HS256", secret=SECRET)])) as url,
        join(url, "arena", options=JoinOptions(token=token("ana"))) as ana,
    ):
        news = ana.events()
        await ana.present(token("ana", can=["join", "signal"]))
        assert (await until(news, Permitted)).can == ["join", "signal"]
        with pytest.raises(Refused, match="bad-token"):
            await ana.present(token("ben"))
        assert ana.state == "open"


async def test_media_of_who_may_not_publish_is_left_alone(tmp_path: Path) -> None:
    quiet = JoinOptions(token=token("ben", can=["join", "signal"]))
    async with (
        guarded(tmp_path, Auth(keys=[AuthKey("HS256", secret=SECRET)])) as url,
        join(url, "arena", options=JoinOptions(token=token("ana"))) as ana,
        join(url, "arena", options=quiet),
    ):
        peer = await first_peer(ana)
        assert not peer.publishes


async def first_peer(room: Room) -> Any:
    async with asyncio.timeout(PATIENCE):
        async for peer in room.peers():
            return peer
    raise AssertionError("nobody came")
