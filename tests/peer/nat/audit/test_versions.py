from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.audit.versions import Version, holes_of, version_of, version_text


@pytest.mark.parametrize(
    ("software", "version"),
    [
        ("Coturn-4.6.1 'Gorst'", (4, 6, 1, 0)),
        ("Coturn-4.5.1.3 'dan Eider'", (4, 5, 1, 3)),
        ("coturn-4.17", (4, 17, 0, 0)),
        ("pion 3.0.1", None),
        ("None", None),
        ("", None),
    ],
)
def test_the_version_is_read_as_coturn_writes_it(software: str, version: Version | None) -> None:
    assert version_of(software) == version


@pytest.mark.parametrize(
    ("version", "has", "has_not"),
    [
        ((4, 5, 1, 3), "CVE-2020-26262", "CVE-2020-4067"),
        ((4, 6, 1, 0), "CVE-2026-27624", "CVE-2025-69217"),
        ((4, 6, 3, 0), "CVE-2025-69217", "CVE-2020-26262"),
        ((4, 9, 0, 0), "CVE-2026-40613", "CVE-2026-27624"),
    ],
)
def test_a_hole_is_there_from_the_version_that_made_it_to_the_one_that_mended_it(
    version: Version, has: str, has_not: str
) -> None:
    found = {hole.id for hole in holes_of(version)}
    assert has in found
    assert has_not not in found


def test_a_version_is_written_without_zeros_behind() -> None:
    assert version_text((4, 17, 0, 0)) == "4.17.0"
    assert version_text((4, 5, 1, 3)) == "4.5.1.3"


@given(st.text())
def test_no_name_of_a_server_raises(software: str) -> None:
    version_of(software)
