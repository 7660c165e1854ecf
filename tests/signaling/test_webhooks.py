"""Real requests to a real web server: what it gets, what it gets again, and what it never gets."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from standardwebhooks import Webhook as OfficialWebhook

from signaling.app import NODE, create_app
from signaling.config import Config, Server, Webhook, Webhooks
from signaling.journal import FeedMember, Journal
from signaling.metrics import Metrics
from signaling.webhooks import WebhookSender
from tests.signaling.test_admin import member

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SECRET = "whsec_b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIh"
PATIENCE = 10.0
ANA = FeedMember("ana", "Ana", "")


class Receiver:
    """An application's web server; ``answers`` are given first, then 204 to everything."""

    def __init__(self, *answers: int, headers: dict[str, str] | None = None) -> None:
        self.got: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self._answers = list(answers)
        self._headers = headers or {}

    async def hook(self, request: web.Request) -> web.Response:
        self.got.put_nowait((dict(request.headers), await request.read()))
        status = self._answers.pop(0) if self._answers else 204
        return web.Response(status=status, headers=self._headers)

    async def next(self, secret: str = SECRET) -> dict[str, Any]:
        """The next message, if it is genuine."""
        async with asyncio.timeout(PATIENCE):
            head, body = await self.got.get()
        told: dict[str, Any] = OfficialWebhook(secret).verify(
            body.decode(), {name.lower(): value for name, value in head.items()}
        )
        return {**told, "id": head["webhook-id"]}


@asynccontextmanager
async def serving(receiver: Receiver) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", receiver.hook)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook"))


@asynccontextmanager
async def sending(
    config: Webhooks, now: Callable[[], float] = time.monotonic
) -> AsyncIterator[tuple[WebhookSender, Journal, Metrics]]:
    journal, metrics = Journal("boot", 100, 100_000, time.time), Metrics()
    sender = WebhookSender(config, journal, "n1", "", metrics, now)
    sender.start()
    yield sender, journal, metrics
    await sender.stop()


def to(url: str, **endpoint: Any) -> Webhooks:
    return Webhooks([Webhook(url, [SECRET], **endpoint)])


async def test_what_happens_is_told_in_order_and_signed() -> None:
    receiver = Receiver()
    async with serving(receiver) as url, sending(to(url)) as (_, journal, metrics):
        journal.member_joined("game/arena", ANA)
        journal.member_left("game/arena", "ana", "left")
        started, joined, left = [await receiver.next() for _ in range(3)]
    assert (started["type"], started["node"]) == ("node-started", "n1")
    assert (joined["type"], joined["id"]) == ("member-joined", "msg_boot-1")
    assert joined["data"]["member"] == {"id": "ana", "name": "Ana", "node": ""}
    assert (left["type"], left["data"]["reason"]) == ("member-left", "left")
    assert metrics.webhooks == {"delivered": 3, "failed": 0, "dropped": 0}


async def test_what_was_not_taken_comes_again_under_the_same_id() -> None:
    receiver = Receiver(500, 204)
    async with serving(receiver) as url, sending(to(url)) as (_, _, metrics):
        first, again = await receiver.next(), await receiver.next()
    assert first["id"] == again["id"]
    assert metrics.webhooks["failed"] == 1


async def test_a_redirect_is_not_followed(caplog: pytest.LogCaptureFixture) -> None:
    elsewhere = Receiver()
    async with serving(elsewhere) as other:
        receiver = Receiver(302, headers={"Location": other})
        async with serving(receiver) as url, sending(to(f"{url}?key=secret")) as (_, _, metrics):
            with caplog.at_level(logging.INFO):
                await receiver.next()
                await receiver.next()
            assert metrics.webhooks["failed"] == 1
    assert elsewhere.got.empty()
    ours = [each.getMessage() for each in caplog.records if each.name == "signaling.webhooks"]
    assert len(ours) == 1
    assert "takes nothing (302)" in ours[0]
    assert "secret" not in ours[0]


async def test_an_endpoint_that_says_gone_is_left_alone() -> None:
    receiver = Receiver(410)
    async with serving(receiver) as url, sending(to(url)) as (sender, journal, _):
        await receiver.next()
        journal.member_joined("game/arena", ANA)
        async with asyncio.timeout(PATIENCE):
            while sender.waiting:  # noqa: ASYNC110 # what is waited for is no event
                await asyncio.sleep(0)
    assert receiver.got.empty()


async def test_one_that_does_not_answer_holds_up_nobody_else() -> None:
    receiver = Receiver()
    async with serving(receiver) as url:
        config = Webhooks([Webhook("http://127.0.0.1:9/", [SECRET]), Webhook(url, [SECRET])], give_up=0.1)
        async with sending(config) as (_, journal, metrics):
            journal.member_joined("game/arena", ANA)
            await receiver.next()
            assert (await receiver.next())["type"] == "member-joined"
            assert metrics.webhooks["failed"] >= 1


async def test_what_is_too_much_is_counted_and_told_as_a_gap() -> None:
    receiver = Receiver()
    async with serving(receiver) as url:
        config = Webhooks([Webhook(url, [SECRET])], queue=3)
        async with sending(config) as (_, journal, metrics):
            for number in range(6):
                journal.member_joined("game/arena", FeedMember(str(number), "", ""))
            told = [await receiver.next() for _ in range(4)]
    assert [each["type"] for each in told] == ["node-started", "member-joined", "member-joined", "gap"]
    assert told[-1]["data"] == {"missed": 4}
    assert metrics.webhooks["dropped"] == 4


async def test_secrets_and_wishes_change_without_a_loss() -> None:
    receiver = Receiver()
    async with serving(receiver) as url, sending(to(url)) as (sender, journal, _):
        await receiver.next()
        sender.use(Webhooks([Webhook(url, [NEXT_SECRET], ["member-left"])]))
        journal.member_joined("game/arena", ANA)
        journal.member_left("game/arena", "ana", "left")
        assert (await receiver.next(NEXT_SECRET))["type"] == "member-left"
        sender.use(Webhooks())
        journal.member_left("game/arena", "ben", "lost")
        assert sender.waiting == 0


async def test_an_endpoint_that_is_named_later_is_told_from_then_on() -> None:
    receiver = Receiver()
    async with serving(receiver) as url, sending(Webhooks()) as (sender, journal, _):
        journal.member_joined("game/arena", ANA)
        sender.use(to(url))
        journal.draining()
        assert [(await receiver.next())["type"] for _ in range(2)] == ["node-started", "draining"]


async def test_what_waits_at_the_end_is_told_before_the_end() -> None:
    receiver = Receiver()
    async with serving(receiver) as url:
        async with sending(to(url)) as (_, journal, _):
            journal.draining()
        assert [json.loads((await receiver.got.get())[1])["type"] for _ in range(2)] == [
            "node-started",
            "draining",
        ]


async def test_a_node_tells_of_its_members_and_of_its_end(tmp_path: Path) -> None:
    receiver = Receiver()
    async with serving(receiver) as url:
        wanted = to(url, events=["member-joined", "draining"], apps=["default"])
        server = Server(dev=True, state_dir=str(tmp_path))
        app = create_app(Config(server=server, webhooks=wanted))
        async with TestClient(TestServer(app)) as client, member(client, "garden") as (_, ana):
            started, joined = await receiver.next(), await receiver.next()
            assert joined["data"]["member"]["id"] == ana
            assert joined["node"] == started["node"] == app[NODE].id
        assert (await receiver.next())["type"] == "draining"
