"""The admin API: closed without a token of its own, and what it does with one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from signaling.app import NODE, create_app
from signaling.config import Config, LimitsConfig, Server
from signaling.logs import Marked
from signaling.protocol.codec import CLIENT_CODECS
from signaling.protocol.messages import JSON_SUBPROTOCOL, Broadcasted, Bye, Hello, Join, Kicked, Welcome, Word

CODEC = CLIENT_CODECS[JSON_SUBPROTOCOL]
TOKEN = "an admin's own token"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
CALLS = [
    ("GET", "/v1/admin/rooms"),
    ("GET", "/v1/admin/rooms/default/garden"),
    ("DELETE", "/v1/admin/rooms/default/garden"),
    ("POST", "/v1/admin/rooms/default/garden/kick"),
    ("DELETE", "/v1/admin/sessions/x"),
    ("GET", "/v1/admin/apps"),
    ("GET", "/v1/admin/sessions"),
    ("GET", "/v1/admin/sessions/x"),
    ("POST", "/v1/admin/rooms/default/garden/broadcast"),
    ("GET", "/v1/admin/stats"),
    ("GET", "/v1/admin/drain"),
    ("POST", "/v1/admin/drain"),
]


@asynccontextmanager
async def running(tmp_path: Path, tokens: list[str], **limits: Any) -> AsyncIterator[Any]:
    server = Server(admin_tokens=tokens, dev=True, state_dir=str(tmp_path))
    app = create_app(Config(server=server, limits=LimitsConfig(**limits)))
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with running(tmp_path, [TOKEN]) as made:
        yield made


class Member:
    """A link of its own, in one room."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def say(self, *messages: Word) -> None:
        await self._socket.send_str(CODEC.join([CODEC.encode(message) for message in messages]).decode())

    async def hear(self, kind: type[Word]) -> Any:
        while True:
            for message in CODEC.decode((await self._socket.receive_str()).encode()):
                if isinstance(message, kind):
                    return message


@asynccontextmanager
async def member(client: Any, room: str) -> AsyncIterator[tuple[Member, str]]:
    async with ClientSession() as http, http.ws_connect(client.make_url("/v1/ws")) as socket:
        made = Member(socket)
        await made.say(Hello(), Join(1, room, "Ana"))
        yield made, (await made.hear(Welcome)).you


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_without_admin_tokens_there_is_no_admin_api(tmp_path: Path, method: str, path: str) -> None:
    async with running(tmp_path, []) as client:
        for headers in ({}, ADMIN, {"Authorization": "Bearer "}):
            assert (await client.request(method, path, headers=headers)).status in (404, 405)


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_without_the_token_nothing_is_done(client: Any, method: str, path: str) -> None:
    async with member(client, "garden"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
            assert (await client.request(method, path, headers=headers)).status == 401
        rooms = await (await client.get("/v1/admin/rooms", headers=ADMIN)).json()
        assert rooms["count"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/%61dmin/rooms"),
        ("GET", "/%76%31/admin/rooms?app=x"),
        ("GET", "/v1/admin/room%73"),
        ("GET", "/v1/ad%6Din/rooms/default/garden"),
        ("POST", "/v1/admin/rooms/default/garden/%6bick"),
        ("DELETE", "/v1/admin/s%65ssions/x"),
        ("GET", "http://localhost/v1/%61dmin/rooms"),
    ],
)
async def test_a_path_that_a_proxy_would_not_recognise_is_not_there(
    client: Any, method: str, path: str
) -> None:
    async with member(client, "garden"):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n".encode())
        writer.write(f"Authorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.split()[1] == b"404"
    assert b"no such page" in answer


async def test_rooms_of_any_name_are_found_by_their_encoded_path(client: Any) -> None:
    async with member(client, "Café & garden"):
        room = await client.get("/v1/admin/rooms/default/Caf%C3%A9%20%26%20garden", headers=ADMIN)
        assert (await room.json())["room"] == "default/Café & garden"


async def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    async with running(tmp_path, [TOKEN], token_failures_per_minute_per_address=3) as client:
        statuses = [
            (await client.get("/v1/admin/rooms", headers={"Authorization": f"Bearer {each}"})).status
            for each in range(5)
        ]
        assert statuses == [401, 401, 401, 429, 429]
        assert (await client.get("/v1/admin/rooms", headers=ADMIN)).status == 429


async def test_rooms_and_members_are_listed(client: Any) -> None:
    async with member(client, "game/arena") as (_, ana), member(client, "garden"):
        rooms = await (await client.get("/v1/admin/rooms?app=game", headers=ADMIN)).json()
        (arena,) = rooms["rooms"]
        assert (arena["room"], arena["members"], arena["waiting"]) == ("game/arena", 1, 0)
        assert (arena["elsewhere"], arena["nodes"], rooms["count"], rooms["next"]) == (0, [], 1, "")
        room = await (await client.get("/v1/admin/rooms/game/arena", headers=ADMIN)).json()
        here = client.server.app[NODE].id
        shown = {"id": ana, "name": "Ana", "subject": "", "away": False, "node": here}
        assert (room["members"], room["waiting"]) == ([shown], [])
        assert room["settings"]["owner"] == ana
        assert (await client.get("/v1/admin/rooms/game/other", headers=ADMIN)).status == 404


async def test_a_member_is_thrown_out(client: Any) -> None:
    async with member(client, "garden") as (ana, id):
        path = "/v1/admin/rooms/default/garden/kick"
        response = await client.post(path, headers=ADMIN, json={"id": id, "ban": 60, "reason": "noise"})
        assert response.status == 204
        kicked = await ana.hear(Kicked)
        assert (kicked.room, kicked.reason, kicked.ban) == ("default/garden", "noise", 60.0)
        assert (await client.post(path, headers=ADMIN, json={"id": id})).status == 404


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id": 1}', b'{"id": "x", "bann": 1}', b"\xff", b"[" * 900]
)
async def test_an_order_that_is_none_is_told_so(client: Any, body: bytes) -> None:
    path = "/v1/admin/rooms/default/garden/kick"
    assert (await client.post(path, headers=ADMIN, data=body)).status == 400


async def test_a_body_that_is_too_long_is_refused(client: Any) -> None:
    path = "/v1/admin/rooms/default/garden/kick"
    assert (await client.post(path, headers=ADMIN, data=b"x" * 5_000)).status == 413


async def test_a_room_is_closed_and_a_session_ended(client: Any) -> None:
    async with member(client, "garden") as (ana, id):
        assert (await client.delete("/v1/admin/rooms/default/garden", headers=ADMIN)).status == 204
        assert (await ana.hear(Kicked)).room == "default/garden"
        assert (await client.delete(f"/v1/admin/sessions/{id}", headers=ADMIN)).status == 204
        assert (await ana.hear(Bye)).code == 4507
        assert (await client.delete(f"/v1/admin/sessions/{id}", headers=ADMIN)).status == 404


async def test_apps_and_rooms_come_page_by_page(client: Any) -> None:
    async with AsyncExitStack() as stack:
        for name in ("b/2", "a/1", "b/1", "b/3"):
            await stack.enter_async_context(member(client, name))
        apps = await (await client.get("/v1/admin/apps", headers=ADMIN)).json()
        assert apps["apps"] == [
            {"app": "a", "rooms": 1, "members": 1},
            {"app": "b", "rooms": 3, "members": 3},
        ]
        seen, after = [], ""
        while True:
            query = {"app": "b", "limit": "2", "after": after}
            page = await (await client.get("/v1/admin/rooms", headers=ADMIN, params=query)).json()
            seen += [room["room"] for room in page["rooms"]]
            assert page["count"] == 3
            after = page["next"]
            if not after:
                break
        assert seen == ["b/1", "b/2", "b/3"]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "many", "", "1e3", "1_0", "٣"])
async def test_a_limit_that_is_none_is_told_so(client: Any, limit: str) -> None:
    for what in ("apps", "rooms", "sessions"):
        answer = await client.get(f"/v1/admin/{what}?limit={limit}", headers=ADMIN)
        assert answer.status == 400


async def test_sessions_are_listed_and_shown(client: Any) -> None:
    async with member(client, "game/arena") as (_, ana), member(client, "garden") as (_, ben):
        everybody = await (await client.get("/v1/admin/sessions", headers=ADMIN)).json()
        assert [each["id"] for each in everybody["sessions"]] == sorted([ana, ben])
        few = await (await client.get("/v1/admin/sessions?app=game", headers=ADMIN)).json()
        assert few["sessions"] == [{"id": ana, "subject": "", "away": False, "rooms": 1}]
        shown = await (await client.get(f"/v1/admin/sessions/{ben}", headers=ADMIN)).json()
        assert (shown["id"], shown["rooms"], shown["away"]) == (ben, ["default/garden"], False)
        assert "join" in shown["can"]
        assert (await client.get("/v1/admin/sessions/nobody", headers=ADMIN)).status == 404


async def test_everybody_in_a_room_is_told_something_by_nobody(client: Any) -> None:
    path = "/v1/admin/rooms/default/garden/broadcast"
    async with member(client, "garden") as (ana, _):
        assert (await client.post(path, headers=ADMIN, json={"payload": {"maintenance": 5}})).status == 204
        told = await ana.hear(Broadcasted)
        assert (told.room, told.sender, bytes(told.payload)) == ("default/garden", "", b'{"maintenance":5}')
    other = "/v1/admin/rooms/default/other/broadcast"
    assert (await client.post(other, headers=ADMIN, json={"payload": 1})).status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{}", 400),
        (b'{"payload": 1, "to": "x"}', 400),
        (b'{"payload": ' + b"[" * 500 + b"]" * 500 + b"}", 400),
        (b'{"payload": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400),
        (b'{"payload": "\\ud800"}', 400),
        (b'{"payload": "' + b"x" * 70_000 + b'"}', 413),
    ],
)
async def test_what_cannot_be_told_to_everybody_is_refused(client: Any, body: bytes, status: int) -> None:
    async with member(client, "garden"):
        path = "/v1/admin/rooms/default/garden/broadcast"
        assert (await client.post(path, headers=ADMIN, data=body)).status == status


async def test_a_node_that_is_told_to_leave_says_how_far_it_is(client: Any) -> None:
    async with member(client, "garden") as (ana, _):
        before = await (await client.get("/v1/admin/drain", headers=ADMIN)).json()
        assert before == {"state": "serving", "links": 1, "sessions": 1, "nodes": 0}
        begun = await client.post("/v1/admin/drain", headers=ADMIN)
        assert (begun.status, (await begun.json())["state"]) == (202, "leaving")
        assert (await client.get("/v1/ws")).status == 503
        assert (await ana.hear(Bye)).code == 4000
    await client.server.app[NODE].drain()
    after = await (await client.post("/v1/admin/drain", headers=ADMIN)).json()
    assert after["state"] == "left"


async def test_every_act_is_in_the_audit_log_without_the_token(client: Any, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "signaling.audit"):
        await client.delete("/v1/admin/sessions/nobody", headers=ADMIN)
        await client.get("/v1/admin/rooms", headers={"Authorization": "Bearer guess-guess-guess"})
    told = [(record.act, record.outcome) for record in caplog.records]
    assert told == [("expel", 404), ("list-rooms", 401)]
    assert all(
        TOKEN not in str(vars(record)) and "guess" not in str(vars(record)) for record in caplog.records
    )


def told(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if record.name == "signaling.audit"]


async def test_the_audit_log_says_who_was_to_be_kicked(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "signaling.audit"):
        await client.post("/v1/admin/rooms/default/garden/kick", headers=ADMIN, json={"id": "somebody"})
    assert [(each.act, each.room, each.id, each.outcome) for each in told(caplog)] == [
        ("kick", "garden", "somebody", 404)
    ]


async def test_people_who_read_the_audit_log_are_told_as_much_as_programs(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = "/v1/admin/rooms/game/arena"
    with caplog.at_level(logging.INFO, "signaling.audit"):
        await client.post(f"{path}/kick", headers=ADMIN, json={"id": "some\nbody"})
        await client.delete(path, headers=ADMIN)
        await client.delete("/v1/admin/sessions/nobody", headers=ADMIN)
    by = told(caplog)[0].by
    assert [Marked().format(each).partition(" = ")[2] for each in told(caplog)] == [
        rf"kick app 'game' room 'arena' id 'some\nbody' by {by}: 404",
        f"close-room app 'game' room 'arena' by {by}: 404",
        f"expel id 'nobody' by {by}: 404",
    ]


async def test_an_order_that_is_too_long_is_refused_and_audited(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "signaling.audit"):
        answer = await client.post(
            "/v1/admin/rooms/default/garden/kick", headers=ADMIN, json={"id": "x" * 5_000}
        )
    assert answer.status == 413
    assert [(each.act, each.outcome) for each in told(caplog)] == [("kick", 413)]


@pytest.mark.parametrize("path", ["/v1/admin/rooms", "/v1/ws", "/v1/ice-servers"])
async def test_a_token_that_is_no_text_is_refused_at_every_door(tmp_path: Path, path: str) -> None:
    server = Server(admin_tokens=[TOKEN], state_dir=str(tmp_path))
    async with TestServer(create_app(Config(server=server))) as running_server:
        reader, writer = await asyncio.open_connection("127.0.0.1", running_server.port)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ".encode() + b"\xff\r\n\r\n"
        )
        status = await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert status.split()[1] in (b"401", b"403")


async def test_the_figures_of_a_node_are_told_and_not_written_to_the_log(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with member(client, "garden"), member(client, "garden"):
        with caplog.at_level("INFO", "signaling.audit"):
            response = await client.get("/v1/admin/stats", headers=ADMIN)
        told = await response.json()
    assert (told["ready"], told["degraded"], told["nodes"]) == ("ready", False, [])
    assert (told["links"], told["sessions"], told["rooms"], told["joins_total"]) == (2, 2, 1, 2)
    assert told["messages_in_total"] >= 2 <= told["messages_out_total"]
    assert 0 < told["uptime"] < 60
    assert told["drain"]["state"] == "serving"
    assert not caplog.records
