"""Signals arrive exactly once, in order for each pair, or the sender is told: whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.config import Config, LimitsConfig, Session
from tests.peer.signaling_client.kit import World, assert_promise_kept

SMALL_MAILBOX = Config(limits=LimitsConfig(mailbox_messages=6))
SHORT_WINDOW = Config(session=Session(resume_window=5.0, settle=3.0, ping_interval=4.0, ping_timeout=2.0))
LONG_ENOUGH = 400.0
"""Seconds after which everybody has come back, or has been given up."""

CLIENTS = 3
who = st.integers(0, CLIENTS - 1)
happenings = st.one_of(
    st.tuples(st.just("signal"), who, who),
    st.tuples(st.just("signal"), who, who),
    st.tuples(st.just("signal"), who, who),
    st.tuples(st.just("carry to server"), who, st.integers(1, 4)),
    st.tuples(st.just("carry to client"), who, st.integers(1, 4)),
    st.tuples(st.just("cut"), who, st.just(0)),
    st.tuples(st.just("connect"), who, st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.5, 1, 4, 12, 130]), st.just(0)),
    st.tuples(st.just("live"), st.sampled_from([0.2, 3, 20]), st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
    st.tuples(st.just("leave"), st.just(CLIENTS - 1), st.just(0)),
)
losses = st.tuples(st.just("lose"), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.just(0))


def happen(world: World, what: str, first: float, second: int) -> None:
    if what == "wait":
        return world.wait(first)
    if what == "live":
        return world.live(first)
    if what == "restart":
        return world.restart()
    if what == "lose":
        world.loss = first
        return None
    client = world.clients[int(first)]
    line = client.line
    if what == "signal":
        other = world.clients[second].session.you
        if other in client.here:
            client.signal(other)
    elif what == "connect":
        for dialled in [each for each in world.dialling if each.client is client]:
            world.connect(dialled)
    elif what == "leave":
        client.perform(client.session.bye())
    elif line in world.lines and line is not None:
        for _ in range(second):
            if what == "cut":
                world.cut(line)
            elif what == "carry to server" and line.to_server:
                world.carry_to_server(line)
            elif what == "carry to client" and line.to_client:
                world.carry_to_client(line)
        if what == "cut":
            world.cut(line)
    return None


@pytest.mark.parametrize("config", [Config(), SMALL_MAILBOX, SHORT_WINDOW], ids=["usual", "small", "short"])
@settings(max_examples=200)
@given(story=st.lists(happenings, min_size=5, max_size=60), seed=st.integers(0, 1000))
def test_every_signal_arrives_once_and_in_order_or_its_sender_is_told(
    config: Config, story: list[tuple[str, float, int]], seed: int
) -> None:
    world = World(config, seed)
    for number in range(CLIENTS):
        world.client(f"client {number}").enter()
    world.live(1.0)
    for what, first, second in story:
        happen(world, what, first, second)
    world.live(LONG_ENOUGH)
    assert_promise_kept(world.clients)
    present = {client.session.you for client in world.clients if client.session.wake_at is not None}
    for client in world.clients:
        if client.session.you in present:
            assert client.here == present - {client.session.you}


@settings(max_examples=200)
@given(story=st.lists(happenings | losses | losses, min_size=5, max_size=60), seed=st.integers(0, 1000))
def test_what_is_lost_between_nodes_is_said_again_until_it_has_arrived(
    story: list[tuple[str, float, int]], seed: int
) -> None:
    world = World(seed=seed)
    for number in range(CLIENTS):
        world.client(f"client {number}").enter()
    world.live(1.0)
    for what, first, second in story:
        happen(world, what, first, second)
    world.loss = 0.0
    world.live(LONG_ENOUGH)
    assert_promise_kept(world.clients)
    before = [client.session.resends for client in world.clients]
    world.live(LONG_ENOUGH)
    assert [client.session.resends for client in world.clients] == before


@pytest.mark.parametrize("seconds", [0.0, 0.02, 1.4])
def test_two_over_one_node_say_nothing_twice_however_slow_the_way_and_the_application(seconds: float) -> None:
    """``seconds``: how long words wait each time. Nobody reads what the clients are told."""
    world = World()
    ana, ben = world.client("ana"), world.client("ben")
    ana.enter()
    ben.enter()
    world.live(1.0)
    for count in (1, 40, 3, 200, 0, 1):
        for _ in range(count):
            ana.signal(ben.session.you)
            ben.signal(ana.session.you)
        for _ in range(4):
            world.wait(seconds)
            world.carry_everything()
    world.live(100.0)
    assert [len(numbers) for client in (ana, ben) for numbers in client.heard.values()] == [245, 245]
    assert ana.session.resends == ben.session.resends == 0


def test_a_killed_server_loses_no_signal() -> None:
    world = World()
    ana, ben = world.client("ana"), world.client("ben")
    ana.enter()
    ben.enter()
    world.live(1.0)
    for _ in range(50):
        ana.signal(ben.session.you)
        ben.signal(ana.session.you)
    world.restart()
    for _ in range(50):
        ana.signal(ben.session.you)
        ben.signal(ana.session.you)
    world.live(60.0)
    assert [len(numbers) for client in (ana, ben) for numbers in client.heard.values()] == [100, 100]
    assert_promise_kept(world.clients)
    assert not ana.undelivered | ben.undelivered


@pytest.mark.parametrize("end", ["drain", "kill", "cut"])
def test_clients_that_move_to_another_node_lose_no_signal(end: str) -> None:
    """Nothing is handed over: each of them starts afresh, under its own id."""
    world = World(nodes=["ws://n1.example/v1/ws", "ws://n2.example/v1/ws"])
    ana, ben = world.client("ana"), world.client("ben")
    for client in (ana, ben):
        client.enter()
    world.live(1.0)
    ids = ana.session.you, ben.session.you
    for round_ in range(4):
        here, there = list(world.hubs)[:: 1 if round_ % 2 == 0 else -1]
        world.down.discard(there)
        for _ in range(20):
            ana.signal(ids[1])
            ben.signal(ids[0])
        world.live(0.1)
        world.down.add(here)
        if end == "drain":
            world.drain(here)
        elif end == "kill":
            world.restart(here)
        else:
            # It lives, and remembers them as they were when it could no longer be reached.
            for line in list(world.lines):
                world.cut(line)
        for _ in range(20):
            ana.signal(ids[1])
            ben.signal(ids[0])
        world.live(8.0)
        if end == "drain":
            world.restart(here)
        assert {line.node for line in world.lines} == {there}
    assert (ana.session.you, ben.session.you) == ids
    assert [len(numbers) for client in (ana, ben) for numbers in client.heard.values()] == [160, 160]
    assert_promise_kept(world.clients)
    assert not ana.undelivered | ben.undelivered
