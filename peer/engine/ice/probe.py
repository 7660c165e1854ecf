"""One question to the other side, whether it is still there, that nobody waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

from aioice.ice import CandidatePair
from aioice.stun import Message, Transaction


class Probe(Transaction):
    """A STUN transaction that is sent once; ``answered`` gets it with the answer, if that proves who sent it.

    aioice's own repeats itself, and gives up before the answer of a slow path can come.
    """

    def __init__(
        self,
        pair: CandidatePair,
        request: Message,
        key: bytes,
        sent_at: float,
        answered: Callable[[Probe, Message], None],
    ) -> None:
        # Nothing of a Transaction is wanted but the place where answers are handed out.
        self.pair = pair
        self.sent_at = sent_at
        self.asked_at = time.perf_counter()
        self._key = key
        self._id = request.transaction_id
        self._answered = answered
        pair.protocol.transactions[self._id] = self

    def response_received(self, message: Message, addr: tuple[str, int]) -> None:
        if addr == self.pair.remote_addr and message.check_message_integrity(self._key):
            self.forget()
            self._answered(self, message)

    def forget(self) -> None:
        """No answer is expected any more."""
        self.pair.protocol.transactions.pop(self._id, None)
