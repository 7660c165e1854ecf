"""Tokens that are forged, old or of somebody else, and people who were thrown out, against a real server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.raw import Connection, connected, greeted, member, request, upgraded
from tests.hostile.stage import Server, Stage, running

pytestmark = pytest.mark.end_to_end

SECRET = b"a secret of thirty-two bytes or more"
HOUR = 3_600


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


KEYS = {"keys": [{"kty": "oct", "alg": "HS256", "kid": "one", "k": _text(SECRET)}]}


def signed(header: dict[str, Any], claims: str, secret: bytes = SECRET) -> str:
    body = f"{_text(json.dumps(header).encode())}.{_text(claims.encode())}"
    return f"{body}.{_text(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def token(*, header: dict[str, Any] | None = None, secret: bytes = SECRET, **claims: Any) -> str:
    now = int(time.time())
    all_claims = {"sub": "ana", "iat": now, "exp": now + HOUR} | claims
    return signed({"alg": "HS256", "kid": "one"} | (header or {}), json.dumps(all_claims), secret)


@contextmanager
def guarded(**settings: str) -> Iterator[Server]:
    """A server that lets nobody in without a token."""
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys.json"
        keys.write_text(json.dumps(KEYS))
        with running(PEERLANE_AUTH_JWKS_FILE=str(keys), **settings) as server:
            yield server


async def _verdict(server: Server, text: str) -> int | None:
    """The close code for a hello with this token; None when it is welcome."""
    async with upgraded(server.port) as link:
        await link.say({"type": "hello", "token": text}, {"type": "ping"})
        while (came := await link.frame()) is not None:
            if b'"welcome"' in came.payload:
                return None
            if came.opcode == 8:
                return came.close_code
    return 0


async def test_k01_a_token_that_is_not_signed_as_the_key_says_lets_nobody_in(stage: Stage) -> None:
    """none, other algorithms, keys in the token, crit, spoilt signatures"""
    good = token()
    head, body, signature = good.split(".")
    unsigned, shouted = _text(b'{"alg":"none"}'), _text(b'{"alg":"None"}')
    other = _text(b'{"sub":"root","exp":9999999999}')
    forged = {
        "nothing": "",
        "a word": "admin",
        "none": f"{unsigned}.{body}.",
        "None": f"{shouted}.{body}.",
        "none, signed": f"{unsigned}.{body}.{signature}",
        "no algorithm": signed({"kid": "one"}, "{}"),
        "HS512 by name": token(header={"alg": "HS512"}),
        "RS256 by name": token(header={"alg": "RS256"}),
        "another key": token(secret=b"x" * 32),
        "an empty key": token(secret=b""),
        "an unknown kid": token(header={"kid": "two"}),
        "a kid that is a path": token(header={"kid": "../../dev/null"}, secret=b""),
        "crit": token(header={"crit": ["x"], "x": 1}),
        "its own key": token(header={"jwk": KEYS["keys"][0]}, secret=b"y" * 32),
        "a key elsewhere": token(header={"jku": "https://evil.example/keys"}, secret=b"y" * 32),
        "no signature": f"{head}.{body}.",
        "another body": f"{head}.{other}.{signature}",
        "five parts": f"{good}.x.y",
        "padding": f"{good}=",
        "a new line": f"{good}\n",
        "8,000 dots": "." * 8_000,
    }
    with guarded() as server:
        assert await _verdict(server, good) is None
        for name, text in forged.items():
            assert await _verdict(server, text) == 4505, name
    stage.tell(f"{len(forged)} of {len(forged)} refused")


async def test_k02_a_token_of_another_time_lets_nobody_in(stage: Stage) -> None:
    """exp, nbf and iat of all sorts"""
    now = int(time.time())
    wrong: dict[str, dict[str, Any]] = {
        "expired": {"exp": now - 60},
        "no end": {"exp": None},
        "an end that is a text": {"exp": str(now + HOUR)},
        "an end that is none": {"exp": float("nan")},
        "an end at infinity": {"exp": float("inf")},
        "the year 9999": {"exp": 253_402_300_799},
        "two days": {"exp": now + 48 * HOUR},
        "not yet": {"nbf": now + HOUR},
        "made tomorrow": {"iat": now + 24 * HOUR, "exp": now + 25 * HOUR},
        "an end that is true": {"exp": True},
        "below zero": {"exp": -1},
    }
    with guarded() as server:
        for name, claims in wrong.items():
            assert await _verdict(server, token(**claims)) == 4505, name
    stage.tell(f"{len(wrong)} of {len(wrong)} refused")


async def test_k03_a_session_whose_token_has_expired_is_asked_and_then_ended(stage: Stage) -> None:
    """a token that expires meanwhile"""
    settings = {
        "PEERLANE_AUTH_LEEWAY": "0",
        "PEERLANE_AUTH_GRACE": "1",
        "PEERLANE_AUTH_REFRESH_BEFORE": "2",
    }
    with guarded(**settings) as server:
        ends = int(time.time()) + 3
        async with upgraded(server.port) as link:
            await link.say({"type": "hello", "token": token(exp=ends)})
            await link.words("welcome")
            await link.words("expiring")
            asked = ends - time.time()
            ended = await link.ended()
            late = time.time() - ends
    assert ended.code == 4506
    assert 1.0 <= late < 3.0
    stage.tell(f"asked {asked:.1f} s before, ended {late:.1f} s after")


async def test_k04_a_token_for_one_time_is_good_for_one_session(stage: Stage) -> None:
    """a one-time token again"""
    with guarded() as server:
        once = token(jti="only", once=True)
        assert await _verdict(server, once) is None
        assert await _verdict(server, once) == 4505


async def _thrown_out(owner: Connection, guest: Connection, room: str, ban: float) -> str:
    joined = await owner.words("peer-joined")
    await owner.say({"type": "kick", "request": 9, "room": room, "id": joined["peer"]["id"], "ban": ban})
    await guest.words("kicked")
    return str(joined["peer"]["id"])


async def test_i08_who_is_thrown_out_does_not_come_back_by_a_resume(stage: Stage) -> None:
    """kicked, then resumed"""
    async with member(stage.port, "i08") as owner, upgraded(stage.port) as guest:
        await guest.say({"type": "hello"}, {"type": "join", "request": 1, "room": "i08"})
        welcome = await guest.words("welcome")
        await guest.words("joined")
        await _thrown_out(owner, guest, "i08", 60.0)
        resume = {"ticket": welcome["ticket"], "epoch": welcome["epoch"], "received": 0}
        async with upgraded(stage.port) as again:
            await again.say({"type": "hello", "resume": resume})
            await again.words("welcome")
            await again.say({"type": "broadcast", "room": "i08", "payload": "I am back"})
            assert (await again.words("refused"))["code"] == "not-a-member"
            await again.say({"type": "join", "request": 2, "room": "i08"})
            assert (await again.words("refused"))["code"] == "banned"


async def test_i08_a_guest_cannot_do_what_the_owner_may(stage: Stage) -> None:
    """a guest kicks, locks, takes the room"""
    async with greeted(stage.port) as owner, member(stage.port, "i08-other") as stranger:
        await owner.say({"type": "join", "request": 1, "room": "i08-own"})
        await owner.words("joined")
        await stranger.say({"type": "join", "request": 2, "room": "i08-own"})
        joined = await owner.words("peer-joined")
        await stranger.words("joined")
        for number, word in enumerate(
            (
                {"type": "kick", "id": joined["peer"]["id"]},
                {"type": "configure", "locked": True},
                {"type": "configure", "owner": joined["peer"]["id"]},
                {"type": "configure", "proof": "", "lobby": False},
                {"type": "decide", "id": joined["peer"]["id"], "admit": True},
            )
        ):
            await stranger.say(word | {"request": 10 + number, "room": "i08-own"})
            assert (await stranger.words("refused"))["code"] == "not-allowed", word


TURN = json.dumps(
    [{"urls": ["turn:turn.example.org"], "secrets": ["a secret of a TURN server, long enough"]}]
)


async def test_t05_credentials_are_given_at_a_rate_and_to_nobody_without_a_good_token(stage: Stage) -> None:
    """requests for TURN credentials: without a token, with bad ones"""
    count = stage.count(200, 10_000)
    settings = {"PEERLANE_ICE_TURN": TURN, "PEERLANE_SERVER_DEV": "true"}
    with running(**settings) as server:
        started = time.monotonic()
        given, each = await _ask(server, count)
        assert given["200"] <= 50 + 5 * (time.monotonic() - started) + 1
        assert given["429"] == count - given["200"]
    with guarded(**settings, PEERLANE_LIMITS_TOKEN_FAILURES_PER_MINUTE_PER_ADDRESS="10") as server:
        started = time.monotonic()
        refused, _ = await _ask(server, count, [("Authorization", "Bearer x.y.z")])
        assert refused["401"] <= 10 + (time.monotonic() - started) / 6 + 1
        assert refused["429"] == count - refused["401"]
        assert await _made(server) == 0
    stage.tell(f"{given['200']} of {count} given, {each * 1e6:.0f} µs each; with bad tokens none")


async def _ask(
    server: Server, count: int, headers: list[tuple[str, str]] | None = None
) -> tuple[Counter[str], float]:
    """The statuses, and seconds of CPU for each."""
    statuses: Counter[str] = Counter()
    before = server.cpu_seconds
    async with connected(server.port) as link:
        for _ in range(count):
            await link.send(request("GET", "/v1/ice-servers", headers or []))
            head, _ = await link.response()
            statuses[head.split(b" ", 2)[1].decode()] += 1
    return statuses, (server.cpu_seconds - before) / count


async def _made(server: Server) -> float:
    async with connected(server.port) as link:
        await link.send(request("GET", "/metrics"))
        _, body = await link.response()
    (line,) = (each for each in body.splitlines() if each.startswith(b"peerlane_turn_credentials_total"))
    return float(line.split()[1])
