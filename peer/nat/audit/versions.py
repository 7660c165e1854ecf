"""Which holes are known of which versions of coturn. Pure."""

from __future__ import annotations

import re

import msgspec

from peer.nat.audit.ranges import Severity

Version = tuple[int, int, int, int]

OPT_IN: Version = (4, 7, 0, 0)
"""From here on SOFTWARE, RFC 5780 and old attributes are only sent by who switches them on."""
MENDED: Version = (4, 17, 0, 0)
"""Without any of the holes below."""

_VERSION = re.compile(
    r"coturn-([0-9]{1,3})\.([0-9]{1,3})(?:\.([0-9]{1,3}))?(?:\.([0-9]{1,3}))?", re.IGNORECASE | re.ASCII
)


class Hole(msgspec.Struct, frozen=True):
    id: str
    severity: Severity
    text: str
    fixed: Version
    since: Version = (0, 0, 0, 0)


HOLES = (
    Hole("CVE-2018-4056", "critical", "the administration pages let anybody into the database", (4, 5, 0, 9)),
    Hole("CVE-2018-4058", "critical", "relays to the machine itself unless it is told not to", (4, 5, 0, 9)),
    Hole("CVE-2018-4059", "critical", "the console on port 5766 has no password", (4, 5, 0, 9)),
    Hole("CVE-2020-6061", "high", "the web server can be made to read beyond its memory", (4, 5, 1, 2)),
    Hole("CVE-2020-4067", "medium", "answers carry bytes of what others have asked", (4, 5, 1, 3)),
    Hole("CVE-2020-26262", "critical", "0.0.0.0, :: and ::1 lead to the machine itself", (4, 5, 2, 0)),
    Hole("CVE-2025-69217", "high", "nonces and ports can be guessed", (4, 8, 0, 0), since=(4, 6, 3, 0)),
    Hole("CVE-2026-27624", "critical", "::ffff:a.b.c.d gets around denied-peer-ip", (4, 9, 0, 0)),
    Hole("CVE-2026-40613", "high", "a message can be taken for one of another kind", (4, 10, 0, 0)),
    Hole("CVE-2026-43994", "high", "with oauth: memory is overwritten before anybody logs in", (4, 10, 0, 0)),
    Hole("GHSA-4g7c-p5wg-j4hp", "high", "with Redis: what clients send is taken for a format", (4, 13, 0, 0)),
    Hole(
        "GHSA-5x2p-4vqj-f6m4", "medium", "with DTLS: memory is used up before anybody logs in", (4, 17, 0, 0)
    ),
)


def version_of(software: str) -> Version | None:
    """Of coturn, as it calls itself; None for others, and for who does not tell."""
    found = _VERSION.search(software)
    if found is None:
        return None
    major, minor, patch, build = (int(part or 0) for part in found.groups())
    return major, minor, patch, build


def holes_of(version: Version) -> list[Hole]:
    return [hole for hole in HOLES if hole.since <= version < hole.fixed]


def version_text(version: Version) -> str:
    """As people write it: 4.17.0, 4.5.1.3."""
    return ".".join(map(str, version if version[3] else version[:3]))
