"""Offers and answers of one pair, so that two offers never meet. What happens comes in, effects go out.

    the offerer:   idle ──→ offering ──→ waiting ──→ stable ──→ offering …
    the answerer:  idle ──→ answering ──→ stable ──→ answering …

Effects are performed one after the other, so whoever performs them may take its time over each.
:class:`Open` starts a new connection and ends the one before; what an older generation still does is
ignored. The twin in the browser is ``web/lib/negotiation.js``; ``tests/vectors/negotiation.json`` binds
the two.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from signaling.protocol.messages import (
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


class Open(msgspec.Struct, frozen=True, tag_field="do", tag="open"):
    """Start a connection of this generation; the one before ends."""

    generation: int


class MakeOffer(msgspec.Struct, frozen=True, tag_field="do", tag="make-offer"):
    """Make an offer, set it, and report it with :meth:`Negotiation.described`."""

    generation: int


class ApplyOffer(msgspec.Struct, frozen=True, tag_field="do", tag="apply-offer"):
    generation: int
    sdp: str
    slots: dict[str, str]
    """mid → slot name."""


class MakeAnswer(msgspec.Struct, frozen=True, tag_field="do", tag="make-answer"):
    """Make an answer, set it, and report it with :meth:`Negotiation.described`."""

    generation: int


class ApplyAnswer(msgspec.Struct, frozen=True, tag_field="do", tag="apply-answer"):
    generation: int
    sdp: str
    slots: dict[str, str]


class AddCandidate(msgspec.Struct, frozen=True, tag_field="do", tag="add-candidate"):
    generation: int
    candidate: IceCandidateInit | None
    """None: there are no more."""


class Send(msgspec.Struct, frozen=True, tag_field="do", tag="send"):
    """To the other side, through the server."""

    payload: PeerPayload


InTurn = MakeOffer | ApplyOffer | MakeAnswer | ApplyAnswer | AddCandidate
Effect = Open | InTurn | Send


class Negotiation:
    """``you_offer``: whether the server has named this side the offerer."""

    def __init__(self, *, you_offer: bool) -> None:
        self.you_offer = you_offer
        self.generation = 0
        """Counts the connections this pair has had; 0 before the first."""
        self.state: Literal["idle", "offering", "waiting", "answering", "stable"] = "idle"
        self.wanted: dict[str, Slot] = {}
        """What the other side has asked for, by slot name."""
        self._reset(0)

    def start(self) -> list[Effect]:
        """The other side is there."""
        return self._begin(1) if self.you_offer and self.generation == 0 else []

    def need(self, slots: list[Slot]) -> list[Effect]:
        """This side has something new to negotiate: these are all the slots it uses."""
        if not self.you_offer:
            return [self._please_offer(slots, rebuild=False)]
        return [] if self.generation == 0 else self._offer_soon()

    def rebuild(self, slots: list[Slot]) -> list[Effect]:
        """The connection cannot be saved: begin the next one, or ask for it."""
        if self.you_offer:
            return self._begin(self.generation + 1)
        return [self._please_offer(slots, rebuild=True)]

    def receive(self, payload: PeerPayload) -> list[Effect]:
        """What the other side has said. What makes no sense is ignored."""
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
        self, generation: int, description_type: Literal["offer", "answer"], sdp: str, slots: dict[str, str]
    ) -> list[Effect]:
        """The local description is set and may be sent."""
        if generation != self.generation:
            return []
        self.state = "waiting" if description_type == "offer" else "stable"
        self._has_sent_description = True
        held, self._held_local = self._held_local, []
        description = Description(generation=generation, type=description_type, sdp=sdp, slots=slots)
        return [Send(description), *held]

    def gathered(self, generation: int, candidate: IceCandidateInit | None) -> list[Effect]:
        """A candidate of ours; None is the end of them."""
        if generation != self.generation:
            return []
        effect = Send(Candidate(generation=generation, candidate=candidate))
        if self._has_sent_description:
            return [effect]
        self._held_local.append(effect)
        return []

    def _begin(self, generation: int) -> list[Effect]:
        self._reset(generation)
        self.state = "offering"
        return [Open(generation), MakeOffer(generation)]

    def _reset(self, generation: int) -> None:
        self.generation = generation
        self._offer_again = False
        self._has_remote = False
        self._has_sent_description = False
        self._held_remote: list[IceCandidateInit | None] = []
        self._held_local: list[Send] = []

    def _offer_soon(self) -> list[Effect]:
        if self.state != "stable":
            self._offer_again = True
            return []
        self.state = "offering"
        self._offer_again = False
        return [MakeOffer(self.generation)]

    def _receive_offer(self, offer: Description) -> list[Effect]:
        if self.you_offer or offer.generation < 1:
            return []
        if offer.generation < self.generation:
            # Only a peer that has forgotten us begins again from below; it must learn how far we had come.
            return [self._please_offer([], rebuild=True)]
        effects: list[Effect] = []
        if offer.generation > self.generation:
            self._reset(offer.generation)
            effects.append(Open(offer.generation))
        self.state = "answering"
        effects.append(ApplyOffer(offer.generation, offer.sdp, offer.slots))
        return [*effects, *self._release_remote(), MakeAnswer(offer.generation)]

    def _receive_answer(self, answer: Description) -> list[Effect]:
        if answer.generation != self.generation or self.state != "waiting":
            return []
        self.state = "stable"
        effects: list[Effect] = [ApplyAnswer(answer.generation, answer.sdp, answer.slots)]
        effects += self._release_remote()
        if self._offer_again:
            effects += self._offer_soon()
        return effects

    def _receive_candidate(self, payload: Candidate) -> list[Effect]:
        if payload.generation != self.generation:
            return []
        if self._has_remote:
            return [AddCandidate(payload.generation, payload.candidate)]
        if len(self._held_remote) < MAX_HELD_CANDIDATES:
            self._held_remote.append(payload.candidate)
        return []

    def _receive_please_offer(self, request: PleaseOffer) -> list[Effect]:
        if not self.you_offer:
            return []
        for slot in request.slots:
            if len(self.wanted) < MAX_SLOTS:
                self.wanted[slot.name] = slot
        # A request that is older than the connection we are making is being fulfilled already.
        if request.rebuild and request.generation >= self.generation:
            return self._begin(request.generation + 1)
        if request.rebuild or self.generation == 0:
            return []
        # Also when the slots are there already: the other side may want to send in one that it only
        # received in.
        return self._offer_soon()

    def _release_remote(self) -> list[Effect]:
        self._has_remote = True
        held, self._held_remote = self._held_remote, []
        return [AddCandidate(self.generation, candidate) for candidate in held]

    def _please_offer(self, slots: list[Slot], *, rebuild: bool) -> Send:
        return Send(PleaseOffer(generation=self.generation, slots=slots, rebuild=rebuild))
