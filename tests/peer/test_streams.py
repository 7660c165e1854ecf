from __future__ import annotations

import asyncio

import pytest

from peer.streams import Bell, Stream


async def test_a_bell_wakes_everybody_who_waits() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    bell.ring()
    await asyncio.gather(*waiting)


async def test_a_bell_that_rang_before_is_not_heard() -> None:
    bell = Bell()
    bell.ring()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bell.wait(), 0.001)
    bell.ring()


async def test_items_come_in_order_and_the_iteration_ends_after_the_last() -> None:
    stream: Stream[int] = Stream(10)
    for number in range(3):
        stream.put(number)
    stream.end()
    stream.put(4)
    assert [number async for number in stream] == [0, 1, 2]
    assert [number async for number in stream] == []


async def test_one_who_waits_gets_what_is_put_in_later() -> None:
    stream: Stream[int] = Stream(10)
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    stream.put(1)
    assert await waiting == 1


async def test_a_full_stream_drops_the_oldest_and_counts() -> None:
    stream: Stream[int] = Stream(2)
    for number in range(5):
        stream.put(number)
    assert (stream.dropped, len(stream)) == (3, 2)
    assert [await anext(stream), await anext(stream)] == [3, 4]


async def test_leaving_an_iteration_loses_nothing() -> None:
    stream: Stream[int] = Stream(10)
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    waiting.cancel()
    stream.put(1)
    await asyncio.gather(waiting, return_exceptions=True)
    assert await anext(stream) == 1


async def test_of_two_who_iterate_each_item_goes_to_one() -> None:
    stream: Stream[int] = Stream(10)
    waiting = [asyncio.create_task(anext(stream)) for _ in range(2)]
    await asyncio.sleep(0)
    stream.put(1)
    stream.put(2)
    assert sorted(await asyncio.gather(*waiting)) == [1, 2]


async def test_a_stream_may_end_with_an_error() -> None:
    stream: Stream[int] = Stream(10)
    stream.put(1)
    stream.end(LookupError("why"))
    assert await anext(stream) == 1
    with pytest.raises(LookupError, match="why"):
        await anext(stream)
