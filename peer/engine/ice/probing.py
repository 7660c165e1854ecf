"""Data over the selected pair, and questions whether the other side is still there.

In place of aioice's: that asks every five seconds, takes an answer for none when it needs half a second, and
closes the connection by itself. Silence never ends ours: whoever owns it decides.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable

from aioice.ice import CandidatePair, StunProtocol, TransportPolicy
from aioice.stun import Message

from peer.engine.ice.checks import Address, CheckingConnection
from peer.engine.ice.consent import PROBE_LASTS, Consent
from peer.engine.ice.probe import Probe
from peer.engine.ice.sockets import HostProtocol

log = logging.getLogger(__name__)

COMPONENT = 1
"""RTCP has none of its own."""


class ProbingConnection(CheckingConnection):
    """``received`` gets each datagram that is not ours."""

    def __init__(
        self,
        *,
        ice_controlling: bool,
        local_username: str,
        transport_policy: TransportPolicy,
        received: Callable[[bytes], None],
    ) -> None:
        super().__init__(
            ice_controlling=ice_controlling, local_username=local_username, transport_policy=transport_policy
        )
        self.consent: Consent | None = None
        """Of the selected pair; None: there is none."""
        self._received = received
        self._probes: deque[Probe] = deque()

    @property
    def nominated(self) -> CandidatePair | None:
        """The selected pair."""
        return self._nominated.get(COMPONENT)

    def data_received(self, data: bytes, component: int) -> None:
        if not data:
            # Anybody may send nothing at all, and aiortc ends DTLS when it looks at the first byte of it.
            return
        if self.consent is not None:
            self.consent.data(_now())
        if not self._closing:
            self._received(data)

    def protocol_lost(self, protocol: StunProtocol) -> None:
        """Its silence will be noticed."""

    def send_now(self, data: bytes) -> None:
        """What cannot be sent is lost; nothing is sent to who does not answer (RFC 7675)."""
        pair = self.nominated
        if pair is None or self.consent is None or not self.consent.may_send(_now()):
            return
        try:
            if isinstance(pair.protocol, HostProtocol):
                pair.protocol.send(data, pair.remote_addr)
            else:
                pair.protocol.transport.sendto(data, pair.remote_addr)
        except Exception:
            log.debug("a socket is gone", exc_info=True)

    def check_complete(self, pair: CandidatePair) -> None:
        before = self.nominated
        super().check_complete(pair)
        if self.nominated is not before:
            self._forget_probes()
            self.consent = Consent(_now(), self.first_rtt.get(pair))

    def check_incoming(self, message: Message, addr: Address, protocol: StunProtocol) -> None:
        pair = self.nominated
        if pair is not None and pair.protocol is protocol and pair.remote_addr == addr:
            assert self.consent is not None
            self.consent.asked(_now())
        super().check_incoming(message, addr, protocol)

    async def query_consent(self) -> None:
        """Ask whenever it is due; started by :meth:`connect`, ended by :meth:`close`."""
        while self.consent is not None:
            now = _now()
            if now >= self.consent.probe_at:
                self._probe(now)
            await asyncio.sleep(max(0.0, self.consent.probe_at - now))

    def _probe(self, now: float) -> None:
        pair = self.nominated
        if pair is None or self.consent is None or self.remote_password is None:
            return
        self.consent.probed(now)
        self._forget_probes(sent_before=now - PROBE_LASTS)
        # Both sides end on the pair of the controlling one, which alone may nominate.
        request = self.build_request(pair, nominate=True)
        key = self.remote_password.encode()
        request.add_message_integrity(key)
        self._probes.append(Probe(pair, request, key, now, self._answered))
        try:
            pair.protocol.send_stun(request, pair.remote_addr)
        except Exception:
            log.debug("a socket is gone", exc_info=True)

    def _answered(self, probe: Probe, answer: Message) -> None:
        if self.consent is None or probe.pair is not self.nominated:
            return
        # Some event loops tell the time in milliseconds, which is too coarse for a round trip.
        self.consent.answered(_now(), time.perf_counter() - probe.asked_at)
        if "XOR-MAPPED-ADDRESS" in answer.attributes:
            self.mapped[probe.pair] = answer.attributes["XOR-MAPPED-ADDRESS"]

    def _forget_probes(self, sent_before: float = math.inf) -> None:
        while self._probes and self._probes[0].sent_at <= sent_before:
            self._probes.popleft().forget()


def _now() -> float:
    return asyncio.get_running_loop().time()
