"""Sockets are bound where they should be, or somebody is told what is in the way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from signaling.listening import PortTaken, bind_hosts, has_ipv6, listen, port_of


@contextmanager
def listening(hosts: list[str], port: int, *, next_free: bool = False) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(each) for each in listen(hosts, port, next_free=next_free)]


def test_all_hosts_share_one_port() -> None:
    with listening(bind_hosts("127.0.0.1"), 0) as sockets:
        assert len({each.getsockname()[1] for each in sockets}) == 1


def test_a_port_in_use_is_told() -> None:
    with listening(["127.0.0.1"], 0) as sockets:
        with pytest.raises(PortTaken, match="in use") as caught:
            listen(["127.0.0.1"], port_of(sockets))
        assert caught.value.port == port_of(sockets)


def test_a_port_in_use_may_be_passed_over() -> None:
    with (
        listening(["127.0.0.1"], 0) as first,
        listening(["127.0.0.1"], port_of(first), next_free=True) as second,
    ):
        assert port_of(first) < port_of(second) <= port_of(first) + 20


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(OSError, match="assign"):
        listen(["192.0.2.1"], 0)


def test_a_name_that_nobody_knows_is_told() -> None:
    with pytest.raises(OSError, match="no address of this machine"):
        bind_hosts("nowhere.invalid")


def test_loopback_means_ipv4_and_ipv6_where_there_is_ipv6() -> None:
    expected = ["127.0.0.1", "::1"] if has_ipv6() else ["127.0.0.1"]
    assert bind_hosts("localhost") == bind_hosts("127.0.0.1") == expected


def test_everything_means_everything_that_it_says() -> None:
    assert bind_hosts("0.0.0.0") == ["0.0.0.0"]
    assert "0.0.0.0" in bind_hosts("::")


def test_processes_may_share_a_port_that_the_first_of_them_has_found_free() -> None:
    with ExitStack() as stack:
        first = [stack.enter_context(each) for each in listen(["127.0.0.1"], 0, is_shared=True)]
        port = port_of(first)
        second = [
            stack.enter_context(each) for each in listen(["127.0.0.1"], port, is_shared=True, joins=True)
        ]
        assert port_of(second) == port
        with pytest.raises(PortTaken):
            listen(["127.0.0.1"], port, is_shared=True)
        with pytest.raises(PortTaken):
            listen(["127.0.0.1"], port)
