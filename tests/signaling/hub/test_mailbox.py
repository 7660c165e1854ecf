"""The memory behind a whole resume."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from signaling.hub.mailbox import EVENT_BYTES, Mailbox, weight_bytes
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Left, Signalled, Word

LIMIT_MESSAGES = 5
LIMIT_BYTES = 1_000


def event(n: int, payload_bytes: int = 0) -> Word:
    return Signalled(PeerId("x"), n, msgspec.Raw(b"1" * payload_bytes)) if payload_bytes else Left(n, "room")


def test_a_payload_weighs_what_it_is_long() -> None:
    assert weight_bytes(event(1, 100)) == EVENT_BYTES + 100
    assert weight_bytes(event(1)) == EVENT_BYTES


@given(st.lists(st.tuples(st.sampled_from(["put", "confirm"]), st.integers(0, 400))))
def test_it_is_a_list_that_forgets_its_front(steps: list[tuple[str, int]]) -> None:
    mailbox, model, first = Mailbox(), [], 0
    for n, (step, number) in enumerate(steps):
        if step == "put":
            model.append(event(n, number))
            mailbox.put(model[-1], LIMIT_MESSAGES, LIMIT_BYTES)
            while len(model) > LIMIT_MESSAGES or sum(map(weight_bytes, model)) > LIMIT_BYTES:
                del model[0]
                first += 1
        else:
            received = first + number % 8
            mailbox.confirm(received)
            if received <= first + len(model):
                del model[: received - first]
                first = received
        assert (mailbox.first, mailbox.end) == (first, first + len(model))
        assert mailbox.after(first) == model
        assert mailbox.bytes == sum(map(weight_bytes, model))
        assert mailbox.holds(first)
        assert mailbox.holds(mailbox.end)
        assert not mailbox.holds(first - 1)
        assert not mailbox.holds(mailbox.end + 1)


def test_one_event_larger_than_the_limit_leaves_nothing() -> None:
    mailbox = Mailbox()
    mailbox.put(event(1, LIMIT_BYTES), LIMIT_MESSAGES, LIMIT_BYTES)
    assert (mailbox.end, mailbox.bytes, mailbox.holds(0)) == (1, 0, False)


def test_a_confirmation_of_what_was_never_said_is_ignored() -> None:
    mailbox = Mailbox()
    mailbox.put(event(1), LIMIT_MESSAGES, LIMIT_BYTES)
    mailbox.confirm(2)
    mailbox.confirm(-1)
    assert mailbox.holds(0)
