"""Audits of a real coturn: with every hole that is planted, and under our own configuration."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from peer.nat.audit.plan import rest_credentials
from peerlane.turn.config import render
from peerlane.turn.settings import Settings
from tests.end_to_end.audited import (
    IPV4,
    IPV6,
    NAME,
    PASSWORD,
    PORT,
    REALM,
    SECRET,
    TLS_PORT,
    USER,
    Machine,
    machine,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.needs("lab", "turnserver")]

LOGIN = (f"--username={USER}", f"--password={PASSWORD}")
IPV4_RANGES = {"loopback", "metadata", "private", "shared", "link-local", "multicast", "special"}
IPV6_SPELLINGS = {
    "ipv4-mapped",
    "ipv4-compatible",
    "ipv4-translated",
    "nat64",
    "6to4",
    "teredo",
    "isatap",
    "unique-local",
    "site-local",
}


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


def careless(turn: Machine, *lines: str) -> str:
    """A ``turnserver.conf`` as one finds them, with these lines."""
    return "\n".join(
        (
            f"listening-ip={IPV4}",
            f"listening-ip={IPV6}",
            f"relay-ip={IPV4}",
            f"realm={REALM}",
            f"cert={turn.certificate}",
            f"pkey={turn.certificate}",
            f"tls-listening-port={TLS_PORT}",
            "no-cli",
            *lines,
            "",
        )
    )


def ours(turn: Machine, *external_ips: str) -> str:
    return render(
        Settings(
            domain=NAME,
            secrets=[SECRET],
            external_ips=list(external_ips),
            listening_ips=[IPV4, IPV6],
            certificate=str(turn.certificate),
            key=str(turn.certificate),
            port=PORT,
            tls_port=TLS_PORT,
        )
    )


def codes(report: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in report["findings"]}


def lines(report: dict[str, Any], code: str) -> list[str]:
    (found,) = (finding["lines"] for finding in report["findings"] if finding["code"] == code)
    assert isinstance(found, list)
    return found


def permits(*groups: str) -> set[str]:
    return {f"permits-{group}" for group in groups}


async def test_every_planted_hole_is_found(turn: Machine) -> None:
    configuration = careless(
        turn,
        f"relay-ip={IPV6}",
        "lt-cred-mech",
        f"user={USER}:{PASSWORD}",
        "allow-loopback-peers",
        "denied-peer-ip=10.0.0.0/8",
        "cipher-list=ALL:@SECLEVEL=0",
    )
    async with turn.coturn(configuration):
        report = await turn.audit(IPV4, *LOGIN, exit_code=3)
    assert codes(report) == permits(*IPV4_RANGES, *IPV6_SPELLINGS) | {
        "static-user",
        "no-user-quota",
        "tcp-relay",
        "tells-version",
        "known-holes",
        "amplification",
        "rfc5780",
        "old-attributes",
        "old-tls",
    }
    assert "denied-peer-ip=10.0.0.0-10.255.255.255" in lines(report, "permits-private")
    assert lines(report, "tcp-relay") == ["no-tcp-relay"]
    assert report["findings"][0]["severity"] == "critical"


async def test_a_server_that_asks_nobody_for_a_password_is_found_without_credentials(turn: Machine) -> None:
    async with turn.coturn(careless(turn, "no-auth")):
        report = await turn.audit(f"turn:{IPV4}", exit_code=3)
    assert {"open-relay", "no-user-quota", *permits("private", "metadata")} <= codes(report)
    assert report["findings"][0]["code"] == "open-relay"


async def test_a_list_of_ipv4_alone_lets_the_same_addresses_through_in_ipv6(turn: Machine) -> None:
    ranges = [
        line
        for line in ours(turn, IPV4).splitlines()
        if line.startswith("denied-peer-ip=") and ":" not in line
    ]
    configuration = careless(
        turn,
        f"relay-ip={IPV6}",
        "use-auth-secret",
        f"static-auth-secret={SECRET}",
        "user-quota=12",
        "no-tcp-relay",
        "no-multicast-peers",
        f"allowed-peer-ip={IPV4}",
        "denied-peer-ip=::1",
        *ranges,
    )
    async with turn.coturn(configuration):
        report = await turn.audit(f"turn:{IPV4}", f"--secret={SECRET}", exit_code=3)
    holes = {code for code in codes(report) if code.startswith("permits-")}
    assert holes == permits(*IPV6_SPELLINGS, "link-local", "metadata", "special")
    (mapped,) = (each for each in report["findings"] if each["code"] == "permits-ipv4-mapped")
    assert "::ffff:127.0.0.1" in mapped["seen"]


async def test_the_lines_that_an_audit_names_mend_what_it_has_found(turn: Machine) -> None:
    login = ("use-auth-secret", f"static-auth-secret={SECRET}", "allow-loopback-peers")
    async with turn.coturn(careless(turn, f"relay-ip={IPV6}", *login)):
        before = await turn.audit(IPV4, f"--secret={SECRET}", exit_code=3)
    named = [line for finding in before["findings"] for line in finding["lines"] if line[0] != "#"]
    own = [f"allowed-peer-ip={address}" for address in (IPV4, IPV6)]
    async with turn.coturn(careless(turn, f"relay-ip={IPV6}", *login, *own, *dict.fromkeys(named))):
        after = await turn.audit(IPV4, f"--secret={SECRET}", exit_code=0)
    assert after["findings"] == []


@pytest.mark.parametrize("asked", [IPV4, IPV6])
async def test_nothing_is_found_under_our_configuration(turn: Machine, asked: str) -> None:
    async with turn.coturn(ours(turn, IPV4, IPV6)):
        report = await turn.audit(asked, f"--secret={SECRET}", exit_code=0)
    assert report["verdict"]["code"] == "clean"
    assert report["findings"] == []
    assert {relay["family"] for relay in report["evidence"]["relays"] if relay["code"] == 0} == {4, 6}
    assert {door["transport"] for door in report["evidence"]["doors"] if door["is_turn"]} == {
        "udp",
        "tcp",
        "tls",
    }
    assert {check["code"] for check in report["unchecked"]} == {"known-holes", "dtls", "door"}


async def test_nothing_is_found_without_ipv6_and_none_of_it_is_left_unasked(turn: Machine) -> None:
    async with turn.coturn(ours(turn, IPV4)):
        report = await turn.audit(f"turns:{IPV4}:{TLS_PORT}", f"--secret={SECRET}", exit_code=0)
    passed = {check["code"]: check["note"] for check in report["passed"]}
    assert passed["permits-ipv4-mapped"] == "it has no relay address of IPv6"


async def test_credentials_that_are_refused_are_told_apart_from_a_clean_server(turn: Machine) -> None:
    now = int(time.time())
    async with turn.coturn(ours(turn, IPV4)):
        wrong = await turn.audit(f"turn:{IPV4}", *LOGIN, exit_code=5)
        username, password = rest_credentials(SECRET, "ana", now - 60)
        expired = await turn.audit(
            f"turn:{IPV4}", f"--username={username}", f"--password={password}", exit_code=5
        )
        username, password = rest_credentials(SECRET, "ana", now + 10 * 365 * 86_400)
        far = await turn.audit(
            f"turn:{IPV4}", f"--username={username}", f"--password={password}", exit_code=3
        )
    assert wrong["verdict"]["code"] == expired["verdict"]["code"] == "refused"
    assert codes(far) == {"far-expiry"}


async def test_a_certificate_that_nobody_vouches_for_is_a_finding_and_no_obstacle(turn: Machine) -> None:
    other = Path(__file__)  # no certificate at all: nothing is trusted
    async with turn.coturn(ours(turn, IPV4)):
        report = await turn._replace(certificate=other).audit(
            f"turns:{IPV4}:{TLS_PORT}", f"--secret={SECRET}", exit_code=3
        )
    assert codes(report) == {"certificate"}


async def test_the_text_has_the_lines_to_copy_and_no_colours_when_piped(turn: Machine) -> None:
    async with turn.coturn(careless(turn, "lt-cred-mech", f"user={USER}:{PASSWORD}")):
        code, text = await turn.peerlane("turn", "audit", f"turn:{IPV4}", *LOGIN)
    assert code == 3
    assert "\x1b" not in text
    assert "\n          denied-peer-ip=10.0.0.0-10.255.255.255\n" in text


async def test_without_credentials_it_says_that_little_could_be_asked(turn: Machine) -> None:
    async with turn.coturn(ours(turn, IPV4, IPV6)):
        code, text = await turn.peerlane("turn", "audit", IPV4)
    assert code == 0
    assert "little could be asked" in text
    assert "--secret" in text
