"""What is said of a TURN server: each hole by its own code, with the line that mends it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.audit.build import report
from peer.nat.audit.evidence import Binding, Door, Evidence, Login, Quota, Tls
from peer.nat.audit.ranges import GROUPS, targets
from peer.nat.audit.report import AuditReport, Finding
from peer.nat.observations import Family
from tests.peer.nat.audit.evidences import (
    DAY,
    NOW,
    OWN,
    TLS,
    UDP,
    evidence,
    grant,
    permissions,
    refusals,
    relay,
)

ALL = ":ffff" * 7


def only(said: AuditReport) -> Finding:
    (finding,) = said.findings
    return finding


def unchecked(said: AuditReport) -> dict[str, str]:
    return {check.code: check.note for check in said.unchecked}


def test_a_good_server_is_clean_and_everything_that_can_be_asked_was() -> None:
    said = report(evidence())
    assert said.findings == []
    assert (said.verdict.code, said.verdict.exit_code) == ("clean", 0)
    assert set(unchecked(said)) == {"known-holes", "dtls"}
    assert {check.code for check in said.passed} >= {f"permits-{group.code}" for group in GROUPS}


@pytest.mark.parametrize(
    ("address", "family", "code", "line"),
    [
        ("127.0.0.53", 4, "permits-loopback", "denied-peer-ip=127.0.0.0-127.255.255.255"),
        ("0.0.0.1", 4, "permits-this-network", "denied-peer-ip=0.0.0.0-0.255.255.255"),
        ("10.255.255.254", 4, "permits-private", "denied-peer-ip=10.0.0.0-10.255.255.255"),
        ("169.254.169.254", 4, "permits-metadata", "denied-peer-ip=169.254.0.0-169.254.255.255"),
        ("100.64.0.1", 4, "permits-shared", "denied-peer-ip=100.64.0.0-100.127.255.255"),
        ("224.0.0.251", 4, "permits-multicast", "no-multicast-peers"),
        ("198.18.0.1", 4, "permits-special", "denied-peer-ip=198.18.0.0-198.19.255.255"),
        ("::1", 6, "permits-loopback", "denied-peer-ip=::1-::ffff:ffff"),
        ("::ffff:10.0.0.1", 6, "permits-ipv4-mapped", "denied-peer-ip=::ffff:0:0-::ffff:ffff:ffff"),
        ("64:ff9b::127.0.0.1", 6, "permits-nat64", "denied-peer-ip=64:ff9b::-64:ff9b::ffff:ffff"),
        ("fd00::1", 6, "permits-unique-local", f"denied-peer-ip=fd00::-fdff{ALL}"),
        ("fe80::1", 6, "permits-link-local", f"denied-peer-ip=fe80::-febf{ALL}"),
    ],
)  # fmt: skip
def test_a_permission_that_nobody_should_have_is_found(
    address: str, family: Family, code: str, line: str
) -> None:
    finding = only(report(evidence(permissions=permissions(*grant(address, family=family)))))
    assert finding.code == code
    assert finding.seen == [address]
    assert line in finding.lines


@pytest.mark.parametrize("address", targets())
def test_every_address_that_is_asked_for_is_a_hole_when_it_is_granted(address: str) -> None:
    family: Family = 6 if ":" in address else 4
    said = report(evidence(permissions=permissions(*grant(address, family=family))))
    assert only(said).code == f"permits-{targets()[address].group}"
    assert said.verdict.exit_code == 3


def test_an_ipv4_address_in_the_clothes_of_ipv6_is_found_on_a_relay_of_ipv4_too() -> None:
    finding = only(report(evidence(permissions=permissions(*grant("::ffff:127.0.0.1", family=4)))))
    assert finding.seen == ["::ffff:127.0.0.1 (on a relay of the other family)"]


def test_a_channel_that_is_granted_where_a_permission_is_not_is_found() -> None:
    (permission,) = grant("10.0.0.1")
    channel = msgspec.structs.replace(permission, how="channel")
    finding = only(report(evidence(permissions=permissions(channel))))
    assert finding.seen == ["10.0.0.1 (by a channel alone)"]


def test_the_own_address_of_the_server_is_worth_a_note_and_no_finding() -> None:
    said = report(evidence(permissions=permissions(*grant(OWN[4]))))
    assert said.findings == []
    assert f"relays to its own address {OWN[4]}" in {note.title for note in said.notes}


def test_a_server_that_refuses_its_own_address_is_told_what_that_costs() -> None:
    (own,) = grant(OWN[4])
    refused = msgspec.structs.replace(own, code=403)
    said = report(evidence(permissions=permissions(refused)))
    assert said.findings == []
    assert any(f"allowed-peer-ip={OWN[4]}" in note.note for note in said.notes)


CHANGES: dict[str, dict[str, Any]] = {
    "open-relay": {"logins": [Login("nobody", 0)]},
    "wrong-password": {"logins": [Login("nobody", 401), Login("wrong-password", 0), Login("expired", 401)]},
    "expired-credential": {
        "logins": [Login("nobody", 401), Login("wrong-password", 401), Login("expired", 0)]
    },
    "static-user": {"has_secret": False},
    "far-expiry": {"has_secret": False, "valid_until": NOW + 30 * DAY},
    "no-user-quota": {"quota": Quota(20, 0)},
    "tcp-relay": {"tcp_relay": 0},
    "long-lifetime": {"relays": [relay(4, lifetime=864_000), relay(6)]},
    "amplification": {"binding": Binding(asked=20, answered=92)},
    "rfc5780": {"binding": Binding(asked=20, answered=52, other="198.51.100.8:3479")},
    "old-attributes": {"binding": Binding(asked=20, answered=52, plain_mapped=True)},
    "certificate": {"tls": [Tls(url=TLS, untrusted="self-signed certificate")]},
    "certificate-ends": {"tls": [Tls(url=TLS, valid_until=NOW + 3 * DAY)]},
    "old-tls": {"tls": [Tls(url=TLS, valid_until=NOW + 60 * DAY, old_versions=["TLS 1.0"])]},
    "relay-address": {"relays": [relay(4, relayed="10.0.0.7:50000"), relay(6)]},
}


@pytest.mark.parametrize("code", CHANGES)
def test_what_is_wrong_is_found_by_its_code_and_has_a_line_that_mends_it(code: str) -> None:
    finding = only(report(evidence(**CHANGES[code])))
    assert finding.code == code
    assert finding.lines
    assert finding.why


def test_changes_of_port_are_found_where_the_other_address_is_not_told() -> None:
    binding = Binding(asked=20, answered=40, answers_elsewhere=True)
    assert only(report(evidence(binding=binding))).code == "rfc5780"


def with_software(software: str) -> Evidence:
    door = Door(url=UDP, transport="udp", address="198.51.100.7:3478", is_turn=True, software=software)
    return evidence(doors=[door])


def test_a_version_with_holes_is_told_with_each_of_them() -> None:
    said = {finding.code: finding for finding in report(with_software("Coturn-4.6.3 'Gorst'")).findings}
    assert said.keys() == {"tells-version", "known-holes"}
    assert any(each.startswith("CVE-2025-69217") for each in said["known-holes"].seen)
    assert said["tells-version"].lines == ["no-software-attribute"]


def test_a_new_version_has_no_known_holes_and_another_line() -> None:
    finding = only(report(with_software("Coturn-4.17.0 'Gorst'")))
    assert finding.code == "tells-version"
    assert finding.lines == ["# Remove software-attribute."]


def test_a_name_without_a_number_tells_no_version() -> None:
    assert report(with_software("None")).findings == []


def test_the_worst_comes_first() -> None:
    granted = permissions(*grant("198.18.0.1", "10.0.0.1", "100.64.0.1"))
    said = report(evidence(permissions=granted, quota=Quota(20, 0)))
    assert [finding.severity for finding in said.findings] == ["critical", "high", "medium", "low"]
    assert said.findings[0].title in said.verdict.sentence


# What could not be asked


def test_a_server_without_ipv6_lets_nothing_through_in_ipv6() -> None:
    said = report(evidence(relays=[relay(4), relay(6, code=440, relayed="")], permissions=refusals(4)))
    assert said.verdict.code == "clean"
    assert {check.code: check.note for check in said.passed}["permits-6to4"] == (
        "it has no relay address of IPv6"
    )


def test_a_relay_of_ipv6_that_cannot_be_had_now_leaves_it_open() -> None:
    said = report(evidence(relays=[relay(4), relay(6, code=508, relayed="")], permissions=refusals(4)))
    assert (said.verdict.code, said.verdict.exit_code) == ("incomplete", 3)
    assert {"permits-6to4", "permits-loopback"} <= set(unchecked(said))
    assert "permits-private" not in unchecked(said)


@pytest.mark.parametrize("code", [None, 401, 437, 508])
def test_answers_that_say_nothing_of_an_address_do_not_make_it_refused(code: int | None) -> None:
    said = report(evidence(permissions=[*refusals(4, code), *refusals(6)]))
    assert said.verdict.code == "incomplete"
    assert "permits-private" in unchecked(said)


def test_without_credentials_it_is_said_that_little_was_asked() -> None:
    said = report(
        evidence(
            has_credentials=False,
            has_secret=False,
            logins=[Login("nobody", 401)],
            relays=[],
            permissions=[],
            tcp_relay=None,
            quota=None,
        )
    )
    assert (said.verdict.code, said.verdict.exit_code) == ("anonymous", 0)
    assert {"permits", "wrong-password", "no-user-quota", "tcp-relay"} <= set(unchecked(said))


def test_credentials_that_are_refused_come_before_holes() -> None:
    said = report(
        evidence(
            relays=[relay(4, code=401, relayed=""), relay(6, code=401, relayed="")],
            permissions=[],
            quota=None,
            binding=Binding(asked=20, answered=92),
        )
    )
    assert (said.verdict.code, said.verdict.exit_code) == ("refused", 5)
    assert only(said).code == "amplification"


def test_a_server_that_is_not_there_comes_first_of_all() -> None:
    door = Door(url=UDP, transport="udp", code=701, trouble="the server does not answer over UDP")
    said = report(evidence(doors=[door]))
    assert (said.verdict.code, said.verdict.exit_code) == ("unreachable", 4)
    assert said.verdict.advice == [f"{UDP}: the server does not answer over UDP"]


codes = st.one_of(st.none(), st.sampled_from([0, 400, 401, 403, 437, 440, 442, 443, 486, 508]))


@given(codes, codes, codes, codes, codes, st.integers(0, 20))
def test_there_is_something_to_say_whatever_was_answered(
    open_code: int | None,
    wrong: int | None,
    allocated: int | None,
    permitted: int | None,
    tcp: int | None,
    count: int,
) -> None:
    relayed = "" if allocated else "198.51.100.7:50000"
    said = report(
        evidence(
            logins=[Login("nobody", open_code), Login("wrong-password", wrong)],
            relays=[relay(4, code=allocated, relayed=relayed)],
            permissions=[] if allocated else refusals(4, permitted),
            tcp_relay=tcp,
            quota=Quota(count, wrong or 0),
        )
    )
    assert said.verdict.exit_code in (0, 3, 4, 5)
    assert (said.verdict.exit_code == 0) <= (said.findings == [])
    assert msgspec.json.encode(said)
