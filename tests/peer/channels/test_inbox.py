from __future__ import annotations

import pytest

from peer.channels.inbox import MAX_UNREAD_BYTES, MAX_UNREAD_MESSAGES, Inbox
from peer.channels.kinds import LATEST, RELIABLE, UNRELIABLE


def test_messages_come_out_in_order() -> None:
    inbox = Inbox(RELIABLE)
    assert inbox.put("one")
    assert inbox.put(b"two")
    assert (inbox.take(), inbox.take(), len(inbox)) == ("one", b"two", 0)
    with pytest.raises(IndexError):
        inbox.take()


def test_a_reliable_inbox_refuses_one_message_too_many() -> None:
    inbox = Inbox(RELIABLE)
    assert all(inbox.put("") for _ in range(MAX_UNREAD_MESSAGES))
    assert not inbox.put("")
    assert len(inbox) == MAX_UNREAD_MESSAGES


def test_a_reliable_inbox_refuses_one_byte_too_many() -> None:
    inbox = Inbox(RELIABLE)
    quarter = bytes(MAX_UNREAD_BYTES // 4)
    assert all(inbox.put(quarter) for _ in range(4))
    assert not inbox.put("x")
    inbox.take()
    assert inbox.put("x")


def test_an_unreliable_inbox_drops_the_oldest() -> None:
    inbox = Inbox(UNRELIABLE)
    for number in range(MAX_UNREAD_MESSAGES + 3):
        assert inbox.put(str(number))
    assert (inbox.dropped, inbox.take(), len(inbox)) == (3, "3", MAX_UNREAD_MESSAGES - 1)


def test_of_latest_values_only_the_newest_is_kept() -> None:
    inbox = Inbox(LATEST)
    inbox.put("old")
    inbox.put("new")
    assert (inbox.dropped, inbox.take(), len(inbox)) == (1, "new", 0)
