"""The client's end of a session, as docs/protocol.md tells it: messages and ``now`` in, effects out.

idle ──→ connecting ──→ greeting ──→ open
 ↑           │              │          │      the link is lost, or silent: back-off
 └───────────┴──────────────┴──────────┘
any ──→ closed                                 we said bye, or the server said never
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum, auto
from math import inf

import msgspec

from peer.backoff import after_advice
from peer.signaling_client.deliveries import Deliveries
from peer.signaling_client.effects import (
    Connect,
    Disconnect,
    Effect,
    Ended,
    Heard,
    Interrupted,
    Renamed,
    Restored,
    Send,
    Tell,
    Undelivered,
)
from peer.signaling_client.liveness import Liveness, Verdict
from peer.signaling_client.members import Change, Members
from peer.signaling_client.numbered import Numbered
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import CLOSE_REASONS, ComeBack, ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import (
    NUMBERED_EVENTS,
    Acked,
    Broadcast,
    Bye,
    Capabilities,
    Event,
    Hello,
    Join,
    Joined,
    Leave,
    Left,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Ping,
    Pong,
    Refused,
    Request,
    Resume,
    Signalled,
    Ticket,
    Update,
    Updated,
    Welcome,
)

CONNECT_TIMEOUT = 10.0
"""A link that has no welcome by then is given up; a captive portal can leave one hanging for minutes."""
ABNORMAL_CLOSURE = 1006
"""RFC 6455 §7.1.5: the link ended without a goodbye."""


class State(Enum):
    IDLE = auto()
    CONNECTING = auto()
    GREETING = auto()
    OPEN = auto()
    CLOSED = auto()


class Advice(msgspec.Struct, frozen=True):
    """What came with the end of a link besides its code."""

    come_back: ComeBack
    after: float = 0.0
    reason: str = ""


class Session:
    """``random`` gives fractions from 0 up to 1, ``empty`` is how the codec writes nothing (JSON: null)."""

    def __init__(self, capabilities: Capabilities, random: Callable[[], float], empty: msgspec.Raw) -> None:
        self.state = State.IDLE
        self.welcome: Welcome | None = None
        self._capabilities = capabilities
        self._random = random
        self._empty = empty
        self._deliveries = Deliveries(empty)
        self._members = Members()
        self._numbered = Numbered()
        self._liveness = Liveness()
        self._attempt = 0
        self._is_resuming = False
        self._retry_at = inf
        self._give_up_at = inf
        self._request = 0

    @property
    def you(self) -> PeerId:
        """Our id; empty before the first welcome."""
        return self.welcome.you if self.welcome is not None else PeerId("")

    def next_request(self) -> int:
        """A number for the next join, leave or update."""
        self._request += 1
        return self._request

    # What the application wants

    def start(self, now: float) -> list[Effect]:
        return self._connect(now) if self.state is State.IDLE else []

    def join(self, join: Join) -> list[Effect]:
        """Enter a room by its full name, and again after every resume that is not whole. Raises Full."""
        self._numbered.require_room()
        self._members.wanted[join.room] = join
        return self._post(join)

    def leave(self, leave: Leave) -> list[Effect]:
        """Raises Full."""
        self._numbered.require_room()
        self._members.wanted.pop(leave.room, None)
        return self._post(leave) + self._tell_changes(self._members.clear(leave.room))

    def update(self, update: Update) -> list[Effect]:
        """Raises Full."""
        self._numbered.require_room()
        wanted = self._members.wanted.get(update.room)
        if wanted is not None:
            self._members.wanted[update.room] = msgspec.structs.replace(
                wanted,
                name=wanted.name if update.name is None else update.name,
                metadata=wanted.metadata if update.metadata is None else update.metadata,
            )
        return self._post(update)

    def signal(self, to: PeerId, payload: msgspec.Raw) -> list[Effect]:
        """Raises Full when too much waits for this peer, or for the server."""
        self._numbered.require_room()
        message = self._deliveries.send(to, payload)
        return self._post(message) if message is not None else []

    def broadcast(self, room: str, payload: msgspec.Raw) -> list[Effect]:
        """Raises Full."""
        self._numbered.require_room()
        return self._post(Broadcast(room, payload))

    def bye(self) -> list[Effect]:
        """End the session in all its rooms."""
        if self.state is State.CLOSED:
            return []
        is_linked = self._may_send
        self.state = State.CLOSED
        return [Send(Bye()), Disconnect()] if is_linked else [Disconnect()]

    def check(self, now: float) -> list[Effect]:
        """Something may have happened while we did not look (sleep, another network): find out at once."""
        if self.state is State.IDLE:
            self._attempt = 0
            return self._connect(now)
        if self.state is not State.OPEN:
            return []
        self._liveness.check(now)
        return [self._ping()]

    # What the link does

    def link_opened(self) -> list[Effect]:
        if self.state is not State.CONNECTING:
            return []
        self.state = State.GREETING
        self._is_resuming = self.welcome is not None
        if self.welcome is None:
            hello = Hello(capabilities=self._capabilities)
            return [Send(message) for message in (hello, *self._numbered.kept)]
        resume = Resume(self.welcome.ticket, self.welcome.epoch, self._numbered.received)
        return [Send(Hello(capabilities=self._capabilities, resume=resume))]

    def link_lost(self, now: float, code: int, advice: Advice | None = None) -> list[Effect]:
        """``code`` is that of the WebSocket close; ``advice`` goes before what the code is known to mean."""
        if self.state in (State.CLOSED, State.IDLE):
            return []
        known = next((reason for reason in CLOSE_REASONS if reason.code == code), None)
        if advice is None and known is not None:
            advice = Advice(known.come_back, known.after, known.text)
        if advice is not None and advice.come_back is ComeBack.NEVER:
            self.state = State.CLOSED
            reason = advice.reason or (known.text if known is not None else "")
            return [Disconnect(), Tell(Ended(code, reason))]
        after = advice.after if advice is not None else 0.0
        retry_in = after_advice(after, self._attempt, self._random())
        self._attempt += 1
        self.state = State.IDLE
        self._retry_at = now + retry_in
        return [Disconnect(), Tell(Interrupted(retry_in))]

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
        effects = self._receive_numbered(event, now)
        if self._numbered.is_ping_due:
            effects.append(self._ping())
        return effects

    # Time

    @property
    def wake_at(self) -> float | None:
        """When :meth:`wake` has something to do; None: never."""
        if self.state is State.CLOSED:
            return None
        at = min(self._members.wake_at, self._deliveries.wake_at)
        if self.state is State.IDLE:
            at = min(at, self._retry_at)
        elif self.state is State.OPEN:
            at = min(at, self._liveness.wake_at)
        else:
            at = min(at, self._give_up_at)
        return None if at == inf else at

    def wake(self, now: float) -> list[Effect]:
        if self.state is State.CLOSED:
            return []
        effects = self._wake_members(now)
        if self.state is State.IDLE:
            return effects + self._connect(now) if now >= self._retry_at else effects
        if self.state is not State.OPEN:
            return effects + self.link_lost(now, ABNORMAL_CLOSURE) if now >= self._give_up_at else effects
        verdict = self._liveness.wake(now)
        if verdict is Verdict.PING:
            effects.append(self._ping())
        elif verdict is Verdict.DEAD:
            effects += self.link_lost(now, ABNORMAL_CLOSURE)
        return effects

    # Inside

    @property
    def _may_send(self) -> bool:
        return self.state is State.OPEN or (self.state is State.GREETING and not self._is_resuming)

    def _connect(self, now: float) -> list[Effect]:
        self.state = State.CONNECTING
        self._give_up_at = now + CONNECT_TIMEOUT
        return [Connect()]

    def _ping(self) -> Effect:
        return Send(Ping(self._numbered.say()))

    def _post(self, request: Request) -> list[Effect]:
        """Count a numbered request, and send it when there is a link."""
        self._numbered.keep(request)
        if not self._may_send:
            return []
        effects: list[Effect] = [Send(request)]
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
            case Bye():
                advice = Advice(event.come_back, event.after, event.reason)
                return self.link_lost(now, event.code, advice)
        return []

    def _welcomed(self, welcome: Welcome, now: float) -> list[Effect]:
        before = self.welcome
        self.welcome = welcome
        self.state = State.OPEN
        self._attempt = 0
        self._liveness.begin(now, welcome.ping_interval, welcome.ping_timeout)
        if before is None:
            return [Tell(Restored(resumed=False))]
        if not welcome.resumed:
            return self._start_afresh(is_renamed=welcome.you != before.you)
        self._numbered.confirm(welcome.received)
        effects: list[Effect] = [Tell(Restored(resumed=True)), self._ping()]
        effects += [Send(request) for request in self._numbered.kept]
        return effects + self._wake_members(now)

    def _start_afresh(self, is_renamed: bool) -> list[Effect]:
        unanswered = self._numbered.kept
        self._numbered = Numbered()
        self._deliveries.all_disappeared()
        effects: list[Effect] = [Tell(Restored(resumed=False))]
        if is_renamed:
            effects.append(Tell(Renamed()))
            effects += self._tell_changes(self._members.clear_all())
            for peer in self._deliveries.destinations:
                effects += self._undelivered(peer)
            self._deliveries = Deliveries(self._empty)
        for join in self._members.wanted.values():
            effects += self._post(join)
        # The new session begins as the last one was asked to end.
        for request in unanswered:
            if isinstance(request, Leave):
                effects.append(Tell(Left(request.request, request.room)))
            elif isinstance(request, Update):
                effects.append(Tell(Updated(request.request, request.room)))
        return effects

    def _receive_numbered(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Joined():
                changes = self._members.snapshot(event.room, event.peers, self._settled_at(now))
                return [*self._tell_changes(changes), Tell(event)]
            case PeerJoined():
                return self._tell_changes([self._members.joined(event.room, event.peer)])
            case PeerUpdated():
                return self._tell_changes(self._members.updated(event))
            case PeerLeft():
                if event.reason == "reset":
                    self._deliveries.disappeared(event.id)
                return self._tell_changes(self._members.left(event, self._settled_at(now)))
            case Signalled():
                return self._signalled(event, now)
            case Acked():
                self._deliveries.acknowledged(event.sender, event.n)
                return []
            case Refused():
                if event.code is ErrorCode.UNKNOWN_PEER and event.to is not None:
                    self._deliveries.refused(event.to, self._settled_at(now))
                return [Tell(event)]
            case _:
                return [Tell(event)]  # type: ignore[arg-type]  # Left, Updated, Broadcasted: told as they are

    def _signalled(self, event: Signalled, now: float) -> list[Effect]:
        is_next = self._deliveries.accept(event.sender, event.n, now)
        effects = self._wake_deliveries(now)
        if is_next and not self._deliveries.is_empty(event.payload):
            effects.append(Tell(Heard(event.sender, event.payload)))
        return effects

    def _tell_changes(self, changes: Iterable[Change]) -> list[Effect]:
        effects: list[Effect] = []
        for change in changes:
            event = change.event
            effects.append(Tell(event))
            if isinstance(event, PeerLeft):
                if not self._members.has(event.id):
                    effects += self._undelivered(event.id)
            elif change.appeared:
                peer = event.peer.id if isinstance(event, PeerJoined) else event.id
                for signal in self._deliveries.appeared(peer):
                    effects += self._post(signal)
        return effects

    def _undelivered(self, to: PeerId) -> list[Effect]:
        payloads = self._deliveries.gone(to)
        return [Tell(Undelivered(to, payloads))] if payloads else []

    def _wake_members(self, now: float) -> list[Effect]:
        return self._tell_changes(self._members.wake(now)) + self._wake_deliveries(now)

    def _wake_deliveries(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for ack in self._deliveries.due_acks(now):
            effects += self._post(ack)
        for peer in self._deliveries.due_gone(now):
            effects += self._undelivered(peer)
        return effects

    def _settled_at(self, now: float) -> float:
        return now + (self.welcome.settle if self.welcome is not None else 0.0)
