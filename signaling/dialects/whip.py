"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03): one resource is one member of a room.

It is no media server: the offer of the client goes to one member of the room, whose answer is the answer to
the client, and media flows between those two.

    waiting ──→ asked ──→ gathering ──→ live ⇄ restarting
       ↑──────────┘ (it did not answer, and there is another one)

Its frames are no wire format: they are what the HTTP transport asks, and what it is to reply.
"""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Any, ClassVar

import msgspec

from signaling.dialects.base import Arrival, Dialect, Room
from signaling.dialects.whip_sdp import (
    Answer,
    Direction,
    Fragment,
    Offer,
    UnusableError,
    answer_fragment,
    completed,
    parse_answer,
    restarted,
    usable_candidate,
)
from signaling.dialects.whip_words import (
    NO_ANSWER_YET,
    NOBODY_ANSWERED,
    NOBODY_THERE,
    NOT_LET_IN,
    REFUSALS,
    Delete,
    Patch,
    Reply,
    choose,
    refusal_of_tag,
)
from signaling.drain import Turn
from signaling.protocol.errors import HINTS, ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Kicked, PeerLeft, Welcome, Word
from signaling.protocol.parts import Capabilities, IceServer, Peer
from signaling.protocol.permissions import Permission
from signaling.protocol.signals import Candidate, Description, IceCandidateInit, PeerPayload, PleaseOffer

ANSWER_TIMEOUT = 6.0
"""Seconds from the request to an answer; OBS gives up after eight."""
MEMBER_TIMEOUT = 2.5
"""For one member, when there is another one to ask."""
GATHER_TIMEOUT = 1.0
"""For the candidates that come after an answer; what comes later the client never hears of."""
RETURN_TIMEOUT = 10.0
"""For a member whose session was lost: its connections may well go on."""
COME_BACK = 5
"""Seconds, for clients that found nobody."""
MAX_ANSWER_CANDIDATES = 64
MAX_CLIENT_CANDIDATES = 256
GENERATION = 1
"""A client has one connection, and no word for another one."""

_asked: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Patch | Delete)
_payloads = msgspec.json.Decoder(PeerPayload)
_encode = msgspec.json.Encoder().encode


class State(Enum):
    WAITING = "waiting"
    ASKED = "asked"
    GATHERING = "gathering"
    LIVE = "live"
    RESTARTING = "restarting"


class Resource(Dialect):
    """``room`` is a full name, ``wanted`` the id or the name of the only member to be asked; empty: any."""

    role: ClassVar[str]
    direction: ClassVar[Direction]
    needs: ClassVar[frozenset[Permission]] = frozenset((Permission.SIGNAL,))
    nobody: ClassVar[int]
    """The status when there is no member to ask."""
    turn: ClassVar[Turn] = Turn.SPREAD
    """Each is interrupted once, whenever it is told, and encoders dial again by themselves."""

    def __init__(self, arrival: Arrival, room: str, offer: Offer, wanted: str = "") -> None:
        super().__init__(arrival)
        self.state = State.WAITING
        self._room = room
        self._wanted = wanted
        self._offer = offer
        self._next_offer = offer
        """Of a restart that is under way."""
        self._answerer: Peer | None = None
        self._asked_before: set[PeerId] = set()
        self._answer: Answer | None = None
        self._candidates: list[str] = []
        """Of the answer."""
        self._taken = 0
        self._restarts = 0
        self._number = 0
        """Of the request that the member is to answer."""
        self._give_up_at = inf
        self._servers: list[IceServer] = []
        self._may: set[Permission] = set()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(engine=self.name, ice_restart=True, trickle=True, media=True, only_offers=True)

    @property
    def etag(self) -> str:
        """Of the present generation of ICE."""
        return f'"ice-{self._restarts}"'

    def came(self) -> None:
        self._give_up_at = self.wake_at = self.now + ANSWER_TIMEOUT
        self.join(self._room, {"role": self.role}, name=self.arrival.query.get("name", ""))

    def told(self, event: Word, now: float) -> Any:
        match event:
            case Welcome():
                self._servers = event.ice_servers
                self._may = {Permission(each) for each in event.can}
            case Kicked():
                self.leave_for_good()
            case PeerLeft(reason="reset") if self._may_return(event.id):
                # Its session was lost, its connections were not: usually it appears again at once.
                self.wake_at = now + RETURN_TIMEOUT
                room = self.rooms.get(event.room)
                if room is not None:
                    room.members.pop(event.id, None)
            case _:
                pass
        return super().told(event, now)

    def frame(self, frame: bytes) -> None:
        asked = _asked.decode(frame)
        if isinstance(asked, Delete):
            self.leave_for_good()
        else:
            self._patch(asked)

    def joined(self, room: Room) -> None:
        missing = self.needs - self._may
        if missing and Permission.ADMIN not in self._may:
            self._fail(403, f"The token does not permit this: it lacks {', '.join(sorted(missing))}.")
            return
        self._ask_next()
        if self.state is State.WAITING and self.nobody != 503:
            self._nobody()

    def not_joined(self, room: str, code: ErrorCode) -> None:
        status = REFUSALS.get(code, 403)
        self._fail(status, f"{HINTS[code][:1].upper()}{HINTS[code][1:]}.")

    def appeared(self, room: Room, peer: Peer) -> None:
        if self._may_return(peer.id):
            self.wake_at = inf
        elif self.state is State.WAITING:
            self._ask_next()

    def disappeared(self, room: Room, peer: Peer) -> None:
        if not self._is_answerer(peer.id):
            return
        if self.state in (State.LIVE, State.RESTARTING):
            self.leave_for_good()
        else:
            self._begin_again()

    def signalled(self, sender: PeerId, payload: msgspec.Raw) -> None:
        if not self._is_answerer(sender):
            return
        said = _payloads.decode(payload)
        match said:
            case Description(type="answer", generation=1):
                self._answered(said.sdp)
            case Candidate(generation=1):
                self._gathered(said.candidate)
            case PleaseOffer(rebuild=True, generation=generation) if generation >= GENERATION:
                # The connection cannot be saved, or the offer could not be used.
                if self.state in (State.LIVE, State.RESTARTING):
                    self.leave_for_good()
                elif self.state is State.ASKED:
                    self._begin_again()
            case _:
                pass

    def due(self) -> None:
        match self.state:
            case State.GATHERING | State.RESTARTING:
                self._finish()
            case State.LIVE:
                self.leave_for_good()
            case _ if self.now >= self._give_up_at:
                self._nobody()
            case _:
                self._ask_next()
                self.wake_at = min(self.wake_at, self._give_up_at)

    # Whom to ask

    def _ask_next(self) -> None:
        """The next member, if there is one; otherwise the last one may still answer."""
        room = self.rooms.get(self._room)
        members = () if room is None else room.members.values()
        chosen = choose(members, self.name, self._wanted, self._asked_before)
        if chosen is None:
            self.wake_at = self._give_up_at
            return
        self._answerer = chosen
        self._asked_before.add(chosen.id)
        self._ask(chosen, State.ASKED)
        self.wake_at = min(self.now + MEMBER_TIMEOUT, self._give_up_at)

    def _ask(self, peer: Peer, state: State) -> None:
        self.state = state
        self._answer, self._candidates, self._taken = None, [], 0
        offer = self._next_offer
        self._signal(peer, Description(GENERATION, "offer", offer.sdp, offer.slots))

    def _begin_again(self) -> None:
        self._answerer, self.state = None, State.WAITING
        self._ask_next()

    def _is_answerer(self, peer: PeerId) -> bool:
        return self._answerer is not None and self._answerer.id == peer

    def _may_return(self, peer: PeerId) -> bool:
        return self.state is State.LIVE and self._is_answerer(peer)

    # What the member answers

    def _answered(self, sdp: str) -> None:
        if self.state not in (State.ASKED, State.RESTARTING) or self._answer is not None:
            return
        try:
            self._answer = parse_answer(sdp, self._offer)
        except UnusableError as error:
            if self.state is State.ASKED:
                self._fail(422, str(error))
            return
        if self.state is State.ASKED:
            self.state = State.GATHERING
        self.wake_at = self.now + GATHER_TIMEOUT
        if self._answer.is_complete:
            self._finish()

    def _gathered(self, init: IceCandidateInit | None) -> None:
        if self._answer is None:
            return
        if init is None:
            self._finish()
            return
        text = usable_candidate(init.candidate.removeprefix("a="))
        is_of_answer = init.username_fragment in (None, self._answer.ufrag)
        if text and is_of_answer and len(self._candidates) < MAX_ANSWER_CANDIDATES:
            self._candidates.append(text)

    def _finish(self) -> None:
        """All candidates are there, or as many as one waits for."""
        answer = self._answer
        if self.state is State.RESTARTING and answer is None:
            self._next_offer = self._offer
            self._reply(Reply(self._number, 504, "The member did not answer; try again.", retry_after=1))
        elif answer is None:
            return
        elif self.state is State.RESTARTING:
            self._restarts += 1
            self._reply(Reply(self._number, 200, answer_fragment(answer, self._candidates), self.etag))
        elif self.state is State.GATHERING:
            servers = self._servers
            self._reply(Reply(0, 201, completed(answer, self._candidates), self.etag, ice_servers=servers))
        else:
            return
        self._offer, self.state, self.wake_at = self._next_offer, State.LIVE, inf
        # The description is read once, and a resource may live for days.
        self._answer, self._candidates = None, []

    # What the client says later

    def _patch(self, patch: Patch) -> None:
        fragment, answerer = patch.fragment, self._answerer
        is_restart = fragment.ufrag not in ("", self._offer.ufrag, self._next_offer.ufrag)
        refusal = self._why_no_patch(patch, is_restart)
        if refusal is not None or answerer is None:
            status, text = refusal or NO_ANSWER_YET
            self._reply(Reply(patch.number, status, text, retry_after=int(status == 409)))
        elif is_restart:
            self._next_offer, self._number = restarted(self._offer, fragment), patch.number
            self._ask(answerer, State.RESTARTING)
            self.wake_at = self.now + ANSWER_TIMEOUT
        else:
            self._trickle(answerer, fragment)
            self._reply(Reply(patch.number, 204))

    def _why_no_patch(self, patch: Patch, is_restart: bool) -> tuple[int, str] | None:
        refusal = refusal_of_tag(patch.if_match, self.etag, is_restart)
        if refusal is not None:
            return refusal
        if self.state not in (State.LIVE, State.RESTARTING):
            return NO_ANSWER_YET
        if is_restart and self.state is State.RESTARTING:
            return 409, "An ICE restart is under way; wait for its answer."
        if is_restart and not patch.fragment.pwd:
            return 400, "A new a=ice-ufrag needs its a=ice-pwd."
        if is_restart and self._answerer is not None and not self._answerer.capabilities.ice_restart:
            return 422, "The member of the room cannot restart ICE; offer anew."
        return None

    def _trickle(self, answerer: Peer, fragment: Fragment) -> None:
        ufrag = fragment.ufrag or self._offer.ufrag
        for candidate in fragment.candidates:
            if self._taken < MAX_CLIENT_CANDIDATES:
                self._taken += 1
                init = IceCandidateInit(candidate, self._offer.mid, 0, ufrag)
                self._signal(answerer, Candidate(GENERATION, init))
        if fragment.is_complete:
            self._signal(answerer, Candidate(GENERATION))

    # How

    def _signal(self, peer: Peer, payload: PeerPayload) -> None:
        self.signal(peer.id, msgspec.Raw(_encode(payload)))

    def _reply(self, reply: Reply) -> None:
        self.say(_encode(reply))

    def _fail(self, status: int, text: str) -> None:
        later = COME_BACK if status in (409, 429, 503, 504) else 0
        self._reply(Reply(0, status, text, retry_after=later))
        self.leave_for_good()

    def _nobody(self) -> None:
        room = self.rooms.get(self._room)
        if room is None or not room.is_joined:
            self._fail(504, NOT_LET_IN)
        elif self._asked_before:
            self._fail(504, NOBODY_ANSWERED)
        elif self._wanted:
            self._fail(
                404, f"There is no member {self._wanted[:64]!r} in the room; leave ?peer= out, or wait."
            )
        else:
            self._fail(self.nobody, NOBODY_THERE)


class Whip(Resource):
    """A publisher."""

    name: ClassVar[str] = "whip"
    role: ClassVar[str] = "publisher"
    direction: ClassVar[Direction] = "sendonly"
    needs: ClassVar[frozenset[Permission]] = frozenset((Permission.SIGNAL, Permission.PUBLISH))
    nobody: ClassVar[int] = 503


class Whep(Resource):
    """A viewer."""

    name: ClassVar[str] = "whep"
    role: ClassVar[str] = "viewer"
    direction: ClassVar[Direction] = "recvonly"
    nobody: ClassVar[int] = 409
