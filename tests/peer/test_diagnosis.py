"""What is said about a connection, bound to the JavaScript twin by the vectors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from peer.diagnosis import SOON, diagnose
from peer.errors import Diagnosis
from peer.facts import CandidateFacts, Facts, Trouble
from peer.sentences import WORDS

TESTS = Path(__file__).parents[1]
CASES: list[dict[str, Any]] = json.loads((TESTS / "vectors" / "diagnosis.json").read_text())["cases"]
PAGE = (TESTS.parent / "docs" / "errors.md").read_text()

urls = st.sampled_from(
    [
        "stun:a",
        "stun:b:3478",
        "stuns:a",
        "turn:a:3478",
        "TURN:b?transport=tcp",
        "turns:[::1]:443?transport=tcp",
        "turns:",
        "no url",
        "",
    ]
)
codes = st.sampled_from([0, 401, 437, 486, 701])
troubles = st.builds(Trouble, urls, codes, st.text() | st.just("bad certificate"))


def any_of(kind: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Whatever the types of the fields allow: numbers beyond all measure, NaN, any text."""
    known = {name: st.from_type(hint) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **(known | fields))


def mostly(usual: object, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What would hide all that comes after it, were it as frequent as the rest."""
    return st.sampled_from([usual] * 7 + [None]).flatmap(lambda it: other if it is None else st.just(it))


some_facts: st.SearchStrategy[Facts] = any_of(
    Facts,
    engine_mismatch=mostly("", st.text()),
    violation=mostly("", st.text()),
    has_network=mostly(True, st.sampled_from([None, False])),
    link=mostly("open", st.sampled_from(["connecting", "interrupted", "closed"])),
    is_peer_away=mostly(False, st.just(True)),
    is_dtls_failed=mostly(False, st.just(True)),
    servers=st.lists(urls, max_size=5).map(tuple),
    troubles=st.lists(troubles, max_size=5).map(tuple),
    local=st.lists(any_of(CandidateFacts), max_size=4).map(tuple),
    remote=st.lists(any_of(CandidateFacts), max_size=4).map(tuple),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_is_said_is_as_the_vectors_have_it(case: dict[str, Any]) -> None:
    said = diagnose(msgspec.convert(case["facts"], Facts))
    assert (said.code if said is not None else None) == case["code"]
    for part in ("sentence", "advice"):
        if part in case:
            assert getattr(said, part) == case[part]


@given(some_facts)
def test_whatever_is_known_something_whole_is_said_or_nothing(facts: Facts) -> None:
    said = diagnose(facts)
    if said is not None:
        assert said.code in WORDS
        assert said.sentence.endswith(".")
        assert "\n" not in str(said)


@given(some_facts)
def test_whoever_waits_for_a_connection_is_told_why(facts: Facts) -> None:
    assert diagnose(replace(facts, connection="interrupted")) is not None
    assert diagnose(replace(facts, connection="connecting", silence=SOON)) is not None


@given(some_facts)
def test_a_healthy_connection_is_not_talked_about(facts: Facts) -> None:
    healthy = replace(
        facts,
        connection="connected",
        engine_mismatch="",
        violation="",
        is_full_of_channels=False,
        loss=0.0,
        rtt=0.05,
        route="direct",
        route_protocol="udp",
    )
    assert diagnose(healthy) is None


@pytest.mark.parametrize("code", WORDS)
def test_every_code_is_documented_and_has_its_words_among_the_vectors(code: str) -> None:
    assert f"### {code}\n" in PAGE
    assert any(case["code"] == code and "advice" in case for case in CASES)


@pytest.mark.parametrize("code", WORDS)
def test_a_sentence_says_what_is_so_and_the_advice_what_to_do(code: str) -> None:
    for text in WORDS[code]:
        assert re.fullmatch(r"[A-Z{].*[.?]", text)
        assert set(re.findall(r"\{(\w+)\}", text)) <= {
            "url",
            "reason",
            "seconds",
            "loss",
            "rtt",
            "protocol",
        }


def test_a_diagnosis_reads_as_one_text_and_leads_to_its_page() -> None:
    said = Diagnosis("no-path", "Nothing works.", "Try again.")
    assert str(said) == "Nothing works. Try again."
    assert said.docs == "docs/errors.md#no-path"
