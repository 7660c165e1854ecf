"""Which pair is taken, and when."""

from __future__ import annotations

import asyncio

import pytest
from aioice import Candidate, stun
from aioice.candidate import candidate_priority
from aioice.ice import CandidatePair

from peer.engine.ice import checks, patience
from peer.engine.ice.checks import is_relayed
from tests.peer.engine.ice.generations import (
    Generation,
    connect,
    first_socket,
    nominated,
    pairs,
    states,
    two,
    until,
)

State = CandidatePair.State


async def test_two_generations_connect() -> None:
    async with two() as (controlling, controlled):
        await controlling.learns(controlled)
        await controlled.learns(controlling)
        await connect(controlling, controlled)
        here, there = nominated(controlling), nominated(controlled)
        assert (here.local_addr, here.remote_addr) == (there.remote_addr, there.local_addr)


async def test_who_waits_has_the_connection_at_once() -> None:
    async with two() as (controlling, controlled):
        await controlling.learns(controlled)
        started = asyncio.get_running_loop().time()
        await connect(controlling, controlled)
        assert asyncio.get_running_loop().time() - started < checks.PACE


async def test_a_candidate_that_comes_while_nothing_is_left_to_check_is_checked() -> None:
    async with two() as (controlling, controlled):
        tasks = [asyncio.create_task(connect(side)) for side in (controlling, controlled)]
        await asyncio.sleep(0)
        await controlling.learns(controlled)
        await asyncio.gather(*tasks)
        assert nominated(controlling)


async def test_a_relay_is_not_taken_while_a_direct_path_can_come() -> None:
    async with two(relays=True) as (controlling, controlled):
        tasks = [asyncio.create_task(connect(side)) for side in (controlling, controlled)]
        await controlling.learns(controlled, "relay")
        await until(lambda: states(controlling) == [State.SUCCEEDED, State.SUCCEEDED])
        assert controlling.ice.nominated is None
        await controlling.learns(controlled, "host")
        await asyncio.gather(*tasks)
        assert not is_relayed(nominated(controlling))


async def test_a_relay_is_taken_when_no_direct_path_has_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LEAST", 0.05)
    monkeypatch.setattr(patience, "BASE", 0.05)
    async with two(relays=True) as (controlling, controlled):
        await controlling.learns(controlled, "relay")
        started = asyncio.get_running_loop().time()
        await connect(controlling, controlled)
        assert is_relayed(nominated(controlling))
        assert asyncio.get_running_loop().time() - started >= 0.05


async def test_a_relay_is_taken_at_once_when_no_direct_path_is_left() -> None:
    async with two(relays=True) as (controlling, controlled):
        await controlling.learns(controlled, "relay")
        controlling.ice.remote_completed()
        started = asyncio.get_running_loop().time()
        await connect(controlling, controlled)
        assert is_relayed(nominated(controlling))
        assert asyncio.get_running_loop().time() - started < 0.5


async def test_a_direct_pair_that_fails_makes_way_for_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stun, "RETRY_RTO", 0.02)
    monkeypatch.setattr(stun, "RETRY_MAX", 1)
    silent = Generation(controlling=False)
    await silent.ice.gather_candidates()
    silent.ice.request_received = lambda message, addr, protocol: None  # type: ignore[method-assign]
    async with two(relays=True) as (controlling, controlled):
        await controlling.learns(silent)
        await controlling.learns(controlled, "relay")
        controlling.ice.remote_completed()
        started = asyncio.get_running_loop().time()
        await connect(controlling, controlled)
        assert is_relayed(nominated(controlling))
        assert asyncio.get_running_loop().time() - started < patience.LEAST / 2
    await silent.ice.close()


async def test_a_pair_that_is_only_waiting_for_its_nomination_is_no_failure() -> None:
    async with two(relays=True) as (controlling, controlled):
        await controlling.learns(controlled, "relay")
        await controlling.ice.add_remote_candidate(None)
        await connect(controlling, controlled)
        assert nominated(controlling)


async def test_without_candidates_it_fails_when_there_will_be_none() -> None:
    async with two() as (controlling, _):
        await controlling.ice.add_remote_candidate(None)
        with pytest.raises(ConnectionError):
            await connect(controlling)


async def test_who_is_closed_while_it_connects_fails() -> None:
    async with two() as (controlling, _):
        connecting = asyncio.create_task(connect(controlling))
        await asyncio.sleep(0)
        await controlling.ice.close()
        with pytest.raises(ConnectionError):
            await connecting


async def test_two_who_both_want_to_decide_agree() -> None:
    async with two() as (one, other):
        other.ice.ice_controlling = True
        await one.learns(other)
        await other.learns(one)
        await connect(one, other)
        assert one.ice.ice_controlling is not other.ice.ice_controlling


async def test_a_check_of_the_other_side_has_ours_sent_again() -> None:
    async with two() as (controlling, controlled):
        # As if a NAT had dropped our check.
        dropped: list[object] = []
        answer = controlled.ice.request_received
        controlled.ice.request_received = lambda *check: dropped.append(check)  # type: ignore[method-assign]
        await controlling.learns(controlled)
        await controlled.learns(controlling)
        started = asyncio.get_running_loop().time()
        first = asyncio.create_task(connect(controlling))
        await until(lambda: bool(dropped))
        controlled.ice.request_received = answer  # type: ignore[method-assign]
        await asyncio.gather(first, connect(controlled))
        assert asyncio.get_running_loop().time() - started < stun.RETRY_RTO / 2


async def test_a_relay_that_comes_before_its_candidate_is_not_taken_for_a_direct_path() -> None:
    async with two(relays=True) as (controlling, controlled):
        tasks = [asyncio.create_task(connect(controlling))]
        await asyncio.sleep(0)
        here = first_socket(controlling)
        for port, socket in enumerate(controlled.ice._protocols, 40001):
            pair = CandidatePair(socket, controlling.ice.local_candidates[0])
            request = controlled.ice.build_request(pair, nominate=False)
            controlling.ice.check_incoming(request, ("127.0.0.1", port), here)
        learned = {pair.remote_candidate.port: pair for pair in pairs(controlling) if pair.protocol is here}
        assert {pair.remote_candidate.type for pair in learned.values()} == {"prflx"}
        assert [is_relayed(learned[port]) for port in sorted(learned)] == [False, True]
        await controlling.ice.close()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_is_given_a_relay_goes_on_to_show_direct_paths_and_takes_one_when_it_is_selected() -> None:
    async with two(relays=True) as (controlling, controlled):
        await controlling.learns(controlled, "relay")
        controlling.ice.remote_completed()
        await connect(controlling, controlled)
        await until(lambda: controlled.ice.nominated is not None)
        assert is_relayed(nominated(controlled))
        await controlled.learns(controlling, "host")
        direct = [pair for pair in pairs(controlled) if not is_relayed(pair)]
        await until(lambda: any(pair.state is State.SUCCEEDED for pair in direct))
        # As a browser does, which has found it by that.
        shown = next(pair for pair in pairs(controlling) if not is_relayed(pair))
        request = controlling.ice.build_request(shown, nominate=True)
        request.add_message_integrity(controlled.ice.local_password.encode())
        shown.protocol.send_stun(request, shown.remote_addr)
        await until(lambda: not is_relayed(nominated(controlled)))


async def test_who_is_given_a_relay_looks_for_direct_paths_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "GOES_ON", 0.0)
    async with two(relays=True) as (controlling, controlled):
        await controlling.learns(controlled, "relay")
        controlling.ice.remote_completed()
        await connect(controlling, controlled)
        await asyncio.sleep(0.01)
        before = states(controlled)
        await controlled.learns(controlling, "host")
        await asyncio.sleep(0.01)
        assert State.IN_PROGRESS not in states(controlled)
        assert states(controlled)[: len(before)] == before


async def test_behind_a_nat_that_only_one_side_can_open_a_direct_path_is_there_before_the_relay_is_due() -> (
    None
):
    async with two() as (controlling, controlled):
        # What the controlled side sends never arrives, as behind a symmetric NAT; its own NAT opens late.
        controlled.ice.check_start_task = lambda pair: None  # type: ignore[method-assign]
        answer = controlled.ice.request_received
        controlled.ice.request_received = lambda *check: None  # type: ignore[method-assign]
        await controlling.learns(controlled)
        tasks = [asyncio.create_task(connect(side)) for side in (controlling, controlled)]
        started = asyncio.get_running_loop().time()
        await until(lambda: State.IN_PROGRESS in states(controlling))
        controlled.ice.request_received = answer  # type: ignore[method-assign]
        await until(lambda: State.SUCCEEDED in states(controlling))
        assert asyncio.get_running_loop().time() - started < patience.LEAST
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(("kind", "first"), [("srflx", "controlled"), ("host", "controlling")])
async def test_the_controlled_side_knocks_first_on_a_nat(kind: str, first: str) -> None:
    async with two() as (controlling, controlled):
        knocks: list[str] = []
        for name, side in (("controlled", controlling), ("controlling", controlled)):
            side.ice.request_received = lambda *check, name=name: knocks.append(name)  # type: ignore[method-assign]
        tasks = [asyncio.create_task(connect(controlling))]
        for side, other in ((controlling, controlled), (controlled, controlling)):
            for each in other.ice.local_candidates:
                copy = Candidate(each.foundation, 1, "udp", each.priority, each.host, each.port, kind)
                await side.ice.add_remote_candidate(copy)
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(connect(controlled)))
        await until(lambda: len(set(knocks)) == 2)
        assert knocks[0] == first
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_addresses_from_which_nobody_was_announced_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MAX_LEARNED", 2)
    async with two() as (controlling, controlled):
        before = len(pairs(controlled))
        tasks = [asyncio.create_task(connect(controlled))]
        await asyncio.sleep(0)
        request = controlling.ice.build_request(
            CandidatePair(first_socket(controlling), controlled.ice.local_candidates[0]), nominate=False
        )
        for port in range(40001, 40011):
            controlled.ice.check_incoming(request, ("127.0.0.1", port), first_socket(controlled))
        assert len(pairs(controlled)) == before + 2
        await controlled.ice.close()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_check_without_a_priority_is_ignored() -> None:
    async with two() as (controlling, controlled):
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        controlled.ice.check_incoming(request, ("127.0.0.1", 9), first_socket(controlled))
        assert controlled.ice.remote_candidates == []
        assert controlling.ice.remote_candidates == []


def test_a_pair_with_a_relay_on_either_side_is_relayed() -> None:
    def candidate(type_: str) -> Candidate:
        return Candidate("f", 1, "udp", candidate_priority(1, type_), "192.0.2.1", 1, type_)

    class Socket:
        def __init__(self, type_: str) -> None:
            self.local_candidate = candidate(type_)

    for local, remote in (("relay", "host"), ("host", "relay"), ("relay", "relay")):
        assert is_relayed(CandidatePair(Socket(local), candidate(remote)))  # type: ignore[arg-type] # enough
    assert not is_relayed(CandidatePair(Socket("host"), candidate("prflx")))  # type: ignore[arg-type]
