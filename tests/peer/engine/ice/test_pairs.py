"""What is told of the pairs that were tried."""

from __future__ import annotations

import asyncio

import pytest
from aioice import stun

from tests.peer.engine.ice.generations import Generation, connect, two, until


def outcomes(side: Generation) -> list[str]:
    return [pair.outcome for pair in side.ice.pairs()]


async def test_the_selected_pair_comes_first_with_its_addresses_and_its_round_trip() -> None:
    async with two(relays=True) as (controlling, controlled):
        await controlling.learns(controlled)
        await controlled.learns(controlling)
        await connect(controlling, controlled)
        chosen, *others = controlling.ice.pairs()
        assert chosen.outcome == "selected"
        assert (chosen.local_type, chosen.remote_type) == ("host", "host")
        assert (chosen.family, chosen.protocol, chosen.seen) == (4, "udp", "")
        assert chosen.local.startswith("127.0.0.1:")
        assert chosen.rtt is not None
        assert chosen.rtt > 0
        assert len(others) == 3
        assert all(pair.outcome in ("answered", "untried", "outrun") for pair in others)


async def test_before_the_checks_begin_there_are_no_pairs() -> None:
    async with two() as (controlling, _):
        assert controlling.ice.pairs() == []


async def test_a_pair_without_an_answer_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stun, "RETRY_RTO", 0.02)
    monkeypatch.setattr(stun, "RETRY_MAX", 1)
    async with two() as (controlling, controlled):
        controlled.ice.request_received = lambda message, addr, protocol: None  # type: ignore[method-assign]
        await controlling.learns(controlled)
        await controlling.ice.add_remote_candidate(None)
        with pytest.raises(ConnectionError):
            await connect(controlling)
        assert outcomes(controlling) == ["no-answer"]


async def test_a_check_that_is_under_way_is_told_as_such_and_as_unanswered_when_given_up() -> None:
    async with two() as (controlling, controlled):
        controlled.ice.request_received = lambda message, addr, protocol: None  # type: ignore[method-assign]
        await controlling.learns(controlled)
        connecting = asyncio.create_task(connect(controlling))
        await until(lambda: outcomes(controlling) == ["checking"])
        await controlling.ice.close()
        with pytest.raises(ConnectionError):
            await connecting
        assert outcomes(controlling) == ["no-answer"]


async def test_who_does_not_know_the_password_gets_no_answer_that_counts() -> None:
    async with two() as (controlling, controlled):
        controlling.ice.remote_password = "a" * 22
        await controlling.learns(controlled)
        connecting = asyncio.create_task(connect(controlling))
        await until(lambda: outcomes(controlling) == ["checking"])
        await controlling.ice.close()
        with pytest.raises(ConnectionError):
            await connecting


async def test_pairs_that_another_one_has_outrun_are_kept_apart_from_those_that_failed() -> None:
    silent = Generation(controlling=False)
    await silent.ice.gather_candidates()
    silent.ice.request_received = lambda message, addr, protocol: None  # type: ignore[method-assign]
    async with two() as (controlling, controlled):
        await controlling.learns(silent)
        connecting = asyncio.create_task(connect(controlling))
        await until(lambda: outcomes(controlling) == ["checking"])
        await controlling.learns(controlled)
        await connecting
        await until(lambda: outcomes(controlling) == ["selected", "outrun"])
    await silent.ice.close()
