"""Who is told what, how messages are signed, and what becomes of those that nobody takes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as OfficialWebhook
from standardwebhooks import WebhookVerificationError

from signaling.config import Webhook, Webhooks
from signaling.hooks import LONGEST_WAIT, HookQueue, Message, Mine, body, headers, problems
from signaling.journal import Entry, FeedMember, Journal
from signaling.protocol.parts import RoomSettings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIh"
NOW = 1_795_305_601.25
URL = "https://app.example.org/hook"


def message(number: int, at: float = 0.0) -> Message:
    return Message(f"msg_{number}", b'{"n":%d}' % number, at)


def gap(missed: int, now: float) -> Message:
    return Message("msg_gap", b'{"missed":%d}' % missed, now)


def queue(most: int = 3, give_up: float = 100.0, **endpoint: Any) -> HookQueue:
    return HookQueue(
        Webhooks(queue=most, give_up=give_up), Webhook(URL, [SECRET], **endpoint), lambda: 1.0, gap
    )


def told(hooks: HookQueue, now: float = 0.0) -> list[bytes]:
    """All of it, taken at once."""
    bodies = []
    while (next_one := hooks.next(now)) is not None:
        bodies.append(next_one.body)
        hooks.told()
    return bodies


def test_the_official_library_takes_what_is_signed() -> None:
    # It refuses what is old.
    now = time.time()
    signed = Message("msg_1", body("member-left", b'{"id":"a"}', "n1", NOW), 0.0)
    head = headers(signed, now, [OTHER, SECRET])
    for secret in (SECRET, OTHER):
        read = OfficialWebhook(secret).verify(signed.body.decode(), head)
        assert read == json.loads(signed.body)
    assert read["type"] == "member-left"
    assert read["timestamp"].startswith("2026-11-22T")
    with pytest.raises(WebhookVerificationError):
        OfficialWebhook(SECRET).verify(signed.body.decode() + " ", head)
    with pytest.raises(WebhookVerificationError):
        OfficialWebhook(SECRET).verify(signed.body.decode(), headers(signed, now, [OTHER]))


def test_what_is_too_much_is_dropped_and_told_where_it_is_missing() -> None:
    hooks = queue(most=3)
    for number in range(5):
        hooks.put(message(number), 0.0)
    assert len(hooks) == 3
    assert hooks.dropped == 2
    hooks.told()
    hooks.put(message(5), 0.0)
    assert hooks.dropped == 3
    hooks.told()
    hooks.put(message(6), 0.0)
    assert told(hooks) == [b'{"n":2}', b'{"missed":3}', b'{"n":6}']


def test_a_gap_is_told_although_nothing_happens_any_more() -> None:
    hooks = queue(most=1)
    for number in range(3):
        hooks.put(message(number), 0.0)
    assert told(hooks) == [b'{"n":0}', b'{"missed":2}']


def test_attempts_come_more_slowly_up_to_a_minute_and_begin_anew_after_success() -> None:
    hooks = queue(give_up=1e6)
    hooks.put(message(1), 0.0)
    hooks.put(message(2), 0.0)
    assert [hooks.failed(0.0) for _ in range(8)] == [
        1.0,
        2.0,
        4.0,
        8.0,
        16.0,
        32.0,
        LONGEST_WAIT,
        LONGEST_WAIT,
    ]
    hooks.told()
    assert hooks.failed(0.0) == 1.0
    assert hooks.failed(0.0, retry_after=90.0) == 90.0


def test_what_nobody_takes_for_too_long_is_dropped_and_told_to_be_missing() -> None:
    hooks = queue(give_up=10.0)
    hooks.put(message(1, at=0.0), 0.0)
    hooks.put(message(2, at=5.0), 5.0)
    hooks.failed(9.9)
    assert hooks.next(9.9) == message(1, at=0.0)
    hooks.failed(10.0)
    assert told(hooks, 10.0) == [b'{"n":2}', b'{"missed":1}']


@given(st.lists(st.sampled_from(["put", "told", "failed", "late"]), max_size=60), st.integers(1, 5))
def test_every_message_is_taken_or_counted_as_missing_in_order(steps: list[str], most: int) -> None:
    hooks, now, count = queue(most=most, give_up=10.0), 0.0, 0
    taken: list[int] = []
    missing = 0

    def take() -> None:
        nonlocal missing
        next_one = hooks.next(now)
        assert next_one is not None
        content = json.loads(next_one.body)
        hooks.told()
        missing += content.get("missed", 0)
        if "n" in content:
            taken.append(content["n"])

    lost_gaps = 0
    for step in steps:
        if step == "put":
            hooks.put(message(count, now), now)
            count += 1
        elif step == "late":
            now += 11.0
        elif (waiting := hooks.next(now)) is not None:
            if step == "told":
                take()
            else:
                before = hooks.dropped
                hooks.failed(now)
                missed = json.loads(waiting.body).get("missed", 0)
                lost_gaps += missed - 1 if missed and hooks.dropped > before else 0
        assert len(hooks) <= most
    while hooks.next(now) is not None:
        take()
    assert taken == sorted(taken)
    assert len(taken) + missing + lost_gaps == count


def test_an_endpoint_is_told_only_what_it_wants() -> None:
    hooks = queue(events=["member-left"], apps=["game"])
    assert hooks.wants("member-left", "game/arena")
    assert not hooks.wants("member-joined", "game/arena")
    assert not hooks.wants("member-left", "games/arena")
    assert hooks.wants("gap", "")
    assert not hooks.wants("draining", "")
    assert queue().wants("member-joined", "any/room")


def test_an_endpoint_that_wants_nothing_any_more_keeps_nothing() -> None:
    hooks = queue()
    hooks.put(message(1), 0.0)
    hooks.close()
    hooks.put(message(2), 0.0)
    assert hooks.next(0.0) is None


def test_of_two_nodes_that_see_a_member_the_one_that_has_it_tells() -> None:
    entries: list[Entry] = []
    journal = Journal("boot", 100, 100_000, lambda: NOW)
    journal.heard.append(entries.append)
    journal.room_opened("a/b", RoomSettings(8))
    journal.member_joined("a/b", FeedMember("x", "Ana", "n1"))
    journal.member_joined("a/b", FeedMember("y", "Ben", "n2"))
    journal.member_changed("a/b", FeedMember("x", "Ana", "n2"))
    journal.member_left("a/b", "x", "left")
    journal.member_left("a/b", "y", "lost")
    seen = {node: Mine(node) for node in ("n1", "n2")}
    assert [seen["n1"].is_told(entry) for entry in entries] == [True, True, False, False, False, True]
    assert [seen["n2"].is_told(entry) for entry in entries] == [True, False, True, True, True, True]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"url": "ftp://app.example.org"}, "https://"),
        ({"url": "https://ana:secret@app.example.org/"}, "no user"),
        ({"url": "https://app.example.org/#x"}, "https://"),
        ({"secrets": []}, "openssl"),
        ({"secrets": ["whsec_short"]}, "secret 1"),
        ({"secrets": ["whsec_c2hvcnQ="]}, "has 5 bytes"),
        ({"events": ["member-jioned"]}, "member-jioned"),
    ],
)
def test_an_endpoint_that_cannot_work_is_told_with_what_to_do(changed: dict[str, Any], says: str) -> None:
    good = {"url": URL, "secrets": [SECRET]}
    assert list(problems(Webhooks([Webhook(**good)]), True)) == []
    (problem,) = problems(Webhooks([Webhook(**(good | changed))]), True)
    assert says in problem


def test_without_a_journal_and_with_one_address_twice_nothing_would_be_told_rightly() -> None:
    twice = Webhooks([Webhook(URL, [SECRET]), Webhook(URL, [SECRET])])
    assert len(list(problems(twice, False))) == 2
