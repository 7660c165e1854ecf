"""The event feed: everything once, in order, and whoever has missed something is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from signaling import feed
from signaling.app import NODE
from signaling.protocol.messages import Update
from tests.signaling.test_admin import ADMIN, CALLS, TOKEN, member, running

assert CALLS

PATIENCE = 10.0
URL = "/v1/feed"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with running(tmp_path, [TOKEN], feed_events=50) as made:
        yield made


class Reader:
    def __init__(self, response: Any) -> None:
        self.response = response
        self.last = ""
        """The id of the last event."""

    async def event(self) -> tuple[str, Any]:
        """The next one: its type, and what it says. Comments are passed over."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while True:
                line = (await self.response.content.readline()).decode()
                if not line:
                    raise EOFError
                name, _, value = line.rstrip("\n").partition(": ")
                if line == "\n" and "event" in fields:
                    self.last = fields["id"]
                    return fields["event"], json.loads(fields["data"])
                fields[name] = value

    async def events(self, count: int) -> list[tuple[str, Any]]:
        return [await self.event() for _ in range(count)]

    async def until(self, kind: str) -> list[tuple[str, Any]]:
        told = [await self.event()]
        while told[-1][0] != kind:
            told.append(await self.event())
        return told


@asynccontextmanager
async def reading(client: Any, query: str = "", last: str = "") -> AsyncIterator[Reader]:
    headers = ADMIN | ({"Last-Event-ID": last} if last else {})
    async with ClientSession() as http, http.get(client.make_url(URL + query), headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        # The first comment says that the reader is there.
        yield Reader(response)


async def test_it_is_behind_the_tokens_of_the_admin_api(client: Any) -> None:
    assert (await client.get(URL)).status == 401
    assert (await client.get(URL, headers={"Authorization": "Bearer wrong"})).status == 401


async def test_what_is_there_is_told_first_and_then_what_happens(client: Any) -> None:
    async with member(client, "garden") as (_, ana), reading(client) as reader:
        kind, state = await reader.event()
        assert (kind, state["room"], [each["id"] for each in state["members"]]) == (
            "room",
            "default/garden",
            [ana],
        )
        async with member(client, "garden") as (_, ben):
            kind, told = await reader.event()
            assert (kind, told["member"]["id"]) == ("member-joined", ben)
        kind, told = await reader.event()
        assert (kind, told["member"]) == (
            "member-changed",
            {"id": ben, "name": "Ana", "node": "", "away": True},
        )


async def test_a_reader_that_comes_back_misses_nothing(client: Any) -> None:
    async with reading(client) as reader, member(client, "garden"):
        before = await reader.events(2)
    async with member(client, "pond"):
        pass
    async with reading(client, last=reader.last) as again:
        after = await again.until("room-opened")
    kinds = [kind for kind, _ in before + after]
    assert kinds == ["room-opened", "member-joined", "member-changed", "room-opened"]


async def test_one_that_comes_back_too_late_is_told_so_and_how_it_is_now(client: Any) -> None:
    async with reading(client) as reader, member(client, "garden"):
        await reader.events(2)
    async with member(client, "pond") as (pond, _):
        for number in range(60):
            await pond.say(update("pond", number))
        await asyncio.sleep(0)
        async with reading(client, last=reader.last) as again:
            assert (await again.event())[0] == "gap"
            states = await again.events(2)
            assert {state["room"] for _, state in states} == {"default/garden", "default/pond"}


async def test_an_id_of_another_start_is_too_late(client: Any) -> None:
    async with member(client, "garden"), reading(client, last="another-7") as reader:
        assert [kind for kind, _ in await reader.events(2)] == ["gap", "room"]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("?room=pond", ["room-opened", "member-joined", "member-changed"]),
        ("?room=default/pond&types=member-joined,member-changed", ["member-joined", "member-changed"]),
        ("?app=default&types=room-opened", ["room-opened", "room-opened"]),
    ],
)
async def test_only_what_is_wanted_is_told(client: Any, query: str, kinds: list[str]) -> None:
    async with reading(client, query) as reader:
        async with member(client, "garden"), member(client, "pond"):
            pass
        assert [kind for kind, _ in await reader.events(len(kinds))] == kinds


@pytest.mark.parametrize("query", ["?rooms=pond", "?types=joined", "?room=a/b/c"])
async def test_what_cannot_be_wanted_is_said(client: Any, query: str) -> None:
    response = await client.get(URL + query, headers=ADMIN)
    assert response.status == 400
    assert len(await response.text()) > 20


async def test_too_many_readers_are_sent_away(tmp_path: Path) -> None:
    async with running(tmp_path, [TOKEN], feed_readers=1) as client, reading(client):
        response = await client.get(URL, headers=ADMIN)
        assert response.status == 503
        assert "Retry-After" in response.headers


async def test_without_a_window_there_is_no_feed(tmp_path: Path) -> None:
    async with running(tmp_path, [TOKEN], feed_events=0) as client:
        assert (await client.get(URL, headers=ADMIN)).status == 404


async def test_a_name_cannot_end_a_field(client: Any) -> None:
    async with reading(client) as reader, member(client, "garden") as (ana, _):
        await reader.events(2)
        await ana.say(update("garden", "one\u2028two\\ndata: three"))
        kind, told = await reader.event()
        assert kind == "member-changed"
        assert told["member"]["metadata"] == {"n": "one\u2028two\\ndata: three"}


async def test_a_silent_feed_says_that_it_is_alive(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "HEARTBEAT", 0.05)
    async with reading(client) as reader, asyncio.timeout(PATIENCE):
        while await reader.response.content.readline() != b": alive\n":
            pass


async def test_readers_of_a_server_that_ends_are_told_when_to_come_back(client: Any) -> None:
    async with reading(client) as reader:
        closing = asyncio.create_task(client.server.close())
        lines = []
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(Exception):
                while line := await reader.response.content.readline():
                    lines.append(line)
        await closing
    retry = [int(line.split()[1]) for line in lines if line.startswith(b"retry: ")]
    assert len(retry) == 1
    assert 1_000 <= retry[0] <= 5_000
    assert any(line == b"event: draining\n" for line in lines)


async def test_one_that_does_not_read_costs_nothing_and_is_told_what_it_has_missed(client: Any) -> None:
    node = client.server.app[NODE]
    async with reading(client) as reader, member(client, "garden") as (ana, _):
        await reader.events(2)
        for number in range(200):
            await ana.say(update("garden", number))
        kinds = [kind for kind, _ in await reader.until("room")]
        assert "gap" in kinds
        assert len(list(node.hub.journal.after(node.hub.journal.first - 1))) == 50


def update(room: str, value: Any) -> Update:
    return Update(2, room, metadata={"n": value})
