"""Situations that no network makes alone, and what is told of networks beside mapping and filtering."""

from __future__ import annotations

import pytest

from tests.natlab.nat.classification import checked
from tests.natlab.nat.internet import Internet
from tests.natlab.nat.networks import network
from tests.natlab.nat.places import world
from tests.natlab.nat.services import services
from tests.natlab.nat.special import SITUATIONS, met

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.needs("internet"),
]


async def test_each_situation_has_the_path_that_it_allows() -> None:
    found = {}
    async with world([]) as lab:
        for situation in SITUATIONS:
            async with met(lab, situation) as meeting:
                found[situation.name] = meeting
    wrong = [(each.name, found[each.name]) for each in SITUATIONS if found[each.name].path not in each.paths]
    assert wrong == []


async def test_what_is_special_about_a_network_is_told() -> None:
    """Hairpinning, fragments that are lost, a second router, and who meddles with answers."""
    names = (
        "hairpin",
        "port-restricted",
        "fragments-dropped",
        "address-mapping",
        "cgnat",
        "meddling",
        "small-packets",
    )
    with Internet() as internet, services(internet) as served:
        clients = {name: internet.place(network(name)) for name in names}
        reports = {
            name: await checked(client, served, served.stun, "--hairpin") for name, client in clients.items()
        }
    behaviour = {name: report["behaviour"][0] for name, report in reports.items()}
    assert {name: each["mapping"] for name, each in behaviour.items()} == {
        each: network(each).mapping for each in names
    }
    assert behaviour["hairpin"]["hairpins"] is True
    assert behaviour["port-restricted"]["hairpins"] is False
    fragments = {name: report["observations"]["size"][0]["fragments"] for name, report in reports.items()}
    # Whoever rewrites bytes at a fixed place spoils datagrams that come in pieces.
    lost = ("fragments-dropped", "meddling")
    assert fragments == {name: name not in lost for name in names}
    scopes = [hop["scope"] for hop in reports["cgnat"]["observations"]["hops"]]
    assert "shared" in scopes
    told = {
        name: {row["label"]: row["value"] for section in report["sections"] for row in section["rows"]}
        for name, report in reports.items()
    }
    assert "CGNAT" in told["cgnat"]["NATs in a row"]
    assert {name: rows["Tampering"] for name, rows in told.items() if rows["Tampering"] != "none"}.keys() == {
        "meddling"
    }
    largest = {name: report["observations"]["size"][0]["largest"] for name, report in reports.items()}
    assert largest["small-packets"] <= 1252 < largest["port-restricted"]
