"""aioice's connectivity checks, with seven differences.

- The controlled side knocks first on a NAT, and the controlling one a moment later.
- A relay is the last resort: the first pair that answers wins, but one over a relay waits for the others.
- A check of the other side is a sign that its NAT is open: our own, which may have been dropped before,
  is sent again at once and not half a second later (RFC 8445 section 7.3.1.4).
- Direct checks are repeated sooner than after half a second: until then the relay would have been taken.
- Who waits for a connection has it when it is there, not at the next tick; without work there is no tick.
- When the other side has selected a relay, direct paths are looked for a little longer: it may change.
- What was given up may be checked again when the other side asks for it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Sequence

from aioice import Candidate, Connection
from aioice.ice import ICE_COMPLETED, ICE_FAILED, CandidatePair, StunProtocol, TransportPolicy
from aioice.stun import RETRY_RTO, Message, TransactionError

from peer.engine.ice.patience import relay_due_at

log = logging.getLogger(__name__)

PACE = 0.02
"""Between two new checks (RFC 8445 section 14.2, Ta)."""
ANSWERER_FIRST = 0.05
"""Behind a Linux masquerade that drops nothing, a mapping moves when the other side's packet is there before
one's own has left. If both send at once it is chance who loses; the controlled side is let go first."""
AGAIN_AFTER = 0.05
"""Two who send at every check of the other would not stop."""
REPEAT_AFTER = (0.1, 0.2, 0.35)
"""Of direct checks. The first may have come before the other side had opened its NAT, and behind a symmetric
NAT the other side's own never come through to tell; half a second later the relay would have been taken."""
GOES_ON = 2.0
"""Browsers select a relay as soon as it answers, and a direct path when they know of one. Behind a symmetric
NAT it is only by our checks that they can."""
MAX_CONFLICTS = 3
MAX_LEARNED = 32
"""Addresses that nobody has announced, and from which valid checks have come."""
ROLE_CONFLICT = 487
LEAST_PRIORITY = 1 << 24
"""Of everything but a relay, whose type preference is 0."""

Address = tuple[str, int]
State = CandidatePair.State


class Check:
    """One that is under way. The same request may be sent more often than aioice does."""

    def __init__(self, pair: CandidatePair, request: Message) -> None:
        self.pair = pair
        self._request = request
        self._again_at = -math.inf

    def send_again(self, now: float) -> None:
        if now - self._again_at >= AGAIN_AFTER:
            self._again_at = now
            self.send()

    def send(self) -> None:
        self.pair.protocol.send_stun(self._request, self.pair.remote_addr)


class CheckingConnection(Connection):
    def __init__(
        self, *, ice_controlling: bool, local_username: str, transport_policy: TransportPolicy
    ) -> None:
        super().__init__(ice_controlling, local_username=local_username, transport_policy=transport_policy)
        self.is_remote_complete = False
        """The other side says that it has no more candidates. It may err, but waiting is not called for."""
        self.mapped: dict[CandidatePair, Address] = {}
        """How the other side sees us, over each pair that has answered."""
        self.first_rtt: dict[CandidatePair, float] = {}
        self._under_way: dict[CandidatePair, Check] = {}
        self._pacing: asyncio.Handle | None = None
        self._learned_at: dict[CandidatePair, float] = {}
        self._begun_at = 0.0
        self._newest_at = 0.0
        self._relay_timer: asyncio.TimerHandle | None = None
        self._going_on: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        """As aioice's: returns when a pair is nominated. Raises ConnectionError when there cannot be one."""
        if not self._local_candidates_end or self.remote_username is None or self.remote_password is None:
            raise ConnectionError("candidates or credentials are missing")
        loop = asyncio.get_running_loop()
        self._begun_at = self._newest_at = loop.time()
        for remote_candidate in self._remote_candidates:
            self._pair_remote_candidate(remote_candidate)
        self.sort_check_list()
        self._unfreeze_initial()
        for early_check in self._early_checks:
            self.check_incoming(*early_check)
        self._early_checks.clear()
        self._early_checks_done = True
        self._tick()
        try:
            result = await self._check_list_state.get()
        except BaseException:
            self._end_checks()
            raise
        if not self.ice_controlling and any(is_relayed(pair) for pair in self._nominated.values()):
            self._go_on()
        else:
            self._end_checks()
        if result != ICE_COMPLETED:
            raise ConnectionError("no pair of candidates has answered")
        self._query_consent_task = asyncio.create_task(self.query_consent())

    async def close(self) -> None:
        self._end_checks()
        await super().close()

    def _go_on(self) -> None:
        """With direct pairs only; those that had not been checked yet are gone, and are made anew."""
        self._going_on = asyncio.get_running_loop().call_later(GOES_ON, self._end_checks)
        for remote_candidate in self._remote_candidates:
            self._pair_remote_candidate(remote_candidate)
        self.sort_check_list()

    def _end_checks(self) -> None:
        for timer in (self._relay_timer, self._going_on, self._pacing):
            if timer is not None:
                timer.cancel()
        self._relay_timer = self._going_on = self._pacing = None
        for pair in self._check_list:
            if pair.task is not None:
                pair.task.cancel()

    def _tick(self) -> None:
        """Begin the next check. While there is none to begin, nothing ticks."""
        self._pacing = None
        if self._check_list_done and self._going_on is None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        left = [pair for pair in self._check_list if pair.state in (State.WAITING, State.FROZEN)]
        if self._going_on is not None:
            left = [pair for pair in left if not is_relayed(pair)]
        due = [pair for pair in left if self._due_at(pair, now) <= now]
        if due:
            # Of two it is the one with the higher priority: the list is sorted.
            self.check_start_task(next((pair for pair in due if pair.state is State.WAITING), due[0]))
        if len(left) > (1 if due else 0):
            next_at = now + PACE if due else min(self._due_at(pair, now) for pair in left)
            self._pacing = loop.call_at(next_at, self._tick)
        elif not self._check_list and not self._remote_candidates_expected():
            self._check_list_state.put_nowait(ICE_FAILED)
            self._check_list_done = True

    def _due_at(self, pair: CandidatePair, now: float) -> float:
        learned_at = self._learned_at.setdefault(pair, now)
        is_knock = pair.remote_candidate.type == "srflx" and not is_relayed(pair)
        return learned_at + (ANSWERER_FIRST if is_knock and self.ice_controlling else 0.0)

    def _pair_remote_candidate(self, remote_candidate: Candidate) -> None:
        super()._pair_remote_candidate(remote_candidate)
        is_looking = self._early_checks_done and (not self._check_list_done or self._going_on is not None)
        if is_looking and self._pacing is None:
            # The list is sorted only after this.
            self._pacing = asyncio.get_running_loop().call_soon(self._tick)

    def build_request(self, pair: CandidatePair, nominate: bool) -> Message:
        request = super().build_request(pair, nominate)
        if pair.local_candidate.type == "relay":
            # It may be there before its candidate, and would be taken for a direct path: RFC 8445 section
            # 7.1.1 would have us say the type preference of a reflexive one.
            request.attributes["PRIORITY"] = pair.local_candidate.priority
        return request

    async def check_start(self, pair: CandidatePair) -> None:
        try:
            await self._check(pair)
        except asyncio.CancelledError:
            # Left in progress, it could never be checked again.
            self._give_up(pair)
            raise
        except Exception:
            # A socket can go at any moment.
            log.debug("a check could not be made", exc_info=True)
            self._give_up(pair)
            self.check_complete(pair)

    async def _check(self, pair: CandidatePair) -> None:
        self.check_state(pair, State.IN_PROGRESS)
        if not is_relayed(pair):
            self._newest_at = asyncio.get_running_loop().time()
        is_nominating = False
        for _ in range(MAX_CONFLICTS):
            is_nominating = self.ice_controlling and not self.remote_is_lite and not is_relayed(pair)
            request = self.build_request(pair, nominate=is_nominating)
            try:
                is_good = await self._ask(pair, request)
            except TransactionError as error:
                is_good = False
                if error.response is not None and error.response.error_code == ROLE_CONFLICT:
                    self.switch_role(ice_controlling="ICE-CONTROLLED" in request.attributes)
                    continue
            break
        else:
            is_good = False
        pair.nominated = is_good and (is_nominating or pair.remote_nominated)
        self.check_state(pair, State.SUCCEEDED if is_good else State.FAILED)
        self.check_complete(pair)

    async def _ask(self, pair: CandidatePair, request: Message) -> bool:
        assert self.remote_password is not None
        loop = asyncio.get_running_loop()
        asked_at = time.perf_counter()
        check = self._under_way[pair] = Check(pair, request)
        repeats = [loop.call_later(after, check.send) for after in REPEAT_AFTER if not is_relayed(pair)]
        try:
            response, source = await pair.protocol.request(
                request, pair.remote_addr, integrity_key=self.remote_password.encode()
            )
        finally:
            self._under_way.pop(pair, None)
            for repeat in repeats:
                repeat.cancel()
        if source != pair.remote_addr:
            return False
        rtt = time.perf_counter() - asked_at
        # What takes longer may be the answer to a second copy.
        if rtt < (RETRY_RTO if is_relayed(pair) else REPEAT_AFTER[0]):
            self.first_rtt[pair] = rtt
        if "XOR-MAPPED-ADDRESS" in response.attributes:
            self.mapped[pair] = response.attributes["XOR-MAPPED-ADDRESS"]
        return True

    def _give_up(self, pair: CandidatePair) -> None:
        pair.task = None
        self.check_state(pair, State.FAILED)

    def check_incoming(self, message: Message, addr: Address, protocol: StunProtocol) -> None:
        """Only valid checks come here."""
        if "PRIORITY" not in message.attributes or not self._may_learn(addr):
            return
        super().check_incoming(message, addr, protocol)
        for check in self._under_way.values():
            if check.pair.protocol is protocol and check.pair.remote_addr == addr:
                check.send_again(asyncio.get_running_loop().time())
                break

    def _may_learn(self, addr: Address) -> bool:
        known = [(each._network_host, each.port) for each in self._remote_candidates]
        learned = sum(each.type == "prflx" for each in self._remote_candidates)
        return addr in known or learned < MAX_LEARNED

    def check_complete(self, pair: CandidatePair) -> None:
        super().check_complete(pair)
        self._nominate_when_due()

    def _check_list_maybe_fail(self) -> None:
        # aioice knows of no pair that has answered and still waits for its nomination.
        if not self.ice_controlling or not self._waiting_for_nomination():
            super()._check_list_maybe_fail()

    def _waiting_for_nomination(self) -> Sequence[CandidatePair]:
        return [pair for pair in self._check_list if pair.state is State.SUCCEEDED and not pair.nominated]

    def _nominate_when_due(self) -> None:
        if not self.ice_controlling or not self._early_checks_done or self._check_list_done:
            return
        waiting = self._waiting_for_nomination()
        if any(pair.task is not None for pair in waiting):
            return
        chosen = next((pair for pair in waiting if not is_relayed(pair)), None)
        if chosen is None and waiting and not self._is_relay_too_early(waiting):
            chosen = waiting[0]
        if chosen is not None:
            chosen.task = asyncio.create_task(self._nominate(chosen))

    def _is_relay_too_early(self, waiting: Sequence[CandidatePair]) -> bool:
        """Whether to wait for a direct pair; if so, until when is seen to."""
        self._cancel_relay_timer()
        loop = asyncio.get_running_loop()
        rtts = [self.first_rtt[pair] for pair in waiting if pair in self.first_rtt]
        due_at = relay_due_at(self._begun_at, self._newest_at, min(rtts, default=None))
        if loop.time() >= due_at or not self._may_become_direct():
            return False
        self._relay_timer = loop.call_at(due_at, self._nominate_when_due)
        return True

    def _cancel_relay_timer(self) -> None:
        if self._relay_timer is not None:
            self._relay_timer.cancel()
            self._relay_timer = None

    def _may_become_direct(self) -> bool:
        if any(pair.state is not State.FAILED and not is_relayed(pair) for pair in self._check_list):
            return True
        return (
            self._transport_policy is TransportPolicy.ALL
            and not self.is_remote_complete
            and not self._remote_candidates_end
        )

    async def _nominate(self, pair: CandidatePair) -> None:
        """Tell the other side that this pair, which has answered, is the one (RFC 8445 section 8.1.1)."""
        try:
            pair.nominated = await self._ask(pair, self.build_request(pair, nominate=True))
        except Exception:
            log.debug("a pair could not be nominated", exc_info=True)
        if not pair.nominated:
            self.check_state(pair, State.FAILED)
        self.check_complete(pair)


def is_relayed(pair: CandidatePair) -> bool:
    remote = pair.remote_candidate
    return "relay" in (pair.local_candidate.type, remote.type) or (
        remote.type == "prflx" and remote.priority < LEAST_PRIORITY
    )
