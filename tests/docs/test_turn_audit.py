from __future__ import annotations

import re
from pathlib import Path

from peer.nat.audit.ranges import GROUPS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "turn-audit.md").read_text()
AUDIT = ROOT / "peer" / "nat" / "audit"


def codes() -> set[str]:
    """Of everything that can be wrong, but the permissions."""
    sources = [(AUDIT / name).read_text() for name in ("access.py", "reach.py", "wire.py")]
    return {code for source in sources for code in re.findall(r"\.hole\(\s*\"([a-z0-9-]+)\"", source)}


def test_every_finding_has_a_place_in_the_page() -> None:
    assert len(codes()) > 10
    for code in codes():
        assert f"\n### {code}\n" in PAGE, code


def test_every_group_of_addresses_has_its_row_and_its_severity() -> None:
    for group in GROUPS:
        row = re.search(rf"^\| `permits-{group.code}` \|.*\| (\w+) \|$", PAGE, re.MULTILINE)
        assert row is not None, group.code
        assert row[1] == group.severity
