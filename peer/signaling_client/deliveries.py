"""Signals: exactly once and in order for each pair, or the sender is told.

Every destination has its own numbers, 1, 2, 3 …, which live as long as our id does. A signal that could
not be delivered keeps its number with an empty payload: its peer may come back one day and goes on counting.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

import msgspec

from peer.signaling_client.allowance import Allowance
from peer.signaling_client.incoming import Incoming
from peer.signaling_client.outgoing import Kept, Outgoing
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Ack, Signal

MAX_REMEMBERED_PEERS = 1000
"""Numbers of this many peers are remembered after they have gone; a ticket to come back with dies earlier."""


class Deliveries:
    """``nothing`` is how the wire's codec writes an empty payload."""

    def __init__(self, nothing: msgspec.Raw, allowance: Allowance) -> None:
        self.resends = 0
        """Signals that were said again because their peer did not acknowledge them."""
        self._nothing = nothing
        self._allowance = allowance
        self._outgoing: dict[PeerId, Outgoing] = {}
        self._incoming: dict[PeerId, Incoming] = {}

    def send(self, to: PeerId, payload: msgspec.Raw, doubt_until: float, now: float) -> Signal | None:
        """Number a signal and keep it; None when it has to wait: until the peer appears, or for others.

        ``doubt_until`` is when to give up on a peer that nobody has announced; infinite when somebody has.
        Raises Full when 256 signals, or 1 MiB of them, are not acknowledged yet.
        """
        outgoing = self._outgoing.setdefault(to, Outgoing())
        kept = outgoing.keep(payload, now)
        if not outgoing.is_present:
            outgoing.until = min(outgoing.until, doubt_until)
        return None if kept is None else Signal(to, kept.n, payload)

    def accept(self, sender: PeerId, n: int, now: float) -> bool:
        """Whether an arriving signal is the next one; a double or one after a gap is not."""
        return self._incoming.setdefault(sender, Incoming()).accept(n, now)

    def acknowledged(self, sender: PeerId, n: int, now: float) -> None:
        if sender in self._outgoing:
            self._outgoing[sender].confirm(n, now)

    def appeared(self, peer: PeerId, is_away: bool, now: float) -> list[Signal]:
        """The peer is in a room with us: what it has not acknowledged is said again, in order."""
        return self._signals(peer, self._outgoing.setdefault(peer, Outgoing()).appear(is_away, now))

    def disappeared(self, peer: PeerId) -> None:
        """The peer cannot be reached now; it may come back."""
        if peer in self._outgoing:
            self._outgoing[peer].disappear()

    def all_disappeared(self) -> None:
        """Nobody is present any more, until a snapshot says so."""
        for outgoing in self._outgoing.values():
            outgoing.disappear()

    def changed(self, peer: PeerId, is_away: bool, now: float) -> None:
        """The peer has lost its link, or has one again."""
        if peer in self._outgoing:
            self._outgoing[peer].set_away(is_away, now)

    def resumed(self, now: float) -> None:
        """Our link is back, and what it has missed is on its way."""
        for outgoing in self._outgoing.values():
            outgoing.restart(now)

    def refused(self, peer: PeerId, until: float) -> None:
        """The server did not know this destination; it may still come back until then."""
        outgoing = self._outgoing.get(peer)
        if outgoing is not None and outgoing.unacknowledged:
            outgoing.disappear()
            outgoing.until = min(outgoing.until, until)

    def rest(self, peer: PeerId) -> None:
        """The server does not take signals for this peer: until the next, none is said again."""
        if peer in self._outgoing:
            self._outgoing[peer].rest()

    def gone(self, peer: PeerId) -> list[msgspec.Raw]:
        """The peer has gone for good: the payloads that it has not acknowledged."""
        if peer in self._incoming:
            self._incoming[peer].ack_at = inf
        # Put back at the end: the order of the dict is the order of going.
        outgoing = self._outgoing.pop(peer, None)
        if outgoing is None:
            return []
        self._outgoing[peer] = outgoing
        undelivered = outgoing.give_up()
        self._forget_oldest()
        return undelivered

    def patience(self, until: float) -> None:
        """Whoever is in doubt gets at least until then: nobody could come back while we were away."""
        for outgoing in self._outgoing.values():
            if outgoing.until < until:
                outgoing.until = until

    @property
    def unacknowledged(self) -> list[PeerId]:
        """Who has not acknowledged everything yet."""
        return [peer for peer, outgoing in self._outgoing.items() if outgoing.unacknowledged]

    @property
    def wake_at(self) -> float:
        acks = (each.ack_at for peer, each in self._incoming.items() if self._is_present(peer))
        doubts = (outgoing.until for outgoing in self._outgoing.values())
        resends = min((outgoing.resend_at for outgoing in self._outgoing.values()), default=inf)
        return min(min(acks, default=inf), min(doubts, default=inf), max(resends, self._allowance.ready_at))

    def due_acks(self, now: float) -> list[Ack]:
        return [
            Ack(peer, incoming.acknowledge(now))
            for peer, incoming in self._incoming.items()
            if incoming.ack_at <= now and self._is_present(peer)
        ]

    def due_resends(self, now: float) -> list[Signal]:
        again: list[Signal] = []
        for peer, outgoing in self._outgoing.items():
            if outgoing.resend_at <= now:
                again += self._signals(peer, outgoing.say_again(now, self._allowance))
        self.resends += len(again)
        return again

    def given_up(self, now: float) -> list[PeerId]:
        """Those who did not come back in time; each is to be told :meth:`gone`."""
        return [peer for peer, outgoing in self._outgoing.items() if outgoing.until <= now]

    def _signals(self, to: PeerId, kept: Iterable[Kept]) -> list[Signal]:
        return [Signal(to, each.n, each.payload or self._nothing) for each in kept]

    def _is_present(self, peer: PeerId) -> bool:
        outgoing = self._outgoing.get(peer)
        return outgoing is not None and outgoing.is_present

    def _forget_oldest(self) -> None:
        excess = len(self._outgoing) - MAX_REMEMBERED_PEERS
        gone = (peer for peer, each in self._outgoing.items() if not each.is_present and each.until == inf)
        for peer in [peer for _, peer in zip(range(excess), gone, strict=False)]:
            del self._outgoing[peer]
            self._incoming.pop(peer, None)
