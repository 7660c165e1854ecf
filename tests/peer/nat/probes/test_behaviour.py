"""The tests of RFC 5780 with a server on loopback that plays every NAT, lies, and talks nonsense."""

from __future__ import annotations

import pytest
from aioice import stun

from peer.nat import stun_socket as module
from peer.nat.observations import StunAnswer
from peer.nat.probes import behaviour
from peer.nat.probes.behaviour import Found, Server, probe_behaviour, probe_binding
from peer.nat.stun_socket import Address, text_of
from tests.peer.nat.probes.stun_servers import TwoAddresses, two_addresses


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback an answer that is not there at once does not come."""
    monkeypatch.setattr(module, "SEND_EVERY", 0.03)
    monkeypatch.setattr(behaviour, "KNOCK_EVERY", 0.03)
    monkeypatch.setattr(behaviour, "HAIRPIN_EVERY", 0.03)


async def bound(server: TwoAddresses) -> StunAnswer:
    return await probe_binding(Server("stun:test", server.primary))


async def looked_at(server: TwoAddresses, *, hairpin: bool = False) -> Found:
    return await probe_behaviour([await bound(server)], 4, [], hairpin=hairpin)


async def test_a_plain_answer_tells_endpoint_round_trip_and_the_other_address() -> None:
    async with two_addresses() as server:
        answer = await bound(server)
        assert answer.mapped == answer.local
        assert answer.rtt is not None
        assert answer.other == text_of(server.endpoints[3].address)
        assert answer.trouble == ""


async def test_one_socket_looks_the_same_from_three_endpoints() -> None:
    async with two_addresses() as server:
        (test,) = (await looked_at(server)).mapping
        asked = [server.endpoints[index].address for index in (0, 2, 3)]
        assert test.mapped == {text_of(endpoint): test.local for endpoint in asked}
        assert test.silent == []


async def test_a_socket_that_looks_different_from_everywhere_is_told_so() -> None:
    async with two_addresses() as server:
        server.mapped = lambda source, asked: ("203.0.113.7", asked[1])
        (test,) = (await looked_at(server)).mapping
        assert len(set(test.mapped.values())) == 2


async def test_an_endpoint_that_is_silent_is_named() -> None:
    async with two_addresses() as server:
        server.filters = lambda asked, sender: asked == server.endpoints[2].address
        (test,) = (await looked_at(server)).mapping
        assert test.silent == [text_of(server.endpoints[2].address)]
        assert len(test.mapped) == 2


@pytest.mark.parametrize(
    ("is_address_filtered", "is_port_filtered"), [(False, False), (True, False), (True, True)]
)
async def test_filtering_is_what_does_not_come_from_elsewhere(
    is_address_filtered: bool, is_port_filtered: bool
) -> None:
    async with two_addresses() as server:

        def filters(asked: Address, sender: Address) -> bool:
            if asked[0] != sender[0]:
                return is_address_filtered
            return asked[1] != sender[1] and is_port_filtered

        server.filters = filters
        (test,) = (await looked_at(server)).filtering
        assert test.from_other_address is not is_address_filtered
        assert test.from_other_port is not is_port_filtered


async def test_a_server_that_answers_from_the_same_place_all_the_same_proves_nothing() -> None:
    async with two_addresses() as server:

        def spoil(request: stun.Message, answer: stun.Message, asked: Address) -> bytes | None:
            if "CHANGE-REQUEST" not in request.attributes:
                return bytes(answer)
            refusal = stun.Message(stun.Method.BINDING, stun.Class.ERROR, request.transaction_id)
            refusal.attributes["ERROR-CODE"] = (420, "")
            return bytes(refusal)

        server.spoil = spoil
        assert (await looked_at(server)).filtering == []


async def test_a_mapping_that_moves_when_somebody_knocks_is_seen() -> None:
    async with two_addresses() as server:
        (test,) = (await looked_at(server)).knock
        assert test.before == test.after
        other = server.endpoints[3].address

        def mapped(source: Address, asked: Address) -> Address:
            has_moved = asked == other and source in server.knocked
            return "203.0.113.7", 50_000 if has_moved else 40_000

        server.mapped = mapped
        (test,) = (await looked_at(server)).knock
        assert (test.before, test.after) == ("203.0.113.7:40000", "203.0.113.7:50000")


async def test_a_packet_to_oneself_comes_back_where_somebody_turns_it_round() -> None:
    async with two_addresses() as server:
        # What the server takes for our public endpoint leads back here: the shortest hairpin there is.
        server.mapped = lambda source, asked: (source[0], source[1])
        assert (await looked_at(server, hairpin=True)).hairpin == [], "without a NAT there is none"
        server.mapped = lambda source, asked: ("127.0.0.3", source[1])
        (test,) = (await looked_at(server, hairpin=True)).hairpin
        assert not test.came_back


async def test_without_another_address_several_servers_are_compared() -> None:
    async with two_addresses() as one, two_addresses() as two:
        one.has_other = two.has_other = False
        two.mapped = lambda source, asked: ("203.0.113.7", 1)
        answers = [await bound(one), await bound(two)]
        found = await probe_behaviour(answers, 4, [], hairpin=False)
        (test,) = found.mapping
        assert list(test.mapped) == [text_of(one.primary), text_of(two.primary)]
        assert len(set(test.mapped.values())) == 2
        assert found.filtering == found.knock == []


@pytest.mark.parametrize("other", [("10.255.255.1", 3478), ("169.254.169.254", 80), ("224.0.0.1", 3478)])
async def test_a_server_cannot_send_us_to_others(other: Address) -> None:
    async with two_addresses() as server:

        def spoil(request: stun.Message, answer: stun.Message, asked: Address) -> bytes | None:
            answer.attributes["OTHER-ADDRESS"] = other
            return bytes(answer)

        server.spoil = spoil
        found = await looked_at(server)
        assert found.mapping == found.filtering == found.knock == []
        assert server.knocked == set()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda request, answer, asked: None,
        lambda request, answer, asked: b"",
        lambda request, answer, asked: b"\0" * 1_000,
        lambda request, answer, asked: bytes(answer)[:-3],
        lambda request, answer, asked: bytes(request),
        lambda request, answer, asked: bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)),
    ],
    ids=["silence", "nothing", "zeros", "a part", "an echo", "somebody else's answer"],
)
async def test_what_is_no_answer_is_none(spoil: object) -> None:
    async with two_addresses() as server:
        server.spoil = spoil  # type: ignore[assignment] # a lambda
        answer = await bound(server)
        assert answer.rtt is None
        assert answer.trouble == "no answer"
        assert await probe_behaviour([answer], 4, [], hairpin=True) == Found([], [], [], [])


@pytest.mark.parametrize("mapped", [("203.0.113.7", 0), ("2001:db8::7", 4000)])
async def test_an_endpoint_that_cannot_be_is_not_believed(mapped: Address) -> None:
    async with two_addresses() as server:
        server.mapped = lambda source, asked: mapped
        answer = await bound(server)
        assert (answer.rtt, answer.mapped) == (None, "")
        assert answer.trouble


async def test_an_address_that_leads_nowhere_is_a_trouble_and_no_error() -> None:
    answer = await probe_binding(Server("stun:test", ("255.255.255.255", 3478)))
    assert answer.rtt is None
    assert answer.trouble
