"""What is done to descriptions: the other side's before aiortc reads them, ours before they are sent.

Pure text work. Five traps of aiortc 1.16 and aioice 0.13 are taken out here, each measured:

- ``a=end-of-candidates`` makes ICE give up before late and peer-reflexive candidates arrive;
- a candidate with a ``.local`` name holds up the whole description for a second, and may raise;
- where sections share a transport, only the candidates of the last one are taken;
- a rejected section (port 0) has no ICE credentials, which makes the whole description unreadable;
- the time that a section takes, and its memory, grow with the square of its length.
"""

from __future__ import annotations

from collections import Counter

import msgspec
from aiortc import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp

from signaling.protocol.signals import IceCandidateInit

MAX_SDP_CHARACTERS = 200_000
"""Fifty times an ordinary description; parsing takes time for each line."""

MAX_SECTIONS = 64
"""Each costs a decoder and a thread."""

MAX_PAIRINGS = 400_000
"""aiortc goes through all codecs of a section for each of their settings, and through all sources for each
source: half a second. Sixty kilobytes can ask for millions; what browsers write asks for ten thousand."""

MAX_CREDENTIAL_LINES = 32
"""Of one section; those of the first are repeated in each section that has none."""

TRICKLE = "a=ice-options:trickle"
_CANDIDATE = "a=candidate:"
_END = "a=end-of-candidates"
_CREDENTIALS = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:")


class RemoteDescription(msgspec.Struct, frozen=True):
    """A description of the other side, ready for aiortc, which shall add no candidates by itself.

    All sections share one transport: the first section of the bundle names it, and has its candidates.
    """

    sdp: str
    ufrag: str | None
    """Another one than before means another generation of ICE (RFC 8839 section 4.4.1.1.1)."""
    mid: str | None
    index: int
    candidates: list[IceCandidateInit]
    is_complete: bool
    """It says that there are no more candidates."""
    has_channels: bool
    """There is a section for data channels."""
    sending: list[str]
    """The mids of sections in which the other side sends."""


def prepare_remote(sdp: str) -> RemoteDescription:
    """Raises ValueError for a description that is longer, or has more sections, than any honest one."""
    if len(sdp) > MAX_SDP_CHARACTERS:
        raise ValueError(f"a description of {len(sdp):,} characters")
    head, *sections = _split(sdp)
    if len(sections) > MAX_SECTIONS:
        raise ValueError(f"a description with {len(sections)} sections")
    if sum(_pairings(section) for section in sections) > MAX_PAIRINGS:
        raise ValueError("a description with too many codecs, settings or sources")
    credentials = next((found for section in sections if (found := _credentials_in(section))), [])
    if len(credentials) > MAX_CREDENTIAL_LINES:
        raise ValueError(f"a section with {len(credentials)} lines of credentials")
    lines = _without_candidates(head)
    are_in_head = bool(_credentials_in(head))
    for section in sections:
        lines += _without_candidates(section)
        if not are_in_head and not _credentials_in(section):
            lines += credentials
    index = _first_of_bundle(head, sections)
    first = sections[index] if sections else []
    mid = _value(first, "a=mid:")
    return RemoteDescription(
        sdp="\r\n".join(lines) + "\r\n",
        ufrag=_value([*first, *head], "a=ice-ufrag:"),
        mid=mid,
        index=index,
        candidates=[
            IceCandidateInit(line[2:], sdp_mid=mid, sdp_m_line_index=index)
            for line in first
            if line.startswith(_CANDIDATE)
        ],
        is_complete=any(_is_end(line) for line in (*first, *head)),
        has_channels=any(section[0].startswith("m=application") for section in sections),
        sending=[mid for section in sections if (mid := _value(section, "a=mid:")) and _sends(section)],
    )


def prepare_local(sdp: str) -> str:
    """A description of ours, which says that candidates may follow (RFC 8840 section 4.1.1)."""
    return sdp.replace("\r\nm=", f"\r\n{TRICKLE}\r\nm=", 1)


def first_mid(sdp: str) -> str | None:
    """Of a description of ours: the section that candidates which come late belong to."""
    return _value(sdp.split("\r\n"), "a=mid:")


def parse_candidate(init: IceCandidateInit) -> RTCIceCandidate | None:
    """A candidate as aiortc has it; None when it is empty or nothing that aiortc can use."""
    text = init.candidate.removeprefix("a=").removeprefix("candidate:")
    if not text or (init.sdp_mid is None and init.sdp_m_line_index is None):
        return None
    try:
        candidate = candidate_from_sdp(text)
    except (AssertionError, ValueError, IndexError):
        # aiortc's parser asserts, converts and indexes, and says nothing else about bad input.
        return None
    candidate.sdpMid = init.sdp_mid
    candidate.sdpMLineIndex = init.sdp_m_line_index
    return candidate


def has_name(candidate: RTCIceCandidate) -> bool:
    """Whether its address is an mDNS name, which has to be asked for in the local network."""
    return candidate.ip.lower().endswith(".local")


def _split(sdp: str) -> list[list[str]]:
    """The lines of the session, then those of each media section."""
    parts: list[list[str]] = [[]]
    # As aiortc does: what it takes for a line of its own must not be hidden in another one here.
    for line in sdp.splitlines():
        if line.startswith("m="):
            parts.append([])
        if line:
            parts[-1].append(line)
    return parts


def _credentials_in(lines: list[str]) -> list[str]:
    found = [line for line in lines if line.startswith(_CREDENTIALS)]
    return found if any(line.startswith("a=ice-ufrag:") for line in found) else []


def _without_candidates(lines: list[str]) -> list[str]:
    return [line for line in lines if not _is_end(line) and not line.startswith(_CANDIDATE)]


def _is_end(line: str) -> bool:
    """Whatever stands behind a colon means nothing to aiortc."""
    return line == _END or line.startswith(f"{_END}:")


def _pairings(section: list[str]) -> int:
    """How many steps aiortc takes over it, roughly."""
    kinds = Counter(line.partition(":")[0] for line in section)
    codecs, sources = kinds["a=rtpmap"], kinds["a=ssrc"]
    return codecs * (kinds["a=fmtp"] + kinds["a=rtcp-fb"]) + sources * sources


def _sends(section: list[str]) -> bool:
    return section[0].split()[1:2] != ["0"] and not {"a=recvonly", "a=inactive"} & set(section)


def _first_of_bundle(head: list[str], sections: list[list[str]]) -> int:
    bundle = (_value(head, "a=group:BUNDLE") or "").split()
    mids = [_value(section, "a=mid:") for section in sections]
    return mids.index(bundle[0]) if bundle and bundle[0] in mids else 0


def _value(lines: list[str], prefix: str) -> str | None:
    return next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), None)
