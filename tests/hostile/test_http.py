"""HTTP that no browser sends: split, doubled, endless, never finished."""

from __future__ import annotations

import asyncio
import json
import resource
import time
from contextlib import AsyncExitStack

import pytest

from tests.end_to_end.conftest import eventually
from tests.hostile.ambiguous import HEAD, ambiguous
from tests.hostile.raw import Connection, connected, greeted, request, upgrade
from tests.hostile.stage import Stage, running

pytestmark = pytest.mark.end_to_end

MIB = 1_048_576
PROTOCOL = b"Sec-WebSocket-Protocol: peerlane.v1.json\r\n"

NO_HANDSHAKES = {
    "300 headers": upgrade(**{f"X-{number}": "x" for number in range(300)}),
    "a header of 9 KB": upgrade(X_Long="x" * 9_000),
    "a path of 9 KB": request("GET", "/v1/ws?" + "x" * 9_000),
    "a bad key": upgrade(Sec_WebSocket_Key="short"),
    "no key": upgrade(Sec_WebSocket_Key=None),
    "version 12": upgrade(Sec_WebSocket_Version="12"),
    "no version": upgrade(Sec_WebSocket_Version=None),
    "another upgrade": upgrade(Upgrade="h2c"),
    "no upgrade": request("GET", "/v1/ws"),
    "POST": upgrade().replace(b"GET", b"POST", 1),
    "other subprotocols": upgrade(Sec_WebSocket_Protocol=", ".join(f"p{number}" for number in range(1_000))),
    "10,000 subprotocols": upgrade(Sec_WebSocket_Protocol=", ".join(["x"] * 10_000)),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(64) + b"\r\n\r\n",
    "no version of HTTP": b"GET /v1/ws\r\n\r\n",
    "spaces": b"GET  /v1/ws  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a method of any bytes": b"\xff\xfe /v1/ws HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a NUL in a header": b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
    "a header without a name": b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n",
    "a header with a space": b"GET /v1/ws HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "two hosts": b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "a host that is none": upgrade(Host="a b"),
    "an origin that is none": upgrade(Origin="://"),
    "another origin": upgrade(Origin="https://evil.example"),
    "a null origin": upgrade(Origin="null"),
    "an origin that begins alike": upgrade(Origin="http://localhost.evil.example"),
    "an origin of another port": upgrade(Origin="http://localhost:1"),
}


@pytest.mark.parametrize("sent", NO_HANDSHAKES.values(), ids=NO_HANDSHAKES.keys())
async def test_p04_what_is_no_handshake_is_answered_with_a_refusal(stage: Stage, sent: bytes) -> None:
    """handshake"""
    async with connected(stage.port) as link:
        await link.send(sent)
        status = await link.status()
    assert status is not None
    assert 400 <= status < 500, status
    stage.tell(str(status))


async def test_p04_a_thousand_bad_requests_are_a_few_lines_of_log(stage: Stage) -> None:
    """bad requests, many"""
    logged = len(stage.server.log)
    count = stage.count(100, 1_000)
    for _ in range(count):
        async with connected(stage.port) as link:
            await link.send(NO_HANDSHAKES["the preface of HTTP/2"])
            assert await link.status() == 400
    written = len(stage.server.log) - logged
    assert written < 5_000
    stage.tell(f"{written} B of log for {count}")


SMUGGLED = b"GET /v1/info HTTP/1.1\r\nHost: localhost\r\n\r\n"
AMBIGUOUS = ambiguous(SMUGGLED)


@pytest.mark.parametrize("sent", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_w01_what_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read(
    stage: Stage, sent: bytes
) -> None:
    """smuggling"""
    await _is_refused_with_all_after_it(stage.port, sent)
    stage.tell("400, nothing after it")


@pytest.mark.parametrize(
    "headers", [b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"Host: other\r\n"]
)
async def test_w07_the_upgrade_is_as_strict_as_any_other_request(stage: Stage, headers: bytes) -> None:
    """smuggling with an upgrade"""
    await _is_refused_with_all_after_it(stage.port, upgrade()[:-2] + headers + b"\r\n0\r\n\r\n" + SMUGGLED)


async def _is_refused_with_all_after_it(port: int, sent: bytes) -> None:
    async with connected(port) as link:
        await link.send(sent)
        # It is hung up on: otherwise this would wait in vain.
        answered = await link.rest()
    assert b" 400 " in answered[:20], answered[:80]
    assert b"subprotocols" not in answered


async def test_w01_requests_one_after_the_other_are_answered_in_their_order(stage: Stage) -> None:
    """pipelined requests"""
    count = stage.count(200, 10_000)
    async with connected(stage.port) as link:
        sending = asyncio.create_task(
            link.send(
                b"".join(request("GET", ("/healthz", "/nothing")[number % 2]) for number in range(count))
            )
        )
        for number in range(count):
            head, _ = await link.response()
            assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 404")[number % 2]), head[:40]
        assert await sending


async def test_w02_a_flood_of_requests_is_read_no_faster_than_answered(stage: Stage) -> None:
    """pipelined, answers not read"""
    flood = request("GET", "/healthz") * 1_000
    with stage.memory_within(16 * MIB):
        async with connected(stage.port) as link:
            link.writer.transport.pause_reading()  # type: ignore[attr-defined] # typed as one that only writes
            for _ in range(400):
                link.writer.write(flood)
            await asyncio.sleep(stage.count(1, 5))
            unsent = link.writer.transport.get_write_buffer_size()
    assert unsent > 0
    stage.tell(f"{unsent // 1024} of {400 * len(flood) // 1024} KiB not taken")


TRAVERSALS = [
    prefix + up * depth + target
    for prefix, depth in (("/", 3), ("/page/", 4))
    for up in (
        "../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..\\", "..%5c", "%252e%252e%252f", "..%c0%af", "....//",
        "..;/", ".%00./", "%uff0e%uff0e/", "..%ef%bc%8f",
    )
    for target in ("etc/passwd", "pyproject.toml")
]  # fmt: skip
ABSOLUTE = ["//etc/passwd", "/%2fetc/passwd", "/C:/windows/win.ini", "/.git/config", "/file:///etc/passwd"]


async def test_w03_no_spelling_of_a_path_leads_out_of_the_pages(stage: Stage) -> None:
    """static traversal"""
    for path in (*TRAVERSALS, *ABSOLUTE):
        async with connected(stage.port) as link:
            await link.send(request("GET", path))
            head, body = await link.response()
        assert head[9:12] in (b"400", b"403", b"404"), (path, head[:40])
        assert b"root:" not in body
        assert b"[project]" not in body
    stage.tell(f"{len(TRAVERSALS) + len(ABSOLUTE)} refused, 0 leaked")


async def test_w04_line_ends_in_words_and_paths_make_no_headers_and_no_log_lines(stage: Stage) -> None:
    """CR and LF in paths, headers, rooms and names"""
    logged = len(stage.server.log)
    injected = "x\r\nX-Injected: 1\r\n"
    for path in (
        "/%0d%0aX-Injected:%201",
        "/v1/ws?room=%0d%0aX-Injected:%201",
        "/v1/ice-servers?region=%0aX:1",
    ):
        async with connected(stage.port) as link:
            await link.send(request("GET", path, [("Sec-WebSocket-Protocol", "a%0d%0ab")]))
            head, _ = await link.response()
        assert b"x-injected" not in head.lower()
    async with greeted(stage.port) as link:
        await link.say({"type": "join", "request": 1, "room": injected, "name": "a"})
        assert (await link.words("refused"))["code"] == "bad-room-name"
        await link.say({"type": "join", "request": 2, "room": "w04", "name": injected})
        assert (await link.words("refused"))["code"] == "bad-name"
        await link.say({"type": "bye", "reason": injected})
    for line in stage.server.log[logged:].splitlines():
        assert isinstance(json.loads(line), dict)
        assert not line.startswith("X-Injected")


async def test_w08_every_error_is_answered_and_its_socket_is_given_back(stage: Stage) -> None:
    """each error, on one connection and on its own"""
    errors = {
        request("GET", "/nothing"): 404,
        request("DELETE", "/healthz"): 405,
        request("GET", "/v1/ws"): 400,
        upgrade(Origin="https://evil.example"): 403,
        upgrade(Sec_WebSocket_Protocol="soap"): 400,
        request("PUT", "/v1/ice-servers"): 405,
        request("GET", "/healthz", [("Expect", "tea")]): 417,
        b"?\r\n\r\n": 400,
    }
    rounds = stage.count(5, 200)
    for _ in range(rounds):
        for sent, status in errors.items():
            async with connected(stage.port) as link:
                await link.send(sent)
                assert await link.status() == status, sent
    stage.tell(f"{rounds * len(errors)} errors")


async def test_p13_who_never_finishes_a_request_is_cut_off_in_time(stage: Stage) -> None:
    """slow requests: silent, half a header, a byte a second"""
    settings = {} if stage.is_full else {"PEERLANE_LIMITS_HEADER_TIMEOUT": "1.5"}
    within = 15.0 if stage.is_full else 4.0
    with running(**settings) as server:
        async with AsyncExitStack() as stack:
            links = [
                await stack.enter_async_context(connected(server.port)) for _ in range(stage.count(40, 800))
            ]
            started = time.monotonic()
            async with asyncio.timeout(within + 5.0), asyncio.TaskGroup() as tasks:
                ends = [tasks.create_task(_drip(link, kind % 4, started)) for kind, link in enumerate(links)]
            slowest = max(end.result() for end in ends)
            async with connected(server.port) as link:
                await link.send(request("GET", "/healthz"))
                assert await link.status() == 200
        await eventually(lambda: server.open_files < 40, "the sockets are given back")
    assert slowest <= within
    stage.tell(f"{len(links)} closed within {slowest:.1f} s")


async def _drip(link: Connection, kind: int, started: float) -> float:
    """Seconds until the server hangs up."""
    first = [b"", b"GET /healthz HTTP/1.1\r\nHost: local", b"G", HEAD + b"Content-Length: 900\r\n\r\nx"][kind]
    await link.send(first)
    drips = kind in (2, 3)
    while True:
        try:
            async with asyncio.timeout(1.0):
                if not await link.reader.read(4_096):
                    break
        except TimeoutError:
            if drips and not await link.send(b"x"):
                break
        except ConnectionError:
            break
    return time.monotonic() - started


async def test_p16_without_files_to_open_the_server_waits_says_so_and_goes_on(stage: Stage) -> None:
    """open files used up"""
    with running() as server:
        limit = server.open_files + 60
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, 1_024))
        async with AsyncExitStack() as stack:
            asker = await stack.enter_async_context(connected(server.port))
            readiness = [await _readiness(asker)]
            for _ in range(stage.count(100, 1_000)):
                await stack.enter_async_context(connected(server.port))
            most = server.open_files
            # It looks four times a second.
            await asyncio.sleep(0.5)
            readiness.append(await _readiness(asker))
            used, seconds = server.cpu_seconds, stage.count(1, 5)
            await asyncio.sleep(seconds)
            share = (server.cpu_seconds - used) / seconds
        started = time.monotonic()
        await eventually(lambda: _is_ready(server.port), "it is ready again")
        recovered = time.monotonic() - started
        assert server.is_alive
        assert '"exception"' not in server.log
    assert readiness == [b"ready", b"short of files"]
    assert most >= limit - 1
    assert share < 0.5
    stage.tell(
        f"{most} of {limit} files open, CPU {share:.0%} meanwhile, ready again after {recovered:.2f} s"
    )


async def _readiness(link: Connection) -> bytes:
    await link.send(request("GET", "/readyz"))
    _, body = await link.response()
    return body.strip()


async def _is_ready(port: int) -> bool:
    try:
        async with connected(port) as link:
            return await _readiness(link) == b"ready"
    except ConnectionError:
        return False
