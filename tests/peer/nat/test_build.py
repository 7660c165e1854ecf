"""What is said about a network, bound to the JavaScript twin by the vectors; and that something always is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from peer.nat import row_words, words
from peer.nat.build import report
from peer.nat.observations import Observations
from peer.nat.report import Report
from peer.nat.verdict import EXIT_CODES
from tests.peer.nat.networks import any_observations
from tests.peer.nat.vectors import cases, observations, written

PAGE = (Path(__file__).parents[3] / "docs" / "nat.md").read_text()
TABLES = {
    "ways": words.WAYS,
    "relaying": words.RELAYING,
    "standstills": words.STANDSTILLS,
    "advice": words.ADVICE,
    "networks": words.NETWORKS,
    "reasons": words.REASONS,
    "without relay": words.WITHOUT_RELAY,
}
ROWS = {
    name: table
    for name, table in vars(row_words).items()
    if name.isupper() and isinstance(table, dict) and isinstance(next(iter(table.values())), tuple)
}


@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case["name"]))
def test_what_is_said_is_as_the_vectors_have_it(case: dict[str, Any]) -> None:
    assert written(report(observations(case))) == case["report"]


def test_each_verdict_and_each_advice_is_among_the_vectors() -> None:
    verdicts = [case["report"]["verdict"] for case in cases()]
    assert {verdict["code"] for verdict in verdicts} == set(EXIT_CODES)
    given_out = "\n".join(advice for verdict in verdicts for advice in verdict["advice"])
    for code, text in words.ADVICE.items():
        pattern = re.sub(r"\\\{\w+\\\}", ".*", re.escape(text))
        assert re.search(pattern, given_out), f"nobody is ever told {code}"


def test_each_way_and_each_row_is_among_the_vectors() -> None:
    reports = [case["report"] for case in cases()]
    sentences = [each["verdict"]["sentence"] for each in reports]
    for way in words.WAYS.values():
        assert any(sentence.startswith(way) for sentence in sentences), way
    told = "\n".join(row[2] for each in reports for rows in each["sections"].values() for row in rows)
    for table in ROWS.values():
        for kind, (_, note, _) in table.items():
            pattern = re.sub(r"\\\{\w+\\\}", ".*", re.escape(note)).removesuffix(r"\ .*")
            assert re.search(pattern, told), f"nobody ever reads {kind}: {note}"
    expected = "\n".join(why for each in reports for why in each["expectations"])
    for reason in words.REASONS.values():
        assert reason in expected


@given(any_observations)
def test_whatever_was_seen_something_whole_is_said(seen: Observations) -> None:
    said = report(seen)
    assert said.verdict.exit_code == EXIT_CODES[said.verdict.code]
    assert re.fullmatch(r"[A-Z][^\n{}]+\.", said.verdict.sentence)
    assert 1 <= len(said.verdict.advice) <= 6
    assert all(advice.endswith((".", "?")) for advice in said.verdict.advice)
    assert all(section.rows for section in said.sections)
    for section in said.sections:
        for row in section.rows:
            assert not re.search(r"[\x00-\x1f\x7f]", row.label + row.value + row.note)
    assert msgspec.json.decode(msgspec.json.encode(said), type=Report) == said


@given(any_observations)
def test_a_direct_verdict_never_stands_over_a_table_without_a_direct_way(seen: Observations) -> None:
    said = report(seen)
    if said.verdict.exit_code == 0:
        assert any(each.outcome in ("direct", "sometimes") for each in said.expectations)
    if said.verdict.exit_code == 4:
        assert all(each.outcome == "none" for each in said.expectations)


@pytest.mark.parametrize("name", TABLES)
def test_every_text_is_a_sentence_or_the_beginning_of_one(name: str) -> None:
    for text in TABLES[name].values():
        assert text == text.strip()
        if name in ("advice", "standstills", "reasons", "without relay"):
            assert re.fullmatch(r"[A-Z{].*[.?]", text)
        assert set(re.findall(r"\{(\w+)\}", text)) <= {"url", "name", "transports"}


@pytest.mark.parametrize("name", ROWS)
def test_every_note_is_made_of_whole_sentences(name: str) -> None:
    for value, note, _ in ROWS[name].values():
        assert value
        assert note == "" or re.fullmatch(r"[A-Z{].*[.}]", note)


@pytest.mark.parametrize("code", EXIT_CODES)
def test_every_verdict_is_documented_with_its_exit_code(code: str) -> None:
    assert re.search(rf"^\| `{code}` \| {EXIT_CODES[code]} \|", PAGE, re.M)


@pytest.mark.parametrize("network", words.NETWORKS)
def test_every_network_is_documented(network: str) -> None:
    assert f"| `{network}` | {words.NETWORKS[network]} |" in PAGE


def test_the_json_on_the_page_is_part_of_a_real_report() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (home,) = (case for case in cases() if case["name"] == "a port-restricted NAT")
    assert_part_of(json.loads(example), msgspec.to_builtins(report(observations(home))))


def assert_part_of(part: Any, whole: Any) -> None:
    """Of objects some fields, of lists the first elements."""
    if isinstance(part, dict):
        for key, value in part.items():
            assert_part_of(value, whole[key])
    elif isinstance(part, list):
        for value, other in zip(part, whole[: len(part)], strict=True):
            assert_part_of(value, other)
    else:
        assert part == whole


def test_the_report_on_the_page_has_all_its_fields() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    plain = msgspec.to_builtins(report(observations(cases()[1])))
    shown = json.loads(example)
    assert shown.keys() == plain.keys()
    for field in ("behaviour", "sections", "expectations"):
        assert shown[field][0].keys() == plain[field][0].keys()


@pytest.mark.parametrize(
    "word", ["endpoint-dependent", "address-and-port-dependent", "`sometimes`", "hairpin"]
)
def test_the_words_of_the_report_are_on_the_page(word: str) -> None:
    assert word in PAGE
