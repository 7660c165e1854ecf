"""The report that everybody shows: command line, JSON and page."""

from __future__ import annotations

from typing import Literal

import msgspec

from peer.nat.observations import Family, Observations

SCHEMA = 1
"""Of the JSON; raised when a field goes or changes its meaning, not when one is added."""

Mapping = Literal[
    "endpoint-independent",
    "address-dependent",
    "address-and-port-dependent",
    "endpoint-dependent",
    "unknown",
]
"""RFC 4787 section 4.1; ``endpoint-dependent``: two servers see two endpoints, and which it is stays open."""
Filtering = Literal["endpoint-independent", "address-dependent", "address-and-port-dependent", "unknown"]
"""RFC 4787 section 5."""
Level = Literal["good", "plain", "warning", "bad"]
Outcome = Literal["direct", "sometimes", "relay", "none"]
"""``sometimes``: it depends on who sends first, or on what is not known; ``why`` says which."""


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """What the NAT does, for one address family."""

    family: Family
    is_translated: bool | None
    mapping: Mapping
    filtering: Filtering
    is_stable: bool | None
    """Whether a mapping stays when somebody knocks on it first."""
    is_port_preserved: bool | None
    hairpins: bool | None


class Row(msgspec.Struct, frozen=True):
    label: str
    value: str
    note: str = ""
    """Why it matters, in plain words."""
    level: Level = "plain"


class Section(msgspec.Struct, frozen=True):
    title: str
    rows: list[Row]


class Expectation(msgspec.Struct, frozen=True):
    """What a connection to a peer in such a network will be."""

    network: str
    """``open``, ``full-cone``, … as ``peer.nat.expectations`` lists them."""
    name: str
    outcome: Outcome
    why: str = ""


class Verdict(msgspec.Struct, frozen=True):
    code: str
    sentence: str
    advice: list[str]
    exit_code: int
    """0 direct, 3 only by relay, 4 no connectivity, 5 credentials or token refused."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    schema: int = SCHEMA
    verdict: Verdict
    behaviour: list[Behaviour]
    sections: list[Section]
    expectations: list[Expectation]
    observations: Observations
