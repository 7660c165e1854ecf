"""One load member: it enters its room, says what it is told to, and comes back, as docs/protocol.md asks.

The rules that make a promise are those of the peer library: counts, acknowledgements, back-off. Around them
is less than an application has, since tens of thousands of members live in one process.
"""

from __future__ import annotations

import asyncio
from math import inf

import msgspec

from peer.backoff import after_advice
from peer.errors import Full
from peer.signaling_client.allowance import Allowance
from peer.signaling_client.deliveries import Deliveries
from peer.signaling_client.numbered import Numbered, NumberedRequest
from peerlane.bench import words
from peerlane.bench.club import Club
from peerlane.bench.link import Link, NotOpened
from peerlane.bench.words import Joined, PeerJoined, PeerLeft, PeerUpdated, Somebody
from signaling.protocol.errors import ComeBack, ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import (
    Acked,
    Broadcast,
    Broadcasted,
    Bye,
    Hello,
    Join,
    Kicked,
    Ping,
    Pong,
    Refused,
    Request,
    Signalled,
    Ticket,
    Welcome,
)
from signaling.protocol.parts import Resume

CONNECT_TIMEOUT = 10.0
NEVER_AGAIN = 4500
"""Close codes from here on mean: do not come back."""
JOIN_REQUEST = 1
NOTHING = msgspec.Raw(b"null")


class Member:
    """``number`` is its name among all processes; a visitor has none, and is not spoken to."""

    def __init__(self, club: Club, number: int | None, room: str, url: str, source: str) -> None:
        self.number = number
        self.id = PeerId("")
        self.is_in = False
        self.has_given_up = False
        self._club = club
        self._room = room
        self._url = url
        self._source = source
        self._link: Link | None = None
        self._is_open = False
        """The server has said welcome on this link."""
        self._has_joined = False
        """In this session, whatever its links do."""
        self._welcome: Welcome | None = None
        self._numbered = Numbered()
        self._allowance = Allowance()
        self._deliveries = Deliveries(NOTHING, self._allowance)
        self._after = 0.0
        self._is_cut = False
        self._has_a_turn = False
        """It has been turned away on this way in, and told when to come."""
        self._was_in = False
        """At any time."""
        self._entering: asyncio.Future[None] | None = None
        self._heard_at = 0.0
        self._is_asked = False

    # What the crowd wants

    async def enter(self, planned: float, failures: int = 0) -> bool:
        """Try until it is in its room; False when it has given up."""
        club = self._club
        self._has_a_turn = False
        while not (club.is_over or self.has_given_up):
            self._after = 0.0
            await self._attempt()
            if self.is_in:
                times = club.tally.returning if self._was_in else club.tally.opening
                times.add(club.now() - planned)
                self._was_in = True
                return True
            if not (club.is_over or self.has_given_up):
                await asyncio.sleep(after_advice(self._after, failures, club.random()))
            failures += 1
        return False

    def signal(self, to: Member, payload: msgspec.Raw) -> bool:
        """False when so much waits already that no more is taken."""
        try:
            self._numbered.require_room()
            message = self._deliveries.send(to.id, payload, inf, self._club.now())
        except Full:
            return False
        self._club.owing.add(self)
        if message is not None:
            self._post(message)
        return True

    def broadcast(self, payload: msgspec.Raw) -> bool:
        """False when so much waits already that no more is taken."""
        if self._numbered.is_full:
            return False
        self._post(Broadcast(self._room, payload))
        return True

    def acknowledge(self) -> None:
        """Say what it owes, and again what nobody has acknowledged; what is not due yet it goes on owing."""
        now = self._club.now()
        if not self._is_open or self._numbered.is_full:
            return
        due: list[NumberedRequest] = [*self._deliveries.due_acks(now), *self._deliveries.due_resends(now)]
        for request in due:
            self._post(request)
        if self._deliveries.wake_at == inf:
            self._club.owing.discard(self)

    def look_at_silence(self) -> None:
        """Ask a server that has said nothing for long whether it is there; leave one that does not answer."""
        if self._link is None or not self._is_open or self._welcome is None:
            return
        silence = self._club.now() - self._heard_at
        if silence > self._welcome.ping_interval + self._welcome.ping_timeout:
            link = self._link
            link.forget()
            link.cut()
            self.lost(link, 0)
        elif silence > self._welcome.ping_interval and not self._is_asked:
            self._is_asked = True
            self._ping()

    def cut(self) -> None:
        """Lose the link, as when a network goes."""
        if self._link is not None and self._is_open:
            self._is_cut = True
            self._link.cut()

    def leave(self) -> None:
        """For good, with a bye."""
        link, self._link = self._link, None
        if self.is_in:
            self._counted(-1)
        self.is_in = self._is_open = False
        self.has_given_up = True
        if link is not None:
            link.forget()
            link.send(words.written([Bye()]))
            link.close()

    # What the link tells

    def opened(self, link: Link) -> None:
        if link is not self._link:
            return
        hello = Hello(token=self._club.token)
        requests: list[Request] = [hello]
        if self._welcome is None:
            join = self._join()
            self._numbered.keep(join)
            requests.append(join)
        else:
            hello.resume = Resume(self._welcome.ticket, self._welcome.epoch, self._numbered.received)
        link.send(words.written(requests))

    def heard(self, link: Link, frame: bytes) -> None:
        self._heard_at = self._club.now()
        self._is_asked = False
        try:
            events = words.read(frame)
        except msgspec.DecodeError:
            self._club.tally.count("failures", "words that are not of the protocol")
            link.cut()
            return
        for event in events:
            if link is not self._link:
                return
            if type(event) in words.UNNUMBERED:
                self._told(event)
            else:
                self._numbered.received += 1
                self._news(event)
        if self._is_open and self._numbered.is_ping_due:
            self._ping()

    def lost(self, link: Link, code: int) -> None:
        if link is not self._link:
            return
        club = self._club
        was_in, is_wanted = self.is_in, self._is_cut
        self._link = None
        self._is_open = self.is_in = self._is_cut = False
        if not is_wanted:
            club.tally.closed += 1
            club.tally.count("close_reasons", str(code) if code else "silent")
        if code >= NEVER_AGAIN:
            self.has_given_up = True
        if was_in:
            self._counted(-1)
            club.mark(club.tally.lost_at)
        if self._entering is not None:
            self._entered()
        elif not (club.is_over or self.has_given_up):
            club.tasks.create_task(self._come_back())

    # Inside

    async def _come_back(self) -> None:
        club = self._club
        lost_at = club.now()
        await asyncio.sleep(after_advice(self._after, 0, club.random()))
        if await self.enter(lost_at, failures=1):
            club.mark(club.tally.back_at)

    async def _attempt(self) -> None:
        """Open a link and wait until it is in the room, or the link has ended."""
        club, link = self._club, Link(self)
        club.mark(club.tally.attempts_at)
        self._link = link
        entering = self._entering = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await club.dialler.open(link, self._url, self._source)
                club.tally.links += 1
                await entering
        except NotOpened as failure:
            self._after = failure.after
            if failure.is_turned_away:
                club.tally.turned_away += 1
                club.tally.turned_away_again += self._has_a_turn
                self._has_a_turn = True
            else:
                club.tally.count("failures", str(failure))
        except TimeoutError:
            club.tally.count("failures", "no welcome in time")
        finally:
            self._entering = None
            if not self.is_in:
                link.forget()
                link.cut()
                self._link, self._is_open = None, False

    def _entered(self) -> None:
        if self._entering is not None and not self._entering.done():
            self._entering.set_result(None)

    def _told(self, event: words.Event) -> None:
        match event:
            case Welcome():
                self._welcomed(event)
            case Ping():
                self._numbered.confirm(event.received)
                self._send(Pong(self._numbered.say()))
            case Pong():
                self._numbered.confirm(event.received)
            case Ticket() if self._welcome is not None:
                self._welcome.ticket = event.ticket
            case Bye():
                self._after = event.after
                self.has_given_up = event.come_back is ComeBack.NEVER
            case _:
                pass

    def _welcomed(self, welcome: Welcome) -> None:
        before, self._welcome = self._welcome, welcome
        # Of the many that are kept.
        welcome.ice_servers, welcome.nodes = [], []
        self._is_open = True
        self._allowance.follow(welcome.limits.messages_per_second)
        self.id = welcome.you
        if before is None:
            return
        tally = self._club.tally
        if welcome.resumed:
            tally.resumed += 1
            self._numbered.confirm(welcome.received)
            self._deliveries.resumed(self._club.now())
            self._ping()
            for request in self._numbered.kept:
                self._send(request)
            if self._has_joined:
                self._is_back_in()
            return
        tally.afresh += 1
        self._has_joined = False
        self._numbered = Numbered()
        self._deliveries.all_disappeared()
        if welcome.you != before.you:
            peers = self._deliveries.unacknowledged
            tally.undelivered += sum(len(self._deliveries.gone(peer)) for peer in peers)
            self._deliveries = Deliveries(NOTHING, self._allowance)
        self._post(self._join())

    def _counted(self, more: int) -> None:
        """Of the members; visitors come and go."""
        if self.number is not None:
            self._club.tally.joined += more

    def _join(self) -> Join:
        return Join(JOIN_REQUEST, self._room, "" if self.number is None else str(self.number))

    def _is_back_in(self) -> None:
        # A join that was said again after a resume is answered again.
        if not self.is_in:
            self._counted(1)
        self.is_in = True
        self._entered()

    def _news(self, event: words.Event) -> None:
        match event:
            case Signalled():
                if self._deliveries.accept(event.sender, event.n, self._club.now()):
                    self._arrived(event.payload)
                self._club.owing.add(self)
            case Broadcasted():
                self._arrived(event.payload)
            case Acked():
                self._deliveries.acknowledged(event.sender, event.n, self._club.now())
            case PeerJoined():
                self._appeared(event.peer)
            case PeerUpdated():
                self._deliveries.changed(PeerId(event.id), event.away, self._club.now())
            case PeerLeft(id=id, reason="reset"):
                self._deliveries.disappeared(PeerId(id))
            case PeerLeft(id=id):
                self._club.tally.undelivered += len(self._deliveries.gone(PeerId(id)))
            case Joined():
                for peer in event.peers:
                    self._appeared(peer)
                self._has_joined = True
                self._is_back_in()
            case Refused():
                self._refused(event)
            case Kicked():
                self._counted(-1)
                self.is_in, self.has_given_up = False, True
                self._club.tally.count("refusals", "kicked")
            case _:
                pass

    def _appeared(self, peer: Somebody) -> None:
        if peer.id == self.id or not self._club.ledger.has_signals:
            return
        for message in self._deliveries.appeared(PeerId(peer.id), peer.away, self._club.now()):
            self._post(message)

    def _arrived(self, payload: msgspec.Raw) -> None:
        said = words.said(payload)
        if said is None or self.number is None:
            return
        club = self._club
        if club.ledger.came(said.sender, self.number, said.number):
            club.tally.latency.add(club.now() - said.at)

    def _refused(self, event: Refused) -> None:
        self._club.tally.count("refusals", event.code)
        if event.code is ErrorCode.UNKNOWN_PEER and event.to is not None:
            self._deliveries.refused(event.to, inf)
        elif event.to is not None:
            self._deliveries.rest(event.to)
        elif event.request == JOIN_REQUEST:
            self.has_given_up = True
            self._entered()

    def _post(self, request: NumberedRequest) -> None:
        """Count it, and send it when there is a link."""
        self._numbered.keep(request)
        if self._is_open:
            self._send(request)
            if self._numbered.is_ping_due:
                self._ping()

    def _ping(self) -> None:
        self._send(Ping(self._numbered.say()))

    def _send(self, request: Request) -> None:
        if self._link is not None:
            self._link.send(words.written([request]))
