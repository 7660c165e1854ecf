"""The client's end of a session, as docs/protocol.md tells it: messages and ``now`` in, effects out.

idle ──→ connecting ──→ greeting ──→ open
 ↑           │              │          │      the link is lost, or silent: back-off
 └───────────┴──────────────┴──────────┘
any ──→ closed                                 we said bye, or the server said never

Links come and go here; what outlives them is the :class:`Conversation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum, auto
from math import inf

import msgspec

from peer.errors import Refused
from peer.signaling_client.conversation import Conversation, Outcome
from peer.signaling_client.dial_plan import DialPlan
from peer.signaling_client.effects import (
    Connect,
    Disconnect,
    Effect,
    Ended,
    Interrupted,
    Restored,
    Send,
    Tell,
)
from peer.signaling_client.liveness import Liveness
from peer.signaling_client.nearest import Addresses
from peer.signaling_client.numbered import Numbered
from signaling.protocol.codec import Codec, Malformed
from signaling.protocol.errors import CLOSE_REASONS, HINTS, ComeBack, ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import (
    NUMBERED_EVENTS,
    NUMBERED_REQUESTS,
    Authenticate,
    Broadcast,
    Bye,
    Configure,
    Decide,
    Degraded,
    Event,
    Expiring,
    Hello,
    IceServers,
    Join,
    Kick,
    Leave,
    Nodes,
    Ping,
    Pong,
    Signal,
    Ticket,
    Update,
    Welcome,
    Word,
)
from signaling.protocol.parts import Capabilities, Resume

NOWHERE = Addresses([""])
"""For whoever connects the links by hand."""
ABNORMAL_CLOSURE = 1006
"""RFC 6455 §7.1.5: the link ended without a goodbye."""
DEFAULT_MAX_MESSAGE_BYTES = 65_536
"""Before the welcome says what the server takes."""
LARGEST_N = 2**53
"""Longer than any number that a signal will have, for measuring."""


class State(Enum):
    IDLE = auto()
    CONNECTING = auto()
    GREETING = auto()
    OPEN = auto()
    CLOSED = auto()


class Advice(msgspec.Struct, frozen=True):
    """What is known of the end of a link besides its code."""

    come_back: ComeBack = ComeBack.HERE
    after: float = 0.0
    reason: str = ""


class Session:
    """``random`` gives fractions from 0 up to 1; ``codec`` is the one of all its links."""

    def __init__(
        self,
        capabilities: Capabilities,
        random: Callable[[], float],
        codec: Codec[Event],
        token: str = "",
        addresses: Addresses = NOWHERE,
    ) -> None:
        self.state = State.IDLE
        self.token = token
        """Said with every hello; a newer one may take its place at any time."""
        self.welcome: Welcome | None = None
        self._capabilities = capabilities
        self._codec = codec
        self._region = next(iter(addresses.regions), "")
        self._dial_plan = DialPlan(addresses, random)
        self._conversation = Conversation(msgspec.Raw(b"null" if codec.is_text else b"\xc0"))
        self._numbered = Numbered()
        self._liveness = Liveness()
        self._is_resuming = False
        self._retry_at = inf
        self._give_up_at = inf
        self._request = 0

    @property
    def you(self) -> PeerId:
        """Our id; empty before the first welcome."""
        return self.welcome.you if self.welcome is not None else PeerId("")

    @property
    def max_message_bytes(self) -> int:
        """A frame of this size is one too many."""
        return self.welcome.limits.max_message_bytes if self.welcome else DEFAULT_MAX_MESSAGE_BYTES

    @property
    def resends(self) -> int:
        """Signals that were said again, under our id, because nobody had acknowledged them in time."""
        return self._conversation.resends

    def next_request(self) -> int:
        """A number for the next join, leave or update."""
        self._request += 1
        return self._request

    # What the application wants. Each raises Full when too many requests wait for the server, and
    # Refused when it is too large for it; then nothing has happened.

    def start(self, now: float) -> list[Effect]:
        return self._connect(now) if self.state is State.IDLE else []

    def join(self, join: Join) -> list[Effect]:
        """Enter a room by its full name, and again after every resume that is not whole."""
        self._require_room_for(join)
        return self._do(self._conversation.join(join))

    def leave(self, leave: Leave) -> list[Effect]:
        self._require_room_for(leave)
        return self._do(self._conversation.leave(leave))

    def update(self, update: Update) -> list[Effect]:
        self._require_room_for(update)
        return self._do(self._conversation.update(update))

    def signal(self, to: PeerId, payload: msgspec.Raw, now: float) -> list[Effect]:
        """Raises Full also when too much waits for this peer."""
        self._require_room_for(Signal(to, LARGEST_N, payload))
        return self._do(self._conversation.signal(to, payload, now))

    def broadcast(self, room: str, payload: msgspec.Raw) -> list[Effect]:
        message = Broadcast(room, payload)
        self._require_room_for(message)
        return self._do([message])

    def act(self, request: Authenticate | Kick | Configure | Decide) -> list[Effect]:
        """Ask for something that is answered with ``Done`` or ``Refused``."""
        self._require_room_for(request)
        if isinstance(request, Authenticate):
            self.token = request.token
        return self._do([request])

    def bye(self) -> list[Effect]:
        """End the session in all its rooms."""
        if self.state is State.CLOSED:
            return []
        last_words: list[Effect] = [Send(Bye())] if self._may_send else []
        self.state = State.CLOSED
        return [*last_words, Disconnect()]

    def check(self, now: float) -> list[Effect]:
        """Something may have happened while we did not look (sleep, another network): find out at once."""
        if self.state is State.IDLE:
            self._dial_plan.hurry()
            return self._connect(now)
        if self.state is not State.OPEN:
            return []
        self._liveness.check(now)
        return [self._ping()]

    def moved(self, now: float) -> list[Effect]:
        """The address that the link was on is gone: the next one begins at once."""
        if self.state in (State.IDLE, State.CLOSED):
            return self.check(now)
        self._dial_plan.hurry()
        told = Interrupted(0.0, "the network has changed")
        return [Disconnect(), Tell(told), *self._connect(now)]

    # What the link does

    def link_opened(self) -> list[Effect]:
        if self.state is not State.CONNECTING:
            return []
        if self._dial_plan.returns():
            return [Disconnect(), Connect(self._dial_plan.url)]
        self.state = State.GREETING
        self._is_resuming = self.welcome is not None
        hello = Hello(capabilities=self._capabilities, token=self.token, region=self._region)
        if self.welcome is None:
            return [Send(message) for message in (hello, *self._numbered.kept)]
        hello.resume = Resume(self.welcome.ticket, self.welcome.epoch, self._numbered.received)
        return [Send(hello)]

    def link_lost(self, now: float, code: int, advice: Advice | None = None) -> list[Effect]:
        """``code`` is that of the WebSocket close; ``advice`` goes before what the code is known to mean."""
        if self.state in (State.CLOSED, State.IDLE):
            return []
        known = next((reason for reason in CLOSE_REASONS if reason.code == code), None)
        if advice is None:
            advice = Advice(known.come_back, known.after, known.text) if known else Advice()
        if advice.come_back is ComeBack.NEVER:
            self.state = State.CLOSED
            return [Disconnect(), Tell(Ended(code, advice.reason))]
        retry_in = self._dial_plan.lost(
            now,
            advice.after,
            was_open=self.state is State.OPEN,
            is_leaving=advice.come_back is ComeBack.ELSEWHERE,
        )
        self.state = State.IDLE
        self._retry_at = now + retry_in
        return [Disconnect(), Tell(Interrupted(retry_in, advice.reason))]

    def receive(self, event: Event | Malformed, now: float) -> list[Effect]:
        if self.state not in (State.GREETING, State.OPEN):
            return []
        self._liveness.heard(now)
        if isinstance(event, Malformed):
            return []
        if self.state is State.GREETING and not isinstance(event, Welcome | Bye):
            return []
        if not isinstance(event, NUMBERED_EVENTS):
            return self._receive_unnumbered(event, now)
        self._numbered.received += 1
        outcomes = self._conversation.receive(event, now)
        effects = self._wake_conversation(now) + self._do(outcomes)
        if self._numbered.is_ping_due:
            effects.append(self._ping())
        return effects

    # Time

    @property
    def wake_at(self) -> float | None:
        """When :meth:`wake` has something to do; None: never."""
        match self.state:
            case State.IDLE:
                at = self._retry_at
            case State.CONNECTING | State.GREETING:
                at = self._give_up_at
            case State.OPEN:
                at = min(self._conversation_wake_at, self._liveness.wake_at)
            case State.CLOSED:
                at = inf
        return None if at == inf else at

    def wake(self, now: float) -> list[Effect]:
        match self.state:
            case State.IDLE if now >= self._retry_at:
                return self._connect(now)
            case State.CONNECTING | State.GREETING if now >= self._give_up_at:
                return self.link_lost(now, ABNORMAL_CLOSURE, Advice(reason="the server does not answer"))
            case State.OPEN:
                return [*self._wake_conversation(now), *self._wake_liveness(now)]
        return []

    # Inside

    @property
    def _may_send(self) -> bool:
        return self.state is State.OPEN or (self.state is State.GREETING and not self._is_resuming)

    def _connect(self, now: float) -> list[Effect]:
        self.state = State.CONNECTING
        self._give_up_at = now + self._dial_plan.patience
        return [Connect(self._dial_plan.url)]

    def _ping(self) -> Effect:
        return Send(Ping(self._numbered.say()))

    def _require_room_for(self, message: Word) -> None:
        self._numbered.require_room()
        if len(self._codec.encode(message)) >= self.max_message_bytes:
            raise Refused(ErrorCode.TOO_LARGE, hint=HINTS[ErrorCode.TOO_LARGE])

    def _do(self, outcomes: Iterable[Outcome]) -> list[Effect]:
        """Count what goes to the server, and send it when there is a link."""
        effects: list[Effect] = []
        for outcome in outcomes:
            if not isinstance(outcome, NUMBERED_REQUESTS):
                effects.append(Tell(outcome))
                continue
            self._numbered.keep(outcome)
            if self._may_send:
                effects.append(Send(outcome))
            if self.state is State.OPEN and self._numbered.is_ping_due:
                effects.append(self._ping())
        return effects

    def _receive_unnumbered(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Welcome():
                return self._welcomed(event, now) if self.state is State.GREETING else []
            case Ping():
                self._numbered.confirm(event.received)
                return [Send(Pong(self._numbered.say()))]
            case Pong():
                self._numbered.confirm(event.received)
            case Ticket():
                if self.welcome is not None:
                    self.welcome.ticket = event.ticket
            case IceServers(ice_servers=fresh):
                if self.welcome is not None:
                    lasting = [server for server in self.welcome.ice_servers if not server.username]
                    self.welcome.ice_servers = [*lasting, *fresh]
                    return [Tell(event)]
            case Nodes():
                self._dial_plan.told(event.nodes)
            case Degraded():
                if self.welcome is not None:
                    self.welcome.degraded = event.degraded
                    return [Tell(event)]
            case Expiring():
                return [Tell(event)]
            case Bye():
                return self.link_lost(now, event.code, Advice(event.come_back, event.after, event.reason))
        return []

    def _welcomed(self, welcome: Welcome, now: float) -> list[Effect]:
        before = self.welcome
        self.welcome = welcome
        self.state = State.OPEN
        self._dial_plan.welcomed(welcome)
        self._liveness.begin(now, welcome.ping_interval, welcome.ping_timeout)
        self._conversation.settle = welcome.settle
        self._conversation.allowance.follow(welcome.limits.messages_per_second)
        effects: list[Effect] = [Tell(Restored(before is not None and welcome.resumed))]
        if before is None:
            return effects
        if not welcome.resumed:
            unanswered = self._numbered.kept
            self._numbered = Numbered()
            is_renamed = welcome.you != before.you
            return effects + self._do(self._conversation.started_afresh(unanswered, is_renamed, now))
        self._numbered.confirm(welcome.received)
        self._conversation.resumed(now)
        effects.append(self._ping())
        effects += [Send(request) for request in self._numbered.kept]
        return effects + self._wake_conversation(now)

    @property
    def _conversation_wake_at(self) -> float:
        # Acknowledgements say "up to here", so they lose nothing by waiting for room; and what is said
        # again was said before.
        return inf if self._numbered.is_full else self._conversation.wake_at

    def _wake_conversation(self, now: float) -> list[Effect]:
        return self._do(self._conversation.wake(now)) if now >= self._conversation_wake_at else []

    def _wake_liveness(self, now: float) -> list[Effect]:
        match self._liveness.wake(now):
            case "ping":
                return [self._ping()]
            case "dead":
                return self.link_lost(now, ABNORMAL_CLOSURE, Advice(reason="the server has fallen silent"))
        return []
