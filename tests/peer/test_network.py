from __future__ import annotations

import asyncio

from peer import network


async def test_the_addresses_include_loopback() -> None:
    assert "127.0.0.1" in network.addresses()


async def test_all_who_listen_share_one_watch() -> None:
    assert network.watch() is network.watch()


async def test_a_watch_that_nobody_listens_to_holds_no_sockets_and_no_timers() -> None:
    watch = network.NetworkWatch()
    before = len(asyncio.all_tasks())
    stops = [watch.listen(lambda _: None) for _ in range(3)]
    for stop in stops:
        stop()
        stop()
    assert len(asyncio.all_tasks()) == before
    # It can be listened to again.
    watch.listen(lambda _: None)()
