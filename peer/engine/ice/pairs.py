"""Every pair of candidates that was tried, and what has become of it: for who asks why a path was taken."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from aioice import Candidate
from aioice.ice import CandidatePair, StunProtocol
from aioice.stun import TransactionFailed, TransactionTimeout

from peer.engine.ice.checks import Address
from peer.engine.ice.relay import RelayProtocol
from peer.engine.ice.route import local_type, remote_type
from peer.engine.ice.servers import ServerAddress
from peer.stats import PairOutcome, PairReport

State = CandidatePair.State


class Ledger:
    """What the check list itself does not keep: why a check has failed, and which pairs were taken off it."""

    def __init__(self) -> None:
        self.dropped: list[CandidatePair] = []
        """Never checked, because another pair was chosen first."""
        self.troubles: dict[CandidatePair, PairOutcome] = {}

    @contextmanager
    def asking(self, pair: CandidatePair) -> Iterator[None]:
        """Around each question; what is raised inside is noted, and goes on."""
        self.troubles.pop(pair, None)
        try:
            yield
        except BaseException as error:
            match error:
                case TransactionTimeout():
                    self.troubles[pair] = "no-answer"
                case TransactionFailed():
                    self.troubles[pair] = "refused"
                case OSError():
                    self.troubles[pair] = "unsent"
                case _:
                    self.troubles[pair] = "outrun"
            raise

    def misplaced(self, pair: CandidatePair) -> None:
        """It was answered from somewhere else."""
        self.troubles[pair] = "misplaced"

    def outcome(self, pair: CandidatePair, selected: CandidatePair | None, is_over: bool) -> PairOutcome:
        """``is_over``: no more checks are begun."""
        if pair is selected:
            return "selected"
        match pair.state:
            case State.SUCCEEDED:
                return "answered"
            case State.IN_PROGRESS | State.FAILED if _is_denied(pair):
                return "denied"
            case State.IN_PROGRESS:
                return "checking"
            case State.FAILED:
                trouble = self.troubles.get(pair, "no-answer")
                return "no-answer" if trouble == "outrun" and selected is None else trouble
        return "untried" if is_over else "waiting"


def reports(
    pairs: Iterable[CandidatePair],
    ledger: Ledger,
    *,
    selected: CandidatePair | None,
    is_over: bool,
    local_candidates: list[Candidate],
    remote_candidates: list[Candidate],
    mapped: Mapping[CandidatePair, Address],
    rtts: Mapping[CandidatePair, float],
    relays: Mapping[StunProtocol, ServerAddress],
) -> list[PairReport]:
    """One for each pair, the selected one first, then in the order of ``pairs``."""
    known = dict.fromkeys([*pairs, *ledger.dropped])
    found = []
    for pair in sorted(known, key=lambda pair: pair is not selected):
        relay, seen = relays.get(pair.protocol), mapped.get(pair)
        found.append(
            PairReport(
                outcome=ledger.outcome(pair, selected, is_over),
                local_type=local_type(pair, seen, local_candidates),
                local=_endpoint(pair.local_addr),
                seen=_endpoint(seen) if seen is not None and seen != pair.local_addr else "",
                remote_type=remote_type(pair.remote_candidate, remote_candidates),
                remote=_endpoint(pair.remote_addr),
                family=6 if ":" in pair.remote_addr[0] else 4,
                protocol="udp" if relay is None else relay.transport,
                rtt=rtts.get(pair),
            )
        )
    return found


def _is_denied(pair: CandidatePair) -> bool:
    return isinstance(pair.protocol, RelayProtocol) and pair.remote_addr in pair.protocol.allocation.denied


def _endpoint(address: Address) -> str:
    host, port = address
    try:
        is_v6 = ipaddress.ip_address(host).version == 6
    except ValueError:
        is_v6 = False
    return f"[{host}]:{port}" if is_v6 else f"{host}:{port}"
