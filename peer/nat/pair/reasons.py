"""Why a pair of addresses was taken or not, in words."""

from __future__ import annotations

import ipaddress

from peer.stats import PairOutcome, PairReport

CHOSEN: PairOutcome = "selected"
FAILED: frozenset[PairOutcome] = frozenset({"no-answer", "refused", "misplaced", "denied", "unsent"})

SHORT: dict[PairOutcome, str] = {
    "selected": "chosen",
    "answered": "works too",
    "untried": "not tried",
    "outrun": "no answer yet",
    "waiting": "not tried yet",
    "checking": "no answer yet",
    "no-answer": "no answer",
    "refused": "refused",
    "misplaced": "answered from elsewhere",
    "denied": "denied by the relay",
    "unsent": "could not be sent",
}

_LONG: dict[PairOutcome, str] = {
    "selected": "",
    "answered": "another pair was chosen first",
    "untried": "another pair was chosen before its turn came",
    "outrun": "another pair was chosen before an answer came",
    "waiting": "its turn has not come",
    "checking": "it was still being tried",
    "no-answer": "a NAT or a firewall on the way lets nothing through",
    "refused": "the other end did not accept the check",
    "misplaced": "a NAT on the way changes addresses, so the answer does not count",
    "denied": "the TURN server does not send to this address",
    "unsent": "this machine has no way to such an address",
}
_SILENT: frozenset[PairOutcome] = frozenset({"no-answer", "outrun", "checking"})


def reason(pair: PairReport) -> str:
    """Half a sentence; empty for the chosen one."""
    told = _LONG[pair.outcome]
    if pair.outcome in _SILENT:
        silent = _silence(pair)
        if silent:
            return f"{told}; {silent}" if pair.outcome != "no-answer" else silent
    return told


def _silence(pair: PairReport) -> str:
    """What makes it silent more likely than not; empty when nothing does."""
    if "relay" in (pair.local_type, pair.remote_type):
        return "the relay and that address do not reach each other"
    if pair.remote_type == "host" and _is_private(pair.remote):
        return "a private address answers only inside its own network"
    return ""


def _is_private(endpoint: str) -> bool:
    host = endpoint.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
