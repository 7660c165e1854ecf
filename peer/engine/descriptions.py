"""What is done to the words of the other side before aiortc reads them. Pure text work.

Three traps of aiortc 1.16 and aioice 0.13 are taken out here, each measured:

- ``a=end-of-candidates`` makes ICE give up before late and peer-reflexive candidates arrive;
- a candidate with a ``.local`` name holds up the whole description for a second, and may raise;
- a rejected section (port 0) has no ICE credentials, which makes the whole description unreadable.
"""

from __future__ import annotations

import re

import msgspec
from aiortc import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp

from signaling.protocol.messages import IceCandidateInit

MAX_SDP_CHARACTERS = 200_000
"""Fifty times an ordinary description; parsing takes time for each line."""

MAX_SECTIONS = 64
"""Each costs a decoder and a thread."""

_CREDENTIALS = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:")


class RemoteDescription(msgspec.Struct, frozen=True):
    """``sdp`` as aiortc can take it; ``named``: candidates with names, to be added in their own time."""

    sdp: str
    named: list[IceCandidateInit]


def prepare_remote(sdp: str) -> RemoteDescription:
    """Raises ValueError for a description that is longer, or has more sections, than any honest one."""
    if len(sdp) > MAX_SDP_CHARACTERS:
        raise ValueError(f"a description of {len(sdp):,} characters")
    head, *sections = _split(sdp)
    if len(sections) > MAX_SECTIONS:
        raise ValueError(f"a description with {len(sections)} sections")
    credentials = next((found for section in sections if (found := _credentials_in(section))), [])
    named: list[IceCandidateInit] = []
    lines = list(head)
    for index, section in enumerate(sections):
        mid = next((line[6:] for line in section if line.startswith("a=mid:")), None)
        for line in section:
            if line == "a=end-of-candidates":
                continue
            if line.startswith("a=candidate:") and _has_name(line):
                named.append(IceCandidateInit(line[2:], sdp_mid=mid, sdp_m_line_index=index))
                continue
            lines.append(line)
        if not _credentials_in(head) and not _credentials_in(section):
            lines += credentials
    return RemoteDescription("\r\n".join(lines) + "\r\n", named)


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
    for line in re.split(r"\r?\n", sdp):
        if line.startswith("m="):
            parts.append([])
        if line:
            parts[-1].append(line)
    return parts


def _credentials_in(lines: list[str]) -> list[str]:
    found = [line for line in lines if line.startswith(_CREDENTIALS)]
    return found if any(line.startswith("a=ice-ufrag:") for line in found) else []


def _has_name(line: str) -> bool:
    words = line.split()
    return len(words) > 4 and words[4].lower().endswith(".local")
