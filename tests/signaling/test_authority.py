"""One judge for all that is presented: nothing, a word, a token, and what an application says of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from signaling.auth import Verified
from signaling.authority import Asking, Authority
from signaling.config import Auth, AuthKey, Config, Server
from signaling.grants import OPEN, Grants
from signaling.protocol.permissions import Permission

SECRET = "s" * 32
KEYS = [AuthKey("HS256", secret=SECRET)]


def token(**claims: Any) -> str:
    now = int(time.time())
    return jwt.encode({"sub": "ana", "iat": now, "exp": now + 60} | claims, SECRET, "HS256")


def authority(authorize: Any = None, *, tokens: list[str] | None = None, **auth: Any) -> Authority:
    return Authority(Config(server=Server(tokens=tokens or []), auth=Auth(**auth)), authorize)


async def granted(judge: Authority, text: str) -> Grants:
    found = await judge.judge(text)
    assert isinstance(found, Verified), found
    return found.grants


async def test_without_keys_nobody_needs_a_token() -> None:
    assert await granted(authority(), "") == OPEN
    assert await granted(authority(), "anything") == OPEN


async def test_with_keys_nobody_comes_in_without_one() -> None:
    judge = authority(keys=KEYS)
    assert isinstance(await judge.judge(""), str)
    assert isinstance(await judge.judge("hello"), str)
    assert (await granted(judge, token())).subject == "ana"


async def test_guests_may_what_the_settings_say() -> None:
    judge = authority(keys=KEYS, guests=[Permission.JOIN])
    assert (await granted(judge, "")).can == {Permission.JOIN}
    assert isinstance(await judge.judge("bad.bad.bad"), str)


async def test_a_word_of_the_settings_is_good_beside_tokens() -> None:
    judge = authority(keys=KEYS, tokens=["correct horse battery"])
    assert await granted(judge, "correct horse battery") == OPEN
    assert isinstance(await judge.judge("correct horse batterz"), str)


async def test_an_application_may_grant_less_more_or_nothing() -> None:
    asked: list[Asking] = []

    async def authorize(asking: Asking) -> Grants | None:
        asked.append(asking)
        return None if asking.subject == "eve" else Grants(subject=asking.subject, rooms=("lobby",))

    judge = authority(authorize, keys=KEYS)
    assert (await granted(judge, token())).rooms == ("lobby",)
    assert isinstance(await judge.judge(token(sub="eve"), "192.0.2.1", "https://example.org"), str)
    assert (asked[1].subject, asked[1].address, asked[1].origin) == (
        "eve",
        "192.0.2.1",
        "https://example.org",
    )


async def test_a_mistake_of_the_application_lets_nobody_in() -> None:
    async def authorize(asking: Asking) -> Grants | None:
        raise RuntimeError("planted")

    assert isinstance(await authority(authorize, keys=KEYS).judge(token()), str)


@pytest.fixture
async def back_end() -> AsyncIterator[tuple[str, dict[str, Any]]]:
    told: dict[str, Any] = {"status": 200, "answer": {"allow": True}, "asked": []}

    async def answer(request: web.Request) -> web.Response:
        told["asked"].append(await request.json())
        return web.json_response(told["answer"], status=told["status"])

    app = web.Application()
    app.router.add_post("/authorize", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/authorize")), told


async def test_a_back_end_says_who_somebody_without_a_token_of_ours_is(back_end: Any) -> None:
    url, told = back_end
    told["answer"] = {"allow": True, "subject": "ana", "can": ["join"], "app": "game", "rooms": ["a*"]}
    found = await granted(authority(authorize_url=url), "")
    assert (found.subject, found.can, found.app, found.rooms) == ("ana", {Permission.JOIN}, "game", ("a*",))


async def test_what_a_back_end_leaves_out_stays_as_the_token_has_it(back_end: Any) -> None:
    url, told = back_end
    found = await granted(authority(authorize_url=url, keys=KEYS), token(role="referee"))
    assert (found.subject, found.role) == ("ana", "referee")
    assert told["asked"][0]["subject"] == "ana"


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, {"allow": False}), (403, {}), (401, {}), (500, {"allow": True}), (302, {}), (200, {}), (200, [1]),
     (200, {"allow": True, "can": ["fly"]}), (200, {"allow": "yes"})],
)  # fmt: skip
async def test_what_is_not_a_clear_yes_of_the_back_end_is_a_no(
    back_end: Any, status: int, answer: Any
) -> None:
    url, told = back_end
    told["status"], told["answer"] = status, answer
    assert isinstance(await authority(authorize_url=url, keys=KEYS).judge(token()), str)


async def test_a_back_end_that_is_not_there_lets_nobody_in() -> None:
    judge = authority(authorize_url="http://127.0.0.1:9/", keys=KEYS)
    assert isinstance(await judge.judge(token()), str)
