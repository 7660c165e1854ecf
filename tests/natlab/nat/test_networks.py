"""What ``peerlane nat check`` says of each kind of network, and rules that nftables takes."""

from __future__ import annotations

import asyncio

import pytest

from tests.natlab.nat.classification import checked, expected, seen
from tests.natlab.nat.networks import NETWORKS, is_direct, network
from tests.natlab.nat.places import world
from tests.natlab.nat.services import TURN_URLS

pytestmark = [pytest.mark.end_to_end, pytest.mark.needs("internet")]
AT_ONCE = 3


async def test_each_network_is_told_for_what_it_is() -> None:
    async with world(NETWORKS) as lab:
        bench = asyncio.Semaphore(AT_ONCE)

        async def said(name: str) -> tuple[str, dict[str, object]]:
            async with bench:
                return name, seen(await checked(lab.offering[name].client, lab.services))

        found = dict(await asyncio.gather(*(said(each.name) for each in NETWORKS)))
    assert found == {each.name: expected(each) for each in NETWORKS}


async def test_where_only_tcp_443_is_open_turn_over_tls_is_found_to_work() -> None:
    async with world([network("only-tcp-443")]) as lab:
        client = lab.offering["only-tcp-443"].client
        report = await checked(client, lab.services, lab.services.url)
    assert report["verdict"]["exit_code"] == 3
    works = {each["url"]: each["echo_rtt"] is not None for each in report["observations"]["turn"]}
    assert works[TURN_URLS[1]]
    assert not works[TURN_URLS[0]]


def test_the_prediction_is_the_one_of_the_measurements() -> None:
    names = [each.name for each in NETWORKS]
    direct = sum(is_direct(offerer, answerer) for offerer in names for answerer in names)
    assert direct == 57
    assert is_direct("port-restricted", "naive")
    assert not is_direct("naive", "port-restricted")
