"""What a session is about, whatever its links do: rooms, who is in them, and signals under way.

Methods return what is to be posted to the server, in order, mixed with what the room is to be told.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from peer.signaling_client.allowance import Allowance
from peer.signaling_client.deliveries import Deliveries
from peer.signaling_client.effects import Heard, Renamed, Told, Undelivered
from peer.signaling_client.members import Change, Members
from peer.signaling_client.numbered import NumberedRequest
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import (
    Acked,
    Authenticate,
    Broadcasted,
    Configure,
    Decide,
    Done,
    Event,
    Join,
    Joined,
    Kick,
    Kicked,
    Knocked,
    KnockEnded,
    Leave,
    Left,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Permitted,
    Refused,
    RoomUpdated,
    Signalled,
    Update,
    Updated,
    Waiting,
)

Outcome = NumberedRequest | Told
LONGEST_SETTLE = 3600.0
"""Whatever a server says: a peer that has not come back by then is not coming back."""


class Conversation:
    """``nothing`` is how the wire's codec writes an empty payload (JSON: null)."""

    def __init__(self, nothing: msgspec.Raw) -> None:
        self.settle = 0.0
        """Of the last welcome: how long to believe in a peer that is missing."""
        self.allowance = Allowance()
        """How much the server takes."""
        self._nothing = nothing
        self._members = Members()
        self._deliveries = Deliveries(nothing, self.allowance)

    @property
    def resends(self) -> int:
        """Signals that were said again because their peers did not acknowledge them."""
        return self._deliveries.resends

    # What the application wants

    def join(self, join: Join) -> list[Outcome]:
        self._members.wanted[join.room] = join
        return [join]

    def leave(self, leave: Leave) -> list[Outcome]:
        self._members.wanted.pop(leave.room, None)
        return [leave, *self._left(self._members.clear(leave.room))]

    def update(self, update: Update) -> list[Outcome]:
        wanted = self._members.wanted.get(update.room)
        if wanted is not None:
            self._members.wanted[update.room] = msgspec.structs.replace(
                wanted,
                name=wanted.name if update.name is None else update.name,
                metadata=wanted.metadata if update.metadata is None else update.metadata,
            )
        return [update]

    def signal(self, to: PeerId, payload: msgspec.Raw, now: float) -> list[Outcome]:
        """Raises Full when too much waits for this peer."""
        doubt_until = float("inf") if self._members.has(to) else self._settled_at(now)
        message = self._deliveries.send(to, payload, doubt_until, now)
        return [] if message is None else [message]

    # What the server says

    def receive(self, event: Event, now: float) -> list[Outcome]:
        """A numbered event."""
        match event:
            case Joined():
                changes = self._members.snapshot(event.room, event.peers, self._settled_at(now))
                return [*self._changed(changes, now), event]
            case PeerJoined():
                return self._changed(self._members.joined(event.room, event.peer), now)
            case PeerUpdated():
                return self._changed(self._members.updated(event), now)
            case PeerLeft():
                if event.reason == "reset":
                    self._deliveries.disappeared(event.id)
                return self._changed(self._members.left(event, self._settled_at(now)), now)
            case Signalled():
                is_next = self._deliveries.accept(event.sender, event.n, now)
                is_news = is_next and event.payload != self._nothing
                return [Heard(event.sender, event.payload)] if is_news else []
            case Acked():
                self._deliveries.acknowledged(event.sender, event.n, now)
                return []
            case Left():
                # Between leaving and this, news of our old membership may have come.
                return [*self._left(self._members.clear(event.room)), event]
            case Refused():
                return self._refused(event, now)
            case Kicked():
                # It is for the application to say whether to come again.
                self._members.wanted.pop(event.room, None)
                return [*self._left(self._members.clear(event.room)), event]
            case Updated() | Broadcasted() | Waiting() | Done() | RoomUpdated() | Knocked() | KnockEnded():
                return [event]
            case Permitted():
                return [event]
            case _:
                raise AssertionError(f"{type(event).__name__} is not numbered")

    def resumed(self, now: float) -> None:
        """Nothing was missed."""
        self._be_patient(now)
        self._deliveries.resumed(now)

    def started_afresh(
        self, unanswered: Iterable[NumberedRequest], is_renamed: bool, now: float
    ) -> list[Outcome]:
        """The server knows nothing of us any more but, unless ``is_renamed``, our id."""
        outcomes: list[Outcome] = []
        self._deliveries.all_disappeared()
        if is_renamed:
            outcomes.append(Renamed())
            outcomes += self._left(self._members.clear_all())
            for peer in self._deliveries.unacknowledged:
                outcomes += self._undelivered(peer)
            self._deliveries = Deliveries(self._nothing, self.allowance)
        self._be_patient(now)
        outcomes += self._members.wanted.values()
        # The new session begins as the last one was asked to end.
        for request in unanswered:
            if isinstance(request, Leave):
                outcomes.append(Left(request.request, request.room))
            elif isinstance(request, Update):
                outcomes.append(Updated(request.request, request.room))
            elif isinstance(request, Authenticate):
                # The hello had the same token.
                outcomes.append(Done(request.request))
            elif isinstance(request, Kick | Configure | Decide):
                outcomes.append(request)
        return outcomes

    # Time

    @property
    def wake_at(self) -> float:
        return min(self._members.wake_at, self._deliveries.wake_at)

    def wake(self, now: float) -> list[Outcome]:
        """Acknowledgements and signals that are due, and the loss of those who did not come back in time."""
        outcomes: list[Outcome] = [*self._deliveries.due_acks(now), *self._deliveries.due_resends(now)]
        outcomes += self._changed(self._members.wake(now), now)
        for peer in self._deliveries.given_up(now):
            outcomes += self._undelivered(peer)
        return outcomes

    # Inside

    def _refused(self, event: Refused, now: float) -> list[Outcome]:
        if event.code is ErrorCode.UNKNOWN_PEER and event.to is not None:
            self._deliveries.refused(event.to, self._settled_at(now))
        elif event.to is not None:
            self._deliveries.rest(event.to)
        outcomes: list[Outcome] = []
        for room, join in list(self._members.wanted.items()):
            if join.request == event.request:
                del self._members.wanted[room]
                outcomes += self._left(self._members.clear(room))
        return [*outcomes, event]

    def _changed(self, changes: Iterable[Change], now: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for change in changes:
            if isinstance(change.event, PeerLeft):
                outcomes += self._left([change])
                continue
            outcomes.append(change.event)
            is_away = self._members.is_away(change.peer_id)
            if change.appeared:
                outcomes += self._deliveries.appeared(change.peer_id, is_away, now)
            else:
                self._deliveries.changed(change.peer_id, is_away, now)
        return outcomes

    def _left(self, changes: Iterable[Change]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for change in changes:
            outcomes.append(change.event)
            if not self._members.has(change.peer_id):
                outcomes += self._undelivered(change.peer_id)
        return outcomes

    def _undelivered(self, to: PeerId) -> list[Outcome]:
        payloads = self._deliveries.gone(to)
        return [Undelivered(to, payloads)] if payloads else []

    def _be_patient(self, now: float) -> None:
        self._members.patience(self._settled_at(now))
        self._deliveries.patience(self._settled_at(now))

    def _settled_at(self, now: float) -> float:
        return now + max(0.0, min(LONGEST_SETTLE, self.settle))
