"""Which pages and programs may open a link; spellings that only look like a friend must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.config import Server
from signaling.origins import bearer, origin_allowed, parse_origin

SERVER = Server(
    origins=["https://friend.example", "http://lab.example:3000"], tokens=["correct horse", "battery"]
)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8080", "localhost:8080"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("https://192.168.1.7:8443", "192.168.1.7:8443"),
        ("https://game.example", "game.example"),
        ("http://game.example", "game.example:80"),
        ("https://game.example", "game.example:443"),
        ("https://GAME.example", "game.EXAMPLE"),
        ("https://friend.example", "game.example"),
        ("https://friend.example:443", "game.example"),
        ("http://lab.example:3000", "game.example"),
    ],
)
def test_own_and_configured_pages_may_connect(origin: str, host: str) -> None:
    assert origin_allowed(origin, host, None, SERVER).allowed


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example",
        "https://friend.example.evil.example",
        "https://evilfriend.example",
        "https://sub.friend.example",
        "https://friend.example:8443",
        "https://friend.example.",
        "http://friend.example",
        "https://friend.example@evil.example",
        "https://friend.example%2eevil.example",
        "https://friend.example/",
        "https://friend.example/path",
        "https://friend.example?x",
        "https://friend.example#x",
        "https://friend.example\\.evil.example",
        "https://friend.example, https://evil.example",
        " https://friend.example",
        "https://friend.example ",
        "https://frıend.example",
        "friend.example",
        "//friend.example",
        "file://",
        "file:///game.example",
        "chrome-extension://abcdef",
        "ftp://game.example",
        "https://game.example:99999",
        "https://game.example:x",
        "https://xgame.example",
        "https://game.example.evil.example",
        "https://game.examplf",
        "https://[::1",
    ],
)
def test_other_pages_may_not_whatever_they_look_like(origin: str) -> None:
    verdict = origin_allowed(origin, "game.example", None, SERVER)
    assert not verdict.allowed
    assert verdict.reason


@pytest.mark.parametrize(
    "host", ["", "x@game.example", "game.example/", "game.example:x", "game.example, evil.example"]
)
def test_a_strange_host_header_matches_nothing(host: str) -> None:
    assert not origin_allowed("https://game.example", host, None, SERVER).allowed


def test_another_port_is_another_origin() -> None:
    assert not origin_allowed("http://localhost:9999", "localhost:8080", None, SERVER).allowed


def test_a_refused_page_is_told_which_setting_would_let_it_in() -> None:
    reason = origin_allowed("https://evil.example:444", "game.example", None, SERVER).reason
    assert "server.origins" in reason
    assert "https://evil.example:444" in reason


@pytest.mark.parametrize("authorization", ["Bearer correct horse", "bearer battery"])
def test_a_program_with_a_token_may_connect(authorization: str) -> None:
    assert origin_allowed(None, "game.example", authorization, SERVER).allowed


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer correct",
        "Bearer correct horsebattery",
        "Bearer bättery",
        "Basic battery",
        "battery",
    ],
)
def test_a_program_without_one_of_the_tokens_may_not(authorization: str | None) -> None:
    verdict = origin_allowed(None, "game.example", authorization, SERVER)
    assert not verdict.allowed
    assert "oken" in verdict.reason


def test_a_token_does_not_help_a_foreign_page() -> None:
    assert not origin_allowed("https://evil.example", "game.example", "Bearer battery", SERVER).allowed


def test_in_dev_mode_programs_need_no_token_and_foreign_pages_still_stay_out() -> None:
    server = Server(dev=True)
    assert origin_allowed(None, "localhost:8080", None, server).allowed
    assert not origin_allowed("https://evil.example", "localhost:8080", None, server).allowed
    assert not origin_allowed("null", "localhost:8080", None, server).allowed


def test_without_tokens_and_dev_mode_no_program_may_connect() -> None:
    assert not origin_allowed(None, "localhost:8080", "Bearer ", Server()).allowed


@given(st.text(max_size=80), st.text(max_size=40))
def test_no_header_makes_the_check_fail_otherwise_than_by_refusing(origin: str, host: str) -> None:
    verdict = origin_allowed(origin, host, None, Server())
    assert verdict.allowed == (parse_origin(origin) is not None and verdict.reason == "")


def test_a_token_of_bytes_that_are_no_text_is_a_token_and_not_a_good_one() -> None:
    presented = bearer("Bearer \udcff\udcfe")
    assert presented.isascii()
    assert presented
    assert not origin_allowed(
        None, "localhost:8080", "Bearer \udcff", Server(tokens=["0123456789abcdef"])
    ).allowed


@pytest.mark.parametrize("host", ["localhost:8080", "app.localhost:8080", "127.0.0.1:8080", "[::1]:8080"])
def test_an_open_server_answers_pages_under_the_names_of_this_machine(host: str) -> None:
    assert origin_allowed(f"http://{host}", host, None, Server(dev=True)).allowed


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        (Server(dev=True), False),
        (Server(dev=True, allow_insecure=True), True),
        (Server(), True),
        (Server(dev=True, origins=["http://rebound.example:8080"]), True),
    ],
)
def test_a_name_that_somebody_has_pointed_here_does_not_open_it(settings: Server, allowed: bool) -> None:
    verdict = origin_allowed("http://rebound.example:8080", "rebound.example:8080", None, settings)
    assert verdict.allowed == allowed
    assert allowed or "--allow-insecure" in verdict.reason
