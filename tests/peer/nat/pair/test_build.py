"""What is said about a meeting: the verdict, its exit code, and why each pair was taken or not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from peer.errors import Diagnosis
from peer.facts import Trouble
from peer.nat.pair.build import PairTest, milliseconds, rate, report
from peer.nat.pair.meeting import Meeting, Path, RoundTrip, Traffic
from peer.nat.report import Row
from peer.stats import PairReport

HOST = Path(route="direct", protocol="udp", local_type="host", remote_type="host")
THROUGH_NATS = Path(route="reflexive", protocol="udp", local_type="srflx", remote_type="prflx")
RELAYED = Path(route="relayed", protocol="tls", local_type="relay", remote_type="host")
CHOSEN = PairReport(
    outcome="selected",
    local_type="srflx",
    local="192.168.1.2:5000",
    seen="203.0.113.7:41000",
    remote_type="prflx",
    remote="198.51.100.3:6000",
    family=4,
    protocol="udp",
    rtt=0.034,
)
OTHER = msgspec.structs.replace(CHOSEN, outcome="no-answer", seen="", rtt=None)


def told(**fields: Any) -> PairTest:
    return report(Meeting(**{"room": "default/r", "connected_after": 0.5, **fields}))


def rows(test: PairTest, title: str) -> list[Row]:
    return next(section.rows for section in test.sections if section.title == title)


@pytest.mark.parametrize(
    ("path", "code", "exit_code", "words"),
    [
        (HOST, "direct", 0, "without a NAT"),
        (THROUGH_NATS, "reflexive", 0, "through the NATs"),
        (RELAYED, "relayed", 3, "over TLS"),
        (msgspec.structs.replace(RELAYED, protocol="udp"), "relayed", 3, "By a relay, because"),
    ],
)
def test_a_connection_is_judged_by_its_path(path: Path, code: str, exit_code: int, words: str) -> None:
    verdict = told(path=path).verdict
    assert (verdict.code, verdict.exit_code) == (code, exit_code)
    assert words in verdict.sentence
    assert "connected in 0.50 s" in verdict.sentence


def test_who_gets_a_relay_without_asking_for_it_is_told_how_to_find_out_why() -> None:
    assert any("nat check" in each for each in told(path=RELAYED).verdict.advice)
    assert told(path=RELAYED, is_relay_only=True).verdict.advice == []


def test_without_a_connection_the_diagnosis_speaks() -> None:
    diagnosis = Diagnosis("relay-needed", "Both sides are behind strict NATs.", "Configure a TURN server.")
    verdict = told(diagnosis=diagnosis, connected_after=None).verdict
    assert (verdict.code, verdict.exit_code) == ("relay-needed", 4)
    assert verdict.sentence == "No connection. Both sides are behind strict NATs."
    assert verdict.advice[0] == "Configure a TURN server."


@pytest.mark.parametrize(
    ("problem", "code", "exit_code"),
    [
        ("taken", "", 1),
        ("nobody", "", 1),
        ("other-version", "", 1),
        ("no-server", "", 4),
        ("refused", "401", 5),
        ("refused", "403", 5),
        ("refused", "room-full", 1),
    ],
)
def test_what_prevents_the_test_has_a_sentence_and_an_exit_code(
    problem: str, code: str, exit_code: int
) -> None:
    diagnosis = Diagnosis(code, "the server asks for a token", "give one") if code else None
    verdict = told(problem=problem, diagnosis=diagnosis).verdict
    assert verdict.exit_code == exit_code
    assert verdict.sentence.endswith(".")
    assert verdict.sentence[0].isupper()


def test_the_path_tells_the_addresses_and_how_the_other_end_sees_us() -> None:
    path = {row.label: row for row in rows(told(path=THROUGH_NATS, pairs=[CHOSEN]), "Path")}
    assert path["Protocol"].value == "UDP, IPv4"
    assert path["From"].value.startswith("192.168.1.2:5000")
    assert "203.0.113.7:41000" in path["From"].note
    assert path["To"].value.startswith("198.51.100.3:6000")


def test_what_the_other_end_says_of_its_relay_is_told() -> None:
    here = msgspec.structs.replace(THROUGH_NATS, route="relayed", local_type="host", remote_type="relay")
    path = {row.label: row.value for row in rows(told(path=here, partner_path=RELAYED), "Path")}
    assert path["The other end says"] == "by a relay over TLS"
    assert path["Protocol"] == "UDP"


@pytest.mark.parametrize(
    ("changes", "value", "note"),
    [
        ({"outcome": "no-answer"}, "no answer", "lets nothing through"),
        ({"outcome": "no-answer", "remote_type": "host", "remote": "10.0.0.3:1"}, "no answer", "private"),
        ({"outcome": "no-answer", "local_type": "relay"}, "no answer", "the relay"),
        ({"outcome": "answered", "rtt": 0.02}, "works too, 20 ms", "another pair was chosen first"),
        ({"outcome": "untried"}, "not tried", "before its turn"),
        ({"outcome": "outrun"}, "no answer yet", "before an answer came"),
        ({"outcome": "refused"}, "refused", "did not accept"),
        ({"outcome": "misplaced"}, "answered from elsewhere", "changes addresses"),
        ({"outcome": "denied", "local_type": "relay"}, "denied by the relay", "does not send"),
        ({"outcome": "unsent"}, "could not be sent", "no way"),
        ({"outcome": "checking"}, "no answer yet", "still being tried"),
        ({"outcome": "waiting"}, "not tried yet", "turn"),
    ],
)
def test_each_pair_says_what_became_of_it_and_why(changes: dict[str, Any], value: str, note: str) -> None:
    pair = msgspec.structs.replace(OTHER, **changes)
    (row,) = rows(told(pairs=[pair]), "Pairs of addresses")
    assert row.value == value
    assert note in row.note


def test_the_transport_to_the_relay_is_told() -> None:
    pair = msgspec.structs.replace(OTHER, local_type="relay", protocol="tls", family=6)
    (row,) = rows(told(pairs=[pair]), "Pairs of addresses")
    assert row.label == "relay → prflx, IPv6, TLS"


def test_quality_is_told_each_way_with_a_level() -> None:
    found = rows(
        told(
            path=HOST,
            rtt=RoundTrip(count=300, least=0.010, median=0.020, p99=0.5),
            to_partner=Traffic(sent=300, received=300, jitter=0.001, bytes_per_second=1e6),
            from_partner=Traffic(sent=300, received=240, jitter=0.05, reordered=3),
        ),
        "Quality",
    )
    assert [(row.label, row.value, row.level) for row in found] == [
        ("Round trip", "20 ms", "good"),
        ("Loss, outgoing", "0.0 % (0 of 300)", "good"),
        ("Jitter, outgoing", "1.0 ms", "plain"),
        ("Throughput, outgoing", "8.0 Mbit/s", "plain"),
        ("Loss, incoming", "20.0 % (60 of 300)", "bad"),
        ("Jitter, incoming", "50 ms", "warning"),
    ]
    assert "least 10 ms" in found[0].note
    assert "overtaken" in found[4].note


def test_heavy_loss_interruptions_and_an_early_end_lead_to_advice() -> None:
    lossy = Traffic(sent=100, received=50)
    advice = told(path=HOST, to_partner=lossy, interruptions=1, has_ended_early=True).verdict.advice
    assert len(advice) == 3


def test_servers_that_did_not_help_are_named() -> None:
    test = told(path=HOST, troubles=[Trouble("turn:example.org", 401, "Unauthorized")])
    (row,) = rows(test, "STUN and TURN servers that did not help")
    assert (row.label, row.value) == ("turn:example.org", "Unauthorized")


def test_a_report_without_anything_has_no_empty_sections() -> None:
    assert told(problem="nobody").sections == []


def test_figures_are_short() -> None:
    assert [milliseconds(0.0004), milliseconds(0.25)] == ["0.4 ms", "250 ms"]
    assert [rate(12_000), rate(2_500_000)] == ["96 kbit/s", "20.0 Mbit/s"]
