"""Places for tracks in real descriptions; frames on their way are in tests/end_to_end/test_python_peers."""

from __future__ import annotations

from aiortc import MediaStreamTrack

from peer.engine.peer_connection import PeerConnection
from peer.engine.tracks import AnyFrame
from peer.slots import Slots, slots_of
from peer.voice.runner import tone
from signaling.protocol.signals import Slot

CAMERA = Slot("camera", "video")


class Side:
    def __init__(self, **published: MediaStreamTrack) -> None:
        self.published = published
        self.pc = PeerConnection([], changed=lambda state: None, lane_made=lambda lane: None)
        self.slots = Slots(self.pc, published, self._arrived)

    def _arrived(self, slot: str, frame: AnyFrame) -> None: ...

    async def close(self) -> None:
        await self.slots.close()
        await self.pc.close()


async def round_of(offerer: Side, answerer: Side, wanted: list[Slot]) -> None:
    offerer.slots.ensure(wanted)
    offer = await offerer.pc.make_offer()
    await answerer.pc.apply("offer", offer)
    answerer.slots.adopt(offerer.slots.by_mid)
    await offerer.pc.apply("answer", await answerer.pc.make_answer())
    for side in (offerer, answerer):
        side.slots.listen()


async def test_both_sides_know_the_same_places() -> None:
    offerer, answerer = Side(microphone=tone()), Side(camera=tone())
    await round_of(offerer, answerer, [CAMERA])
    assert set(offerer.slots.by_mid.values()) == {"microphone", "camera"}
    assert answerer.slots.by_mid == offerer.slots.by_mid
    for side in (offerer, answerer):
        assert (side.slots.kind_of("microphone"), side.slots.kind_of("camera")) == ("audio", "video")
        assert side.slots.kind_of("screen") is None
    await offerer.close()
    await answerer.close()


async def test_a_place_is_made_once() -> None:
    side = Side(microphone=tone())
    for _ in range(3):
        side.slots.ensure([Slot("microphone", "audio"), CAMERA])
    assert len(side.pc.transceivers) == 2
    await side.close()


async def test_it_is_complete_when_all_that_is_published_has_its_place() -> None:
    side = Side()
    seen = [side.slots.is_complete]
    side.published["microphone"] = tone()
    seen.append(side.slots.is_complete)
    side.slots.ensure([])
    seen.append(side.slots.is_complete)
    assert seen == [True, False, True]
    await side.close()


async def test_names_of_sections_that_are_not_there_are_ignored() -> None:
    offerer, answerer = Side(microphone=tone()), Side()
    offerer.slots.ensure([])
    await answerer.pc.apply("offer", await offerer.pc.make_offer())
    answerer.slots.adopt({"99": "camera", "": "screen"})
    assert answerer.slots.by_mid == {}
    answerer.slots.listen()
    await offerer.close()
    await answerer.close()


def test_what_is_published_becomes_wishes() -> None:
    assert slots_of({"microphone": tone()}) == [Slot("microphone", "audio")]
