"""Kinds and labels, bound to the JavaScript twin by the vectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.channels.kinds import KINDS, decode_label, encode_label, kind_named, parse_protocol, protocol_of

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "labels.json").read_text())


@pytest.mark.parametrize("case", VECTORS["labels"], ids=lambda case: case["encoded"][:20])
def test_labels_travel_as_ascii(case: dict[str, str]) -> None:
    assert encode_label(case["label"]) == case["encoded"]
    assert decode_label(case["encoded"]) == case["label"]


@pytest.mark.parametrize("case", VECTORS["refuse"], ids=lambda case: case["why"])
def test_labels_have_a_length(case: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a label has"):
        encode_label(case["label"])


@pytest.mark.parametrize("case", VECTORS["foreign"], ids=lambda case: case["why"])
def test_labels_that_are_not_ours_are_none(case: dict[str, str]) -> None:
    assert decode_label(case["encoded"]) is None


def test_half_a_surrogate_pair_is_no_label() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode_label("\ud800")


@given(st.text(max_size=200))
def test_no_label_from_the_other_side_raises(encoded: str) -> None:
    decode_label(encoded)


def test_kinds_are_found_by_name() -> None:
    assert [kind_named(kind.name) for kind in KINDS] == list(KINDS)
    assert kind_named("express") is None


@pytest.mark.parametrize("case", VECTORS["protocols"], ids=lambda case: case["kind"])
def test_a_protocol_names_the_kind_and_the_channel(case: dict[str, str]) -> None:
    kind = kind_named(case["kind"])
    assert kind
    assert protocol_of(kind, case["id"]) == case["protocol"]
    assert parse_protocol(case["protocol"]) == (kind, case["id"])


@pytest.mark.parametrize("case", VECTORS["foreign_protocols"], ids=lambda case: case["why"])
def test_protocols_that_are_not_ours_are_none(case: dict[str, str]) -> None:
    assert parse_protocol(case["protocol"]) is None


@given(st.text())
def test_no_protocol_from_the_other_side_raises(protocol: str) -> None:
    parse_protocol(protocol)
