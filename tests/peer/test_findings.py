from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peer.facts import CandidateFacts, Trouble
from peer.findings import MAX_FINDINGS, Findings
from signaling.protocol.signals import Candidate, Description, IceCandidateInit

HOST = "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"
NAMED = "candidate:1 1 udp 2130706431 3e1d.local 50000 typ host"
REFLEXIVE = "candidate:2 1 UDP 1694498815 2001:db8::1 50000 typ srflx raddr 0.0.0.0 rport 0"


def offer(*candidates: str, ufrag: str = "one") -> Description:
    lines = "".join(f"a={line}\r\n" for line in (f"ice-ufrag:{ufrag}", *candidates))
    return Description(1, "offer", f"v=0\r\n{lines}")


def test_candidates_are_known_from_descriptions_and_from_those_that_follow() -> None:
    findings = Findings()
    findings.sent(offer(HOST))
    findings.sent(Candidate(1, IceCandidateInit(REFLEXIVE)))
    findings.received(offer(NAMED))
    assert findings.local == (CandidateFacts("host"), CandidateFacts("srflx", family=6))
    assert findings.remote == (CandidateFacts("host", family=0),)
    assert findings.has_answer


def test_the_end_of_candidates_is_known_of_each_side() -> None:
    findings = Findings()
    findings.sent(Candidate(1))
    assert (findings.is_gathered, findings.is_remote_gathered) == (True, False)
    findings.received(offer(HOST, "end-of-candidates"))
    assert findings.is_remote_gathered


def test_new_credentials_begin_anew_and_another_round_with_the_old_ones_does_not() -> None:
    findings = Findings()
    findings.sent(offer(HOST, REFLEXIVE))
    findings.troubled(Trouble("stun:192.0.2.1", 701))
    findings.sent(offer(HOST))
    assert (len(findings.local), len(findings.troubles)) == (2, 1)
    findings.sent(offer(HOST, ufrag="two"))
    assert (len(findings.local), findings.troubles) == (1, ())


def test_they_are_bounded() -> None:
    findings = Findings()
    findings.received(offer())
    for _ in range(1000):
        findings.received(Candidate(1, IceCandidateInit(HOST)))
        findings.troubled(Trouble("stun:192.0.2.1", 701))
    assert len(findings.remote) == len(findings.troubles) == MAX_FINDINGS


@given(st.text())
def test_whatever_a_candidate_says_nothing_raises(line: str) -> None:
    findings = Findings()
    findings.received(Candidate(1, IceCandidateInit(line)))
    findings.received(offer(line))
