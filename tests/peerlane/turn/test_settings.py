"""What is said about settings that make no TURN server; nothing odd gets into a file."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlane.turn.config import ConfigError, render
from peerlane.turn.files import SET
from peerlane.turn.settings import Settings, problems

SECRET = "0123456789abcdef" * 4
GOOD = Settings("turn.example.org", [SECRET])


def told(**changes: object) -> str:
    return " ".join(problems(msgspec.structs.replace(GOOD, **changes)))


def test_good_settings_have_no_problems() -> None:
    assert problems(GOOD) == []
    assert told(external_ips=["198.51.100.7/10.0.0.7", "2a00::7"], secrets=[SECRET, SECRET[::-1]]) == ""
    assert told(allowed_peers=["10.0.0.0-10.0.0.255", "fd00::1"], domain="xn--bcher-kva.example") == ""


@pytest.mark.parametrize(
    "domain",
    ["", "turn example.org", "-turn.org", "a..b", "198.51.100.7", "münchen.de", "a" * 64, "x\nno-auth"],
)
def test_a_domain_is_the_name_of_a_machine(domain: str) -> None:
    assert "is not the name of a machine" in told(domain=domain)


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ([], "There is no secret"),
        (["short"], "too short: 5 characters instead of 32"),
        (["a" * 300], "too long"),
        ([SECRET, SECRET], "twice"),
        ([SECRET, "b" * 40, "c" * 40], "3 secrets are too many"),
        ([SECRET, "b" * 5], "Secret 2 is too short"),
        ([f"{SECRET} x"], "characters that coturn does not take"),
        ([f'"{SECRET}"'], "characters that coturn does not take"),
        ([f"={SECRET}"], "characters that coturn does not take"),
        ([f"{SECRET}\nno-auth"], "characters that coturn does not take"),
    ],
)
def test_a_secret_is_long_and_coturn_takes_it_as_it_is(secrets: list[str], problem: str) -> None:
    said = told(secrets=secrets)
    assert problem in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("external", "problem"),
    [
        ("turn.example.org", "is no address"),
        ("198.51.100.7/", "is no address"),
        ("198.51.100.7/24", "is no address"),
        ("198.51.100.7/10.0.0.7/10.0.0.8", "is no address"),
        ("198.51.100.7/fd00::7", "mixes IPv4 and IPv6"),
        ("fe80::1%eth0", "is no address"),
        ("0.0.0.0", "is not the address of a machine"),
        ("224.0.0.1", "is not the address of a machine"),
        ("255.255.255.255", "is not the address of a machine"),
        ("198.51.100.7/127.0.0.1", "loopback"),
        ("198.51.100.7\nno-auth", "is no address"),
    ],
)
def test_an_external_address_is_public_and_perhaps_private(external: str, problem: str) -> None:
    assert problem in told(external_ips=[external])


def test_there_is_one_address_of_each_family() -> None:
    assert "one of IPv6" in told(external_ips=["198.51.100.7", "198.51.100.8"])


@pytest.mark.parametrize(
    "peers", ["10.0.0.0/8", "::", "::-::1", "0.0.0.0-1.1.1.1", "10.0.0.2-10.0.0.1", "10.0.0.1-fd00::1", "x"]
)
def test_what_may_be_reached_is_written_as_coturn_reads_it(peers: str) -> None:
    assert "neither an address nor FIRST-LAST" in told(allowed_peers=[peers])


def test_relays_on_loopback_are_for_this_machine_alone() -> None:
    assert told(external_ips=["127.0.0.1"], listening_ips=["127.0.0.1"]) == ""
    assert "let 10.0.0.7 into this machine" in told(external_ips=["127.0.0.1"], listening_ips=["10.0.0.7"])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"certificate": "/etc/a.pem"}, "go together"),
        ({"certificate": "a.pem", "key": "/etc/a.pem"}, "must begin with /"),
        ({"certificate": "/etc/a b.pem", "key": "/etc/a.pem"}, "no spaces"),
        ({"email": "nobody"}, "is not an address for mail"),
        ({"email": "a@b.org; reboot"}, "is not an address for mail"),
        ({"port": 0}, "port cannot be 0"),
        ({"tls_port": 70_000}, "tls_port cannot be 70000"),
        ({"port": 443}, "TLS needs another port"),
        ({"min_port": 60_000, "max_port": 50_000}, "comes before the first"),
        ({"user_quota": -1}, "user_quota cannot be -1"),
        ({"listening_ips": ["everywhere"]}, "no address to listen at"),
    ],
)
def test_each_problem_is_told(changes: dict[str, object], problem: str) -> None:
    assert problem in told(**changes)


def test_all_problems_are_told_at_once_and_nothing_is_written() -> None:
    with pytest.raises(ConfigError) as caught:
        render(Settings("no name", ["short"], external_ips=["nowhere"]))
    assert len(caught.value.problems) == 3


def test_settings_do_not_show_their_secrets() -> None:
    assert SECRET not in repr(GOOD)


ODD = st.text(max_size=80) | st.sampled_from(
    [
        "a\nno-auth",
        "a\rno-auth",
        "a #b",
        "{{secret}}",
        "a\x00b",
        "a\u2028no-auth",
        "a;b",
        "$(reboot)",
        "'; reboot",
    ]
)


@given(
    domain=ODD | st.just("turn.example.org"),
    secret=ODD.map(lambda text: text + SECRET) | ODD.map(lambda text: SECRET + text),
    external=ODD | st.just("198.51.100.7/10.0.0.7"),
    path=ODD.map(lambda text: "/" + text),
    email=ODD,
    allowed=ODD | st.just("10.0.0.1"),
)
def test_nothing_that_is_given_makes_a_line_of_its_own(
    domain: str, secret: str, external: str, path: str, email: str, allowed: str
) -> None:
    odd = Settings(
        domain,
        [secret],
        external_ips=[external],
        certificate=path,
        key=path,
        email=email,
        allowed_peers=[allowed],
    )
    plain = msgspec.structs.replace(
        GOOD,
        external_ips=["198.51.100.7/10.0.0.7"],
        certificate="/a",
        key="/a",
        email="a@b.org",
        allowed_peers=["10.0.0.1"],
    )
    try:
        written = [render(odd, file.name) for file in SET]
    except ConfigError:
        return
    for text, file in zip(written, SET, strict=True):
        expected = render(plain, file.name)
        # An address without a private side has a line less.
        assert len(text.splitlines()) <= len(expected.splitlines())
        assert "\x00" not in text
