"""What a running server takes over from new settings."""

from __future__ import annotations

import msgspec
import pytest

from signaling.config import Config, Ice, LimitsConfig, Log, Server, TurnServers
from signaling.reloading import WHILE_RUNNING, loses_tickets, plan


def test_the_same_settings_change_nothing() -> None:
    assert plan(Config(), Config()) == (Config(), [], [])


def test_what_may_change_is_taken_over_and_the_rest_is_named() -> None:
    wanted = Config(
        server=Server(port=9_000, tokens=["a new token of ours"]),
        limits=LimitsConfig(links_per_second=7.0, max_message_bytes=9_999),
        log=Log(level="debug"),
    )
    planned = plan(Config(), wanted)
    assert planned.changed == ["server.tokens", "limits.links_per_second", "log.level"]
    assert planned.need_restart == ["server.port", "limits.max_message_bytes"]
    assert planned.config == Config(
        server=Server(tokens=["a new token of ours"]),
        limits=LimitsConfig(links_per_second=7.0),
        log=Log(level="debug"),
    )


def test_turn_servers_may_change_but_not_the_files_that_are_watched() -> None:
    one, other = (TurnServers(urls=["turn:a.example"], secrets=["s" * 16]) for _ in range(2))
    other = msgspec.structs.replace(other, urls=["turn:b.example"])
    running = Config(ice=Ice(turn=[one]))
    assert plan(running, Config(ice=Ice(turn=[other]))).changed == ["ice.turn"]
    watched = Config(ice=Ice(turn=[TurnServers(urls=["turn:a.example"], secret_file="/secret")]))
    assert plan(running, watched).need_restart == ["ice.turn"]


@pytest.mark.parametrize(
    ("key", "former", "loses"), [("n", [], True), ("n", ["o"], False), ("o", [], False), ("o", ["x"], False)]
)
def test_a_new_ticket_key_without_the_last_one_among_the_former_loses_tickets(
    key: str, former: list[str], loses: bool
) -> None:
    running = Config(server=Server(ticket_key="o"))
    assert loses_tickets(running, Config(server=Server(ticket_key=key, former_ticket_keys=former))) is loses


def test_every_setting_that_may_change_is_one() -> None:
    for section, names in WHILE_RUNNING.items():
        assert names <= set(getattr(Config(), section).__struct_fields__)
