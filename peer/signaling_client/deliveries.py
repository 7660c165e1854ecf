"""Signals: exactly once and in order for each pair, or the sender is told.

Every destination has its own numbers, 1, 2, 3 …, which live as long as our id does. A signal that could
not be delivered keeps its number with an empty payload: its peer may come back one day and goes on counting.
"""

from __future__ import annotations

import math
from collections import deque

import msgspec

from peer.errors import Full
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Ack, Signal

MAX_UNACKNOWLEDGED = 256
MAX_UNACKNOWLEDGED_BYTES = 1_048_576
ACK_DELAY = 0.1
ACK_EVERY = 16
MAX_REMEMBERED_PEERS = 1000
"""Numbers of this many peers are remembered after they have gone; a ticket to come back with dies earlier."""


class Kept(msgspec.Struct):
    n: int
    payload: msgspec.Raw | None
    """None once the sender has been told that it was not delivered."""


class Outgoing:
    __slots__ = ("bytes", "last", "present", "unacknowledged", "until")

    def __init__(self) -> None:
        self.last = 0
        self.unacknowledged: deque[Kept] = deque()
        self.bytes = 0
        self.present = False
        """The peer shares a room with us, as far as we know."""
        self.until = math.inf
        """When to give up on one whom the server did not know; infinite: no doubt."""


class Incoming:
    __slots__ = ("ack_at", "acked_at", "last", "unconfirmed")

    def __init__(self) -> None:
        self.last = 0
        self.unconfirmed = 0
        self.ack_at = math.inf
        self.acked_at = -math.inf


class Deliveries:
    """``nothing`` is how the wire's codec writes an empty payload."""

    def __init__(self, nothing: msgspec.Raw) -> None:
        self._nothing = nothing
        self._outgoing: dict[PeerId, Outgoing] = {}
        self._incoming: dict[PeerId, Incoming] = {}

    def send(self, to: PeerId, payload: msgspec.Raw, doubt_until: float) -> Signal | None:
        """Number a signal and keep it; None when it has to wait until the peer appears.

        ``doubt_until`` is when to give up on a peer that nobody has announced; infinite when somebody has.
        Raises Full when 256 signals, or 1 MiB of them, are not acknowledged yet.
        """
        outgoing = self._outgoing.setdefault(to, Outgoing())
        if (
            len(outgoing.unacknowledged) >= MAX_UNACKNOWLEDGED
            or outgoing.bytes + len(payload) > MAX_UNACKNOWLEDGED_BYTES
        ):
            raise Full("too many signals wait for this peer", hint="wait until some are acknowledged")
        outgoing.last += 1
        outgoing.bytes += len(payload)
        outgoing.unacknowledged.append(Kept(outgoing.last, payload))
        if outgoing.present:
            return Signal(to, outgoing.last, payload)
        outgoing.until = min(outgoing.until, doubt_until)
        return None

    def accept(self, sender: PeerId, n: int, now: float) -> bool:
        """Whether an arriving signal is the next one; a double or one after a gap is not."""
        incoming = self._incoming.setdefault(sender, Incoming())
        if n != incoming.last + 1:
            # At once, but a whole run of doubles is answered once.
            incoming.ack_at = min(incoming.ack_at, max(now, incoming.acked_at + ACK_DELAY))
            return False
        incoming.last = n
        incoming.unconfirmed += 1
        due = now if incoming.unconfirmed >= ACK_EVERY else now + ACK_DELAY
        incoming.ack_at = min(incoming.ack_at, due)
        return True

    def acknowledged(self, sender: PeerId, n: int) -> None:
        outgoing = self._outgoing.get(sender)
        while outgoing is not None and outgoing.unacknowledged and outgoing.unacknowledged[0].n <= n:
            outgoing.bytes -= len(outgoing.unacknowledged.popleft().payload or b"")

    def appeared(self, peer: PeerId) -> list[Signal]:
        """The peer is in a room with us: what it has not acknowledged is said again, in order."""
        outgoing = self._outgoing.setdefault(peer, Outgoing())
        outgoing.until = math.inf
        if outgoing.present:
            return []
        outgoing.present = True
        return [Signal(peer, kept.n, kept.payload or self._nothing) for kept in outgoing.unacknowledged]

    def disappeared(self, peer: PeerId) -> None:
        """The peer cannot be reached now; it may come back."""
        if peer in self._outgoing:
            self._outgoing[peer].present = False

    def all_disappeared(self) -> None:
        """Nobody is present any more, until a snapshot says so."""
        for outgoing in self._outgoing.values():
            outgoing.present = False

    def refused(self, peer: PeerId, until: float) -> None:
        """The server did not know this destination; it may still come back until then."""
        outgoing = self._outgoing.get(peer)
        if outgoing is not None and outgoing.unacknowledged:
            outgoing.present = False
            outgoing.until = min(outgoing.until, until)

    def gone(self, peer: PeerId) -> list[msgspec.Raw]:
        """The peer has gone for good: the payloads that it has not acknowledged."""
        if peer in self._incoming:
            self._incoming[peer].ack_at = math.inf
        # Put back at the end: the order of the dict is the order of going.
        outgoing = self._outgoing.pop(peer, None)
        if outgoing is None:
            return []
        self._outgoing[peer] = outgoing
        outgoing.present = False
        outgoing.until = math.inf
        outgoing.bytes = 0
        undelivered = [kept.payload for kept in outgoing.unacknowledged if kept.payload is not None]
        for kept in outgoing.unacknowledged:
            kept.payload = None
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
        return min(min(acks, default=math.inf), min(doubts, default=math.inf))

    def due_acks(self, now: float) -> list[Ack]:
        acks = []
        for peer, incoming in self._incoming.items():
            if incoming.ack_at <= now and self._is_present(peer):
                incoming.ack_at = math.inf
                incoming.acked_at = now
                incoming.unconfirmed = 0
                acks.append(Ack(peer, incoming.last))
        return acks

    def given_up(self, now: float) -> list[PeerId]:
        """Those who did not come back in time; each is to be told :meth:`gone`."""
        return [peer for peer, outgoing in self._outgoing.items() if outgoing.until <= now]

    def _is_present(self, peer: PeerId) -> bool:
        outgoing = self._outgoing.get(peer)
        return outgoing is not None and outgoing.present

    def _forget_oldest(self) -> None:
        excess = len(self._outgoing) - MAX_REMEMBERED_PEERS
        gone = (peer for peer, each in self._outgoing.items() if not each.present and each.until == math.inf)
        for peer in [peer for _, peer in zip(range(excess), gone, strict=False)]:
            del self._outgoing[peer]
            self._incoming.pop(peer, None)
