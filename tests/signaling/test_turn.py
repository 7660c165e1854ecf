from __future__ import annotations

from signaling.config import Config, Ice, TurnServers
from signaling.protocol.messages import IceServers, Ping
from signaling.turn import Turn
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
