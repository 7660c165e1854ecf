"""Whom the node takes in: tokens, and how many of one address."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import jwt

from signaling.config import Auth, AuthKey, Config, LimitsConfig
from signaling.protocol.codec import JSON
from signaling.protocol.messages import (
    Authenticate,
    Bye,
    Done,
    Hello,
    Join,
    Joined,
    Permitted,
    Refused,
    Welcome,
)
from signaling.protocol.parts import Resume
from signaling.transports.link import Caller
from tests.signaling.node_kit import MemoryPipe, running

SECRET = "s" * 32
GUARDED = Config(auth=Auth(keys=[AuthKey("HS256", secret=SECRET)]))


def token(**claims: Any) -> str:
    now = int(time.time())
    return jwt.encode({"sub": "ana", "iat": now, "exp": now + 60} | claims, SECRET, "HS256")


async def test_nobody_comes_in_without_a_good_token_where_one_is_asked_for() -> None:
    async with running(GUARDED) as server:
        for text in ("", "nonsense", token(exp=1)):
            pipe = server.connect()
            pipe.say(Hello(token=text), Join(1, "room"))
            assert (await pipe.hear(Bye)).code == 4505
        assert not server.node.hub.sessions
        pipe = server.connect()
        pipe.say(Hello(token=token()), Join(1, "room"))
        assert (await pipe.hear(Welcome)).subject == "ana"
        assert await pipe.hear(Joined)


async def test_k4_a_one_time_token_lets_in_once_and_its_own_session_again() -> None:
    async with running(GUARDED) as server:
        once = token(once=True, jti="1")
        pipe = server.connect()
        pipe.say(Hello(token=once))
        welcome = await pipe.hear(Welcome)
        thief = server.connect()
        thief.say(Hello(token=once))
        assert (await thief.hear(Bye)).code == 4505
        pipe.to_server.put_nowait(None)
        back = server.connect()
        back.say(Hello(resume=Resume(welcome.ticket, welcome.epoch, 0), token=once))
        assert (await back.hear(Welcome)).resumed


async def test_a_session_brings_a_newer_token() -> None:
    async with running(GUARDED) as server:
        pipe = server.connect()
        pipe.say(Hello(token=token()))
        await pipe.hear(Welcome)
        pipe.say(Authenticate(1, token(can=["join"])), Join(2, "room"))
        assert (await pipe.hear(Done)).request == 1
        assert (await pipe.hear(Permitted)).can == ["join"]
        pipe.say(Authenticate(3, token(sub="ben")), Authenticate(4, "nonsense"))
        refused = [await pipe.hear(Refused) for _ in range(2)]
        assert [(each.request, each.code) for each in refused] == [(3, "bad-token"), (4, "bad-token")]


async def test_an_address_has_only_so_many_links_and_others_are_not_kept_out() -> None:
    async with running(Config(limits=LimitsConfig(links_per_address=2))) as server:
        node = server.node
        pipes = [MemoryPipe() for _ in range(2)]
        tasks = [
            asyncio.create_task(node.serve(pipe, JSON, "localhost", Caller("2001:db8::1"))) for pipe in pipes
        ]
        server.tasks += tasks
        for pipe in pipes:
            pipe.say(Hello())
            await pipe.hear(Welcome)
        turned = node.why_not("2001:db8::2")
        assert turned is not None
        assert turned.status == 429
        assert node.why_not("2001:db8:1::1") is None
        pipes[0].to_server.put_nowait(None)
        await tasks[0]
        assert node.why_not("2001:db8::2") is None


async def test_who_presents_bad_tokens_has_to_wait() -> None:
    limits = LimitsConfig(token_failures_per_minute_per_address=3)
    async with running(Config(auth=GUARDED.auth, limits=limits)) as server:
        for _ in range(3):
            assert server.node.why_not("192.0.2.1") is None
            pipe = MemoryPipe()
            pipe.say(Hello(token="a.b.c"))
            await server.node.serve(pipe, JSON, "localhost", Caller("192.0.2.1"))
        turned = server.node.why_not("192.0.2.1")
        assert turned is not None
        assert turned.status == 429
        assert server.node.why_not("192.0.2.2") is None
