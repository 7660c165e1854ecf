"""What somebody reads who has just started a server."""

from __future__ import annotations

import pytest

from peerlane.announcement import announcement, qr_code
from signaling.app import Listening
from signaling.config import Config, Server

AT_HOME = Listening("http://localhost:8080/", [], 8080, None, 3478)
IN_LAN = Listening(
    "http://localhost:8080/", ["https://192.168.1.7:8443/", "https://10.0.0.7:8443/"], 8080, 8443, 3478
)


def test_all_addresses_are_told() -> None:
    text = announcement(IN_LAN, Config(server=Server(https=True)))
    for expected in (
        "http://localhost:8080/",
        "https://192.168.1.7:8443/",
        "https://10.0.0.7:8443/",
        "UDP 3478",
    ):
        assert expected in text


def test_the_next_step_can_be_pasted_where_one_is() -> None:
    text = announcement(AT_HOME, Config(), command=".venv/bin/peerlane")
    assert "  .venv/bin/peerlane chat http://localhost:8080 demo --name ana" in text


def test_a_phone_gets_a_code_only_where_it_can_connect() -> None:
    assert "█" in announcement(IN_LAN, Config())
    assert "█" not in announcement(AT_HOME, Config())


def test_the_code_is_small_and_has_no_colours() -> None:
    lines = qr_code("https://192.168.1.7:8443/").splitlines()
    assert len(lines) < 20
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    "where",
    [
        Listening("http://localhost:8081/", [], 8081, None, 3478),
        Listening("http://localhost:8080/", ["https://192.168.1.7:8444/"], 8080, 8444, 3478),
        Listening("http://localhost:8080/", [], 8080, None, 3479),
    ],
    ids=["http", "https", "stun"],
)
def test_a_port_that_moved_is_said_aloud(where: Listening) -> None:
    assert announcement(where, Config()).count("in use by another program") == 1


def test_a_port_that_was_free_to_choose_has_not_moved() -> None:
    where = Listening("http://localhost:45678/", [], 45_678, None, None)
    assert "in use" not in announcement(where, Config(server=Server(port=0)))


def test_without_https_it_says_why_the_camera_will_not_work() -> None:
    where = Listening("http://localhost:8080/", ["http://192.168.1.7:8080/"], 8080, None, 3478)
    assert "no camera" in announcement(where, Config())


def test_it_says_what_to_try_next_and_who_may_connect() -> None:
    assert "--dev" in announcement(AT_HOME, Config(server=Server(dev=True)))
    closed = announcement(AT_HOME, Config())
    assert "peerlane chat http://localhost:8080 demo --name ana --token TOKEN" in closed
    assert "Programs cannot connect yet" in closed
    tokens = announcement(AT_HOME, Config(server=Server(tokens=["correct horse battery"])))
    assert "cannot connect yet" not in tokens
    assert "correct horse" not in tokens


def test_a_turn_server_is_told_where_there_is_something_to_tell() -> None:
    assert "TURN" not in announcement(AT_HOME, Config())
    assert "  TURN             UDP and TCP 3480\n" in announcement(AT_HOME, Config(), turn="UDP and TCP 3480")
