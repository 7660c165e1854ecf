"""Offers and answers of one pair, so that two offers never meet.

    the offerer:   idle ──→ offering ──→ waiting ──→ stable ──→ offering …
    the answerer:  idle ──→ answering ──→ stable ──→ answering …

Effects are performed one after the other, so whoever performs them may take its time over each.
``OpenConnection`` starts a new connection and ends the one before; what an older generation still
does is ignored.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

import msgspec

from signaling.protocol.signals import (
    Candidate,
    Description,
    IceCandidateInit,
    PeerPayload,
    PleaseOffer,
    Slot,
)

MAX_HELD_CANDIDATES = 256
"""Candidates that come before their description; more than any honest peer has."""
MAX_SLOTS = 32
MAX_GENERATION = 2**53 - 2
"""The twin in the browser counts in doubles."""


class State(Enum):
    IDLE = "idle"
    OFFERING = "offering"
    WAITING = "waiting"
    ANSWERING = "answering"
    STABLE = "stable"


class Doing(msgspec.Struct, frozen=True, tag_field="do"):
    """Base of what the connection is asked to do; ``generation`` says to which of its runs."""

    generation: int


class OpenConnection(Doing, frozen=True, tag="open"):
    """Begin the next run, and end the one before."""


class MakeOffer(Doing, frozen=True, omit_defaults=True, tag="make-offer"):
    restart: bool = False
    """With new ICE credentials."""


class ApplyOffer(Doing, frozen=True, tag="apply-offer"):
    sdp: str
    slots: dict[str, str]


class MakeAnswer(Doing, frozen=True, tag="make-answer"):
    pass


class ApplyAnswer(Doing, frozen=True, tag="apply-answer"):
    sdp: str
    slots: dict[str, str]


class AddCandidate(Doing, frozen=True, tag="add-candidate"):
    candidate: IceCandidateInit | None
    """None: end of candidates."""


class SendSignal(msgspec.Struct, frozen=True, tag_field="do", tag="send"):
    payload: PeerPayload


ToPerform = MakeOffer | ApplyOffer | MakeAnswer | ApplyAnswer | AddCandidate
"""What one run performs, in order."""
Effect = OpenConnection | ToPerform | SendSignal


class Negotiation:
    """``you_offer``: whether the server has named this side the offerer."""

    def __init__(self, you_offer: bool) -> None:
        self.you_offer = you_offer
        self.generation = 0
        """Counts the connections this pair has had; 0 before the first."""
        self.state = State.IDLE
        self.wanted: dict[str, Slot] = {}
        """What the other side has asked for."""
        self._offer_again = False
        self._restart_again = False
        self._is_restarting = False
        self._has_remote = False
        self._has_sent_description = False
        self._held_remote: list[IceCandidateInit | None] = []
        self._held_local: list[PeerPayload] = []

    def start(self) -> list[Effect]:
        """The other side is there."""
        return self._begin(1) if self.you_offer and self.generation == 0 else []

    def need(self, slots: list[Slot]) -> list[Effect]:
        """This side has something new to negotiate: these are all the slots it uses."""
        if not self.you_offer:
            return [SendSignal(PleaseOffer(self.generation, slots))]
        return self._offer_soon() if self.generation else []

    def rebuild(self, slots: list[Slot]) -> list[Effect]:
        """The connection cannot be saved: begin the next one, or ask for it."""
        if self.you_offer:
            return self._begin(self.generation + 1)
        return [SendSignal(PleaseOffer(self.generation, slots, rebuild=True))]

    def restart(self) -> list[Effect]:
        """Look for a new path for the connection that there is, or ask for it (RFC 8445 section 9)."""
        if self.generation == 0:
            return []
        if not self.you_offer:
            return [SendSignal(PleaseOffer(self.generation, restart=True))]
        self._restart_again = True
        return self._offer_soon()

    def receive(self, payload: PeerPayload) -> list[Effect]:
        """What the other side has said. What makes no sense is ignored."""
        if payload.generation > MAX_GENERATION:
            return []
        match payload:
            case Description(type="offer"):
                return self._receive_offer(payload)
            case Description():
                return self._receive_answer(payload)
            case Candidate():
                return self._receive_candidate(payload)
            case PleaseOffer():
                return self._receive_please_offer(payload)

    def described(
        self, generation: int, type: Literal["offer", "answer"], sdp: str, slots: dict[str, str]
    ) -> list[Effect]:
        """The local description is set and may be sent."""
        if generation != self.generation:
            return []
        self.state = State.WAITING if type == "offer" else State.STABLE
        self._has_sent_description = True
        held, self._held_local = self._held_local, []
        return [SendSignal(payload) for payload in (Description(generation, type, sdp, slots), *held)]

    def gathered(self, generation: int, candidate: IceCandidateInit | None) -> list[Effect]:
        """A candidate of ours; None is the end of them."""
        if generation != self.generation:
            return []
        payload = Candidate(generation, candidate)
        if self._has_sent_description:
            return [SendSignal(payload)]
        if len(self._held_local) < MAX_HELD_CANDIDATES:
            self._held_local.append(payload)
        return []

    def _begin(self, generation: int) -> list[Effect]:
        self._reset(generation)
        self.state = State.OFFERING
        return [OpenConnection(generation), MakeOffer(generation)]

    def _reset(self, generation: int) -> None:
        self.generation = generation
        self._offer_again = self._restart_again = self._is_restarting = False
        self._has_remote = False
        self._has_sent_description = False
        self._held_remote = []
        self._held_local = []

    def _offer_soon(self) -> list[Effect]:
        if self.state is not State.STABLE:
            self._offer_again = True
            return []
        self.state = State.OFFERING
        # What is found from now on belongs to the description that is being made.
        self._has_sent_description = False
        self._is_restarting, self._restart_again = self._restart_again, False
        self._offer_again = False
        return [MakeOffer(self.generation, self._is_restarting)]

    def _receive_offer(self, offer: Description) -> list[Effect]:
        generation = offer.generation
        if self.you_offer or generation < 1:
            return []
        if generation < self.generation:
            # Only a peer that has forgotten us begins again from below; it must learn how far we had come.
            return [SendSignal(PleaseOffer(self.generation, rebuild=True))]
        effects: list[Effect] = []
        if generation > self.generation:
            self._reset(generation)
            effects.append(OpenConnection(generation))
        self.state = State.ANSWERING
        self._has_sent_description = False
        effects.append(ApplyOffer(generation, offer.sdp, offer.slots))
        return [*effects, *self._release_remote(), MakeAnswer(generation)]

    def _receive_answer(self, answer: Description) -> list[Effect]:
        if answer.generation != self.generation or self.state is not State.WAITING:
            return []
        self.state = State.STABLE
        self._is_restarting = False
        effects: list[Effect] = [ApplyAnswer(answer.generation, answer.sdp, answer.slots)]
        effects += self._release_remote()
        return effects + self._offer_soon() if self._offer_again else effects

    def _receive_candidate(self, payload: Candidate) -> list[Effect]:
        if payload.generation != self.generation:
            return []
        if self._has_remote:
            return [AddCandidate(payload.generation, payload.candidate)]
        if len(self._held_remote) < MAX_HELD_CANDIDATES:
            self._held_remote.append(payload.candidate)
        return []

    def _receive_please_offer(self, payload: PleaseOffer) -> list[Effect]:
        if not self.you_offer:
            return []
        for slot in payload.slots:
            if slot.name in self.wanted or len(self.wanted) < MAX_SLOTS:
                self.wanted[slot.name] = slot
        if payload.rebuild:
            # A request that is older than the connection we are making is being fulfilled already.
            return self._begin(payload.generation + 1) if payload.generation >= self.generation else []
        if payload.restart:
            return self._restart_for_other(payload.generation)
        # Also when the slots are there already: the other side may want to send in one that it only
        # received in.
        return self._offer_soon() if self.generation else []

    def _restart_for_other(self, generation: int) -> list[Effect]:
        # The answer to an offer that is under way will tell where the other side is now. One to an
        # offer that it had before it asked has come before this.
        if generation != self.generation or self._is_restarting:
            return []
        return self.restart()

    def _release_remote(self) -> list[Effect]:
        self._has_remote = True
        held, self._held_remote = self._held_remote, []
        return [AddCandidate(self.generation, candidate) for candidate in held]
