"""What a connection finds out while it is being made, for its diagnosis: candidates and troubles."""

from __future__ import annotations

import ipaddress
from typing import Any, Literal, cast

from peer.facts import CandidateFacts, Facts, Trouble
from signaling.protocol.signals import Candidate, Description, PeerPayload

MAX_FINDINGS = 64
"""Of each kind; what comes after them changes no diagnosis."""
TYPES = ("host", "srflx", "prflx", "relay")


class Findings:
    """Of one attempt: new ICE credentials of a side replace what that side had."""

    def __init__(self) -> None:
        self.local: tuple[CandidateFacts, ...] = ()
        self.remote: tuple[CandidateFacts, ...] = ()
        self.troubles: tuple[Trouble, ...] = ()
        self.is_gathered = False
        self.is_remote_gathered = False
        self.has_answer = False
        self.remote_ufrag = ""
        self._local_ufrag = ""

    def sent(self, payload: PeerPayload) -> None:
        match payload:
            case Description():
                ufrag, self._local_ufrag = self._local_ufrag, _ufrag_in(payload.sdp)
                if ufrag != self._local_ufrag:
                    self.local, self.is_gathered, self.troubles = _candidates_in(payload.sdp), False, ()
            case Candidate(candidate=None):
                self.is_gathered = True
            case Candidate(candidate=found) if found is not None:
                self.local = _with(self.local, found.candidate)

    def received(self, payload: PeerPayload) -> None:
        match payload:
            case Description():
                self.has_answer = True
                ufrag, self.remote_ufrag = self.remote_ufrag, _ufrag_in(payload.sdp)
                if ufrag != self.remote_ufrag:
                    self.remote = _candidates_in(payload.sdp)
                    self.is_remote_gathered = "\na=end-of-candidates" in payload.sdp
            case Candidate(candidate=None):
                self.is_remote_gathered = True
            case Candidate(candidate=found) if found is not None:
                self.remote = _with(self.remote, found.candidate)

    def troubled(self, trouble: Trouble) -> None:
        if len(self.troubles) < MAX_FINDINGS:
            self.troubles = (*self.troubles, trouble)

    def facts(self, **others: Any) -> Facts:
        """All together with what others know, in the words of :class:`Facts`."""
        return Facts(
            local=self.local,
            remote=self.remote,
            troubles=self.troubles,
            is_gathered=self.is_gathered,
            is_remote_gathered=self.is_remote_gathered,
            has_answer=self.has_answer,
            **others,
        )


def _ufrag_in(sdp: str) -> str:
    return next((line[12:] for line in sdp.splitlines() if line.startswith("a=ice-ufrag:")), "")


def _candidates_in(sdp: str) -> tuple[CandidateFacts, ...]:
    found: tuple[CandidateFacts, ...] = ()
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            found = _with(found, line[2:])
    return found


def _with(candidates: tuple[CandidateFacts, ...], line: str) -> tuple[CandidateFacts, ...]:
    """Those, and the one of this line when it can be read (RFC 8839 section 5.1)."""
    words = line.split()
    if len(candidates) >= MAX_FINDINGS or len(words) < 8 or words[7] not in TYPES:
        return candidates
    protocol: Literal["udp", "tcp"] = "tcp" if words[2].lower() == "tcp" else "udp"
    type_ = cast(Literal["host", "srflx", "prflx", "relay"], words[7])
    return (*candidates, CandidateFacts(type_, protocol, family=_family(words[4])))


def _family(host: str) -> Literal[0, 4, 6]:
    try:
        return 6 if ipaddress.ip_address(host).version == 6 else 4
    except ValueError:
        return 0
