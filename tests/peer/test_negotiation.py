"""Two machines and a list of messages: offers never meet, and both sides end in the same place."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.negotiation import (
    AddCandidate,
    ApplyAnswer,
    ApplyOffer,
    Effect,
    MakeAnswer,
    MakeOffer,
    Negotiation,
    OpenConnection,
    SendSignal,
    State,
    ToPerform,
)
from signaling.protocol.signals import Description, IceCandidateInit, PeerPayload, PleaseOffer, Slot

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "negotiation.json").read_text())


def perform(negotiation: Negotiation, step: list[Any]) -> list[Effect]:
    match step:
        case ["start"]:
            return negotiation.start()
        case ["need", slots]:
            return negotiation.need(msgspec.convert(slots, list[Slot]))
        case ["rebuild", slots]:
            return negotiation.rebuild(msgspec.convert(slots, list[Slot]))
        case ["restart"]:
            return negotiation.restart()
        case ["receive", payload]:
            return negotiation.receive(msgspec.convert(payload, PeerPayload))  # type: ignore[arg-type] # a union
        case ["described", generation, description_type, sdp, slots]:
            return negotiation.described(generation, description_type, sdp, slots)
        case ["gathered", generation, candidate]:
            return negotiation.gathered(generation, msgspec.convert(candidate, IceCandidateInit | None))
    raise AssertionError(f"the vectors have an unknown step {step[0]}")


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_it_negotiates_as_the_browser_does(case: dict[str, Any]) -> None:
    negotiation = Negotiation(case["you_offer"])
    for step in case["steps"]:
        expected = msgspec.convert(step["effects"], list[Effect])
        assert perform(negotiation, step["input"]) == expected, step["input"]


class Side:
    """A machine, and someone who performs its effects one after the other."""

    def __init__(self, *, you_offer: bool) -> None:
        self.negotiation = Negotiation(you_offer)
        self.outgoing: deque[PeerPayload] = deque()
        self.turns: deque[ToPerform] = deque()
        self.uses: dict[str, Slot] = {}
        self.places: set[str] = set()
        self.offers_on_their_way = 0

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case SendSignal(payload):
                    self.outgoing.append(payload)
                case OpenConnection():
                    self.turns.clear()
                    self.places.clear()
                    self.offers_on_their_way = 0
                case _:
                    self.turns.append(effect)

    def perform_next(self) -> None:
        effect = self.turns.popleft()
        assert effect.generation == self.negotiation.generation
        match effect:
            case MakeOffer(generation):
                self.offers_on_their_way += 1
                assert self.offers_on_their_way == 1, "two offers at a time"
                self.places |= self.uses.keys() | self.negotiation.wanted.keys()
                slots = {str(mid): name for mid, name in enumerate(sorted(self.places))}
                self.do(self.negotiation.described(generation, "offer", "offer", slots))
            case MakeAnswer(generation):
                self.do(self.negotiation.described(generation, "answer", "answer", {}))
                if self.uses.keys() - self.places:
                    self.do(self.negotiation.need(list(self.uses.values())))
            case ApplyOffer(slots=slots):
                self.places = set(slots.values())
            case ApplyAnswer():
                self.offers_on_their_way -= 1
            case AddCandidate():
                pass

    def use(self, slot: Slot) -> None:
        self.uses[slot.name] = slot
        self.do(self.negotiation.need(list(self.uses.values())))

    @property
    def state(self) -> tuple[State, int]:
        return self.negotiation.state, self.negotiation.generation


ACTIONS = st.sampled_from(
    ["turn", "turn", "turn", "deliver", "deliver", "deliver", "use", "rebuild", "restart", "start"]
)


def step(side: Side, other: Side, action: str, number: int) -> None:
    if action == "turn" and side.turns:
        side.perform_next()
    elif action == "deliver" and other.outgoing:
        side.do(side.negotiation.receive(other.outgoing.popleft()))
    elif action == "use":
        side.use(Slot(f"slot {number % 12}", "audio"))
    elif action == "rebuild" and number % 4 == 0:
        side.do(side.negotiation.rebuild(list(side.uses.values())))
    elif action == "restart":
        side.do(side.negotiation.restart())
    elif action == "start":
        side.do(side.negotiation.start())


@given(st.lists(st.tuples(st.booleans(), ACTIONS), max_size=120))
def test_whatever_the_order_both_sides_end_stable_with_a_place_for_everything(
    schedule: list[tuple[bool, str]],
) -> None:
    offerer, answerer = Side(you_offer=True), Side(you_offer=False)
    for number, (is_offerer, action) in enumerate(schedule):
        pair = (offerer, answerer) if is_offerer else (answerer, offerer)
        step(*pair, action, number)
    offerer.do(offerer.negotiation.start())
    for _ in range(1000):
        for pair in ((offerer, answerer), (answerer, offerer)):
            step(*pair, "turn", 1)
            step(*pair, "deliver", 1)
    assert offerer.state == answerer.state
    assert offerer.state[0] is State.STABLE
    used = offerer.uses.keys() | answerer.uses.keys()
    assert used <= offerer.places
    assert offerer.places == answerer.places


PAYLOADS = st.one_of(
    st.builds(
        Description,
        generation=st.integers(-2, 5),
        type=st.sampled_from(["offer", "answer"]),
        sdp=st.text(max_size=4),
    ),
    st.builds(PleaseOffer, generation=st.integers(-2, 5), rebuild=st.booleans(), restart=st.booleans()),
)


@given(st.booleans(), st.lists(PAYLOADS, max_size=40))
def test_nothing_that_the_other_side_says_raises(you_offer: bool, payloads: list[PeerPayload]) -> None:
    side = Side(you_offer=you_offer)
    side.do(side.negotiation.start())
    for payload in payloads:
        side.do(side.negotiation.receive(payload))
        assert len(side.turns) <= 3 * len(payloads) + 2


def test_the_other_side_cannot_make_us_hold_candidates_without_end() -> None:
    negotiation = Negotiation(True)
    negotiation.start()
    candidate = {"kind": "candidate", "generation": 1, "candidate": {"candidate": "candidate:1"}}
    for _ in range(1000):
        perform(negotiation, ["receive", candidate])
    negotiation.described(1, "offer", "", {})
    effects = perform(
        negotiation, ["receive", {"kind": "description", "generation": 1, "type": "answer", "sdp": ""}]
    )
    assert sum(isinstance(effect, AddCandidate) for effect in effects) == 256
