"""What waits for a bus: in its order, and bounded."""

from __future__ import annotations

import asyncio

import pytest

from signaling.backplane.line import (
    MAX_BATCH_BYTES,
    MAX_WAITING,
    MAX_WAITING_BYTES,
    LineLost,
    Orders,
    Outgoing,
    Saying,
)


async def test_what_waits_is_taken_in_its_order_a_batch_at_a_time() -> None:
    outgoing = Outgoing()
    sayings = [Saying(str(number), bytes(MAX_BATCH_BYTES // 10)) for number in range(25)]
    for saying in sayings:
        assert outgoing.put(saying)
    taken = [await outgoing.take() for _ in range(3)]
    assert [len(batch) for batch in taken] == [11, 11, 3]
    assert [saying for batch in taken for saying in batch] == sayings


async def test_who_takes_waits_until_there_is_something() -> None:
    outgoing = Outgoing()
    taking = asyncio.create_task(outgoing.take())
    await asyncio.sleep(0)
    assert not taking.done()
    outgoing.put(Saying("a", b""))
    assert await taking == [Saying("a", b"")]


def test_so_many_messages_may_wait() -> None:
    outgoing = Outgoing()
    assert all(outgoing.put(Saying("a", b"")) for _ in range(MAX_WAITING))
    assert not outgoing.put(Saying("a", b""))
    assert outgoing.clear() == MAX_WAITING
    assert outgoing.put(Saying("a", b""))


def test_so_many_bytes_may_wait() -> None:
    outgoing = Outgoing()
    half = Saying("a", bytes(MAX_WAITING_BYTES // 2))
    assert outgoing.put(half)
    assert outgoing.put(half)
    # Whatever is in front of it, a message that is allowed to be said goes in whole.
    assert outgoing.put(half)
    assert not outgoing.put(Saying("a", b""))
    assert outgoing.clear() == 3
    assert outgoing.put(half)


async def test_orders_of_one_kind_are_taken_together() -> None:
    orders = Orders()
    orders.listen(["a", "b"])
    orders.ignore("a")
    placed = orders.listen(["a", "c", "d"])
    batches = [await orders.take(2) for _ in range(4)]
    assert [[(each.subject, each.listen) for each in batch] for batch in batches] == [
        [("a", True), ("b", True)],
        [("a", False)],
        [("a", True), ("c", True)],
        [("d", True)],
    ]
    assert [each.placed is placed for batch in batches for each in batch][-3:] == [False, False, True]


async def test_too_many_orders_end_the_connection() -> None:
    orders = Orders()
    for number in range(MAX_WAITING + 1):
        orders.ignore(str(number))
    with pytest.raises(LineLost, match="more subscriptions"):
        await orders.take(10)
