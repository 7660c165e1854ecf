"""TURN credentials: which servers a client is told of, with which secret, and when it gets new ones."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.config import Config, Ice, TurnServers
from signaling.protocol.messages import IceServers, Ping
from signaling.turn import Turn, choose, password, read_secrets
from tests.signaling.kit import Client, World

ICE = Ice(turn=[TurnServers(["turn:t.example", "turns:t.example:443"], ["north"])], turn_lifetime=600.0)


def test_credentials_are_what_coturn_expects() -> None:
    # Made with: printf '1700000600:ada' | openssl dgst -sha1 -hmac north -binary | base64
    (server,) = Turn(ICE).servers("ada", 1_700_000_000.5)
    assert server.urls == ["turn:t.example", "turns:t.example:443"]
    assert server.username == "1700000600:ada"
    assert server.credential == "PxnDSvp1YXUZ9V3JJfLv80je4zM="


def test_where_no_turn_server_is_configured_none_are_made() -> None:
    assert Turn(Ice()).servers("ada", 0.0) == []


def told_within(world: World, client: Client, seconds: int) -> list[IceServers]:
    """The fresh credentials that a client which answers pings is told in this time."""
    told: list[IceServers] = []
    for _ in range(0, seconds, 5):
        world.pass_time(5.0)
        heard = [*client.read(), *client.say(Ping())]
        told += [event for event in heard if isinstance(event, IceServers)]
    return told


def test_a_session_gets_fresh_credentials_before_the_old_ones_end() -> None:
    world = World(Config(ice=ICE))
    client = Client(world).connect()
    (first,) = client.welcome.ice_servers
    assert told_within(world, client, 295) == []
    (fresh,) = told_within(world, client, 60)
    (second,) = fresh.ice_servers
    assert second.username.split(":")[1] == client.id
    assert int(second.username.split(":")[0]) >= int(first.username.split(":")[0]) + 300


def test_a_server_without_turn_sends_none() -> None:
    world = World()
    assert told_within(world, Client(world).connect(), 30) == []


def servers(*weights: float, region: str = "") -> list[TurnServers]:
    return [
        TurnServers([f"turn:{index}.example"], ["x" * 16], region=region, weight=weight)
        for index, weight in enumerate(weights)
    ]


USERS = [f"user{index}" for index in range(3_000)]


def test_servers_are_chosen_in_proportion_to_their_weights() -> None:
    won = Counter(choose(servers(1.0, 2.0, 3.0), user, "")[0].urls[0] for user in USERS)
    shares = [won[f"turn:{index}.example"] / len(USERS) for index in range(3)]
    assert shares == pytest.approx([1 / 6, 2 / 6, 3 / 6], abs=0.04)


def test_a_user_stays_with_its_server_when_another_one_goes() -> None:
    before, after = servers(1.0, 1.0, 1.0), servers(1.0, 1.0)
    for user in USERS[:300]:
        chosen = choose(before, user, "")
        kept = [each for each in chosen if each in after]
        assert choose(after, user, "") == kept


def test_the_own_region_comes_first_whatever_the_weights() -> None:
    near, far = servers(0.01, 0.01, region="eu"), servers(1_000.0, 1_000.0, region="us")
    for user in USERS[:100]:
        assert {each.region for each in choose([*far, *near], user, "eu")[:2]} == {"eu"}
        assert len(choose([*far, *near], user, "nowhere")) == 4


@given(st.lists(st.floats(1e-6, 1e6), max_size=8), st.text(max_size=30), st.text(max_size=5))
def test_a_choice_loses_no_server_and_is_the_same_each_time(
    weights: list[float], user: str, region: str
) -> None:
    known = servers(*weights)
    chosen = choose(known, user, region)
    assert sorted(each.urls for each in chosen) == sorted(each.urls for each in known)
    assert choose(known[::-1], user, region) == chosen


def test_a_client_is_told_as_many_servers_as_configured() -> None:
    many = Ice(turn=servers(1.0, 1.0, 1.0, 1.0), turn_servers_per_client=3)
    assert len(Turn(many).servers("ada", 0.0)) == 3


def test_the_first_of_two_secrets_signs() -> None:
    [one] = Turn(Ice(turn=[TurnServers(["turn:t.example"], ["north", "south"])])).servers("ada", 0.0)
    [other] = Turn(Ice(turn=[TurnServers(["turn:t.example"], ["north"])])).servers("ada", 0.0)
    assert one == other


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no secret"),
        ("\n \n", "no secret"),
        ("short\n", "needs 16"),
        ("0123456789abcdef\n" * 3, "has 3 secrets"),
        ("0123456789abcdef\0\n", "cannot be seen"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_told_without_repeating_it(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        read_secrets(text)
    assert not text.strip() or text.split()[0] not in str(caught.value)


def test_a_secret_file_has_one_secret_a_line() -> None:
    assert read_secrets("0123456789abcdef\r\n\n  fedcba9876543210 \n") == [
        "0123456789abcdef",
        "fedcba9876543210",
    ]


def test_live_sessions_get_credentials_of_a_new_secret_soon() -> None:
    world = World(Config(ice=Ice(turn=[TurnServers(["turn:t.example"], secret_file="s")])))
    world.hub.use_turn_secrets("s", ["the old secret of it"])
    client = Client(world).connect()
    assert told_within(world, client, 100) == []
    world.hub.use_turn_secrets("s", ["the new secret of it"])
    [fresh] = told_within(world, client, 40)
    [server] = fresh.ice_servers
    assert server.credential == password("the new secret of it", server.username)
    assert told_within(world, client, 100) == []


def test_a_server_whose_secrets_are_not_known_is_not_told() -> None:
    world = World(Config(ice=Ice(turn=[TurnServers(["turn:t.example"], secret_file="s")])))
    assert Client(world).connect().welcome.ice_servers == []
