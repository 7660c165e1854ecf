"""What became of numbered messages: exactly how many were lost, came twice, or were overtaken."""

from __future__ import annotations

import msgspec


class Faults(msgspec.Struct):
    lost: int = 0
    """Sent, and never there."""
    doubled: int = 0
    """There again."""
    reordered: int = 0
    """There for the first time, but after one with a higher number."""

    def add(self, other: Faults) -> None:
        self.lost += other.lost
        self.doubled += other.doubled
        self.reordered += other.reordered


class Sequence:
    """The numbers 1, 2, 3 … of one sender, as one receiver gets them."""

    __slots__ = ("_doubled", "_highest", "_missing", "_reordered")

    def __init__(self) -> None:
        self._highest = 0
        # Below the highest; no set while there are none, since there are many sequences.
        self._missing: set[int] | None = None
        self._doubled = 0
        self._reordered = 0

    def arrived(self, number: int) -> bool:
        """Whether this number is here for the first time."""
        if number == self._highest + 1:
            self._highest = number
            return True
        if number > self._highest:
            gap = range(self._highest + 1, number)
            self._missing = set(gap) if self._missing is None else self._missing | set(gap)
            self._highest = number
            return True
        if self._missing and number in self._missing:
            self._missing.discard(number)
            self._reordered += 1
            return True
        self._doubled += 1
        return False

    def faults(self, sent: int) -> Faults:
        """What is wrong when so many were sent."""
        lost = sent - self._highest + len(self._missing or ())
        return Faults(lost, self._doubled, self._reordered)


class Ledger:
    """Everything that the members of one process have sent each other; a member is a number here.

    ``has_signals`` is False where all is broadcast: then no pair of members needs a memory of its own.
    """

    def __init__(self, has_signals: bool = True) -> None:
        self.has_signals = has_signals
        self.expected = 0
        """Arrivals, if nothing is lost."""
        self.arrived = 0
        """For the first time."""
        self._sent: dict[tuple[int, int], int] = {}
        self._broadcasts: dict[int, tuple[int, range]] = {}
        self._sequences: dict[tuple[int, int], Sequence] = {}

    def next_signal(self, sender: int, target: int) -> int:
        """The number that a signal would have."""
        return self._sent.get((sender, target), 0) + 1

    def signalled(self, sender: int, target: int) -> None:
        """It was sent with that number."""
        self.expected += 1
        self._sent[sender, target] = self.next_signal(sender, target)

    def next_broadcast(self, sender: int) -> int:
        """The number that a broadcast would have."""
        return self._broadcasts[sender][0] + 1 if sender in self._broadcasts else 1

    def broadcasted(self, sender: int, room: range) -> None:
        """It was sent with that number to all these, the sender among them."""
        self.expected += len(room) - 1
        self._broadcasts[sender] = (self.next_broadcast(sender), room)

    def came(self, sender: int, receiver: int, number: int) -> bool:
        """Whether it is there for the first time."""
        sequence = self._sequences.get((sender, receiver))
        if sequence is None:
            sequence = self._sequences[sender, receiver] = Sequence()
        is_first = sequence.arrived(number)
        self.arrived += is_first
        return is_first

    def faults(self) -> Faults:
        """Of all pairs together, for now; what is still on the way counts as lost."""
        sent = dict(self._sent)
        for sender, (number, room) in self._broadcasts.items():
            for receiver in room:
                if receiver != sender:
                    sent[sender, receiver] = sent.get((sender, receiver), 0) + number
        total = Faults()
        nothing = Sequence()
        for pair, count in sent.items():
            total.add(self._sequences.get(pair, nothing).faults(count))
        return total
