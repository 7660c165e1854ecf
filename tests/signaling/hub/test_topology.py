"""One offerer for each pair."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.hub.topology import offers
from signaling.protocol.ids import PeerId
from signaling.protocol.parts import Capabilities

BROWSER = Capabilities(rollback=True, ice_restart=True, trickle=True)
capabilities = st.builds(
    Capabilities,
    rollback=st.booleans(),
    ice_restart=st.booleans(),
    trickle=st.booleans(),
    only_offers=st.booleans(),
)


@given(capabilities, capabilities, st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True))
def test_exactly_one_of_two_offers(mine: Capabilities, theirs: Capabilities, ids: list[str]) -> None:
    me, them = map(PeerId, ids)
    assert offers(mine, me, theirs, them) is not offers(theirs, them, mine, me)


def test_a_browser_offers_to_a_python_peer_whatever_their_ids() -> None:
    assert offers(BROWSER, PeerId("z"), Capabilities(), PeerId("a"))
    assert not offers(Capabilities(), PeerId("a"), BROWSER, PeerId("z"))


def test_whoever_cannot_answer_offers_to_everybody() -> None:
    assert offers(Capabilities(only_offers=True), PeerId("z"), BROWSER, PeerId("a"))


def test_rollback_counts_before_ice_restart_and_trickle_together() -> None:
    assert offers(
        Capabilities(rollback=True), PeerId("z"), Capabilities(ice_restart=True, trickle=True), PeerId("a")
    )


def test_between_equals_the_smaller_id_offers() -> None:
    assert offers(BROWSER, PeerId("a"), BROWSER, PeerId("b"))
