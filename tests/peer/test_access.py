"""Who may come in and what you may do, as the server tells it."""

from __future__ import annotations

from typing import Any

from peer import events
from peer.access import Access
from peer.listeners import Listeners
from signaling.protocol.ids import PeerId, RoomName
from signaling.protocol.messages import Joined, Knocked, KnockEnded, Permitted, RoomUpdated
from signaling.protocol.parts import Peer, RoomSettings
from signaling.protocol.permissions import Permission

ANA, BEN = PeerId("ana"), PeerId("ben")
ROOM = RoomName("default/garden")


def access() -> tuple[Access, list[Any]]:
    listeners = Listeners()
    told: list[Any] = []
    for kind in (events.RoomUpdated, events.Knocked, events.KnockEnded, events.Permitted):
        listeners.on(kind)(told.append)
    return Access(listeners, capacity=4), told


def settings(owner: PeerId, capacity: int = 4) -> RoomSettings:
    return RoomSettings(owner=owner, capacity=capacity)


def test_an_owner_may_kick_and_who_is_none_may_not() -> None:
    room, _ = access()
    room.changed(RoomUpdated(ROOM, settings(ANA)))
    assert room.may(Permission.KICK, me=ANA, welcomed=[])
    assert not room.may(Permission.KICK, me=BEN, welcomed=[])
    assert room.may(Permission.KICK, me=BEN, welcomed=[Permission.KICK])


def test_a_newer_token_holds_until_the_next_welcome() -> None:
    room, told = access()
    room.changed(Permitted([Permission.JOIN], 7.0))
    assert not room.may(Permission.KICK, me=BEN, welcomed=[Permission.KICK])
    room.welcomed()
    assert room.may(Permission.KICK, me=BEN, welcomed=[Permission.KICK])
    assert told == [events.Permitted([Permission.JOIN], 7.0)]


def test_who_knocks_waits_until_it_is_decided() -> None:
    room, told = access()
    room.changed(Knocked(ROOM, Peer(BEN, "Ben")))
    assert [peer.name for peer in room.waiting.values()] == ["Ben"]
    room.changed(KnockEnded(ROOM, BEN))
    assert not room.waiting
    assert [type(each) for each in told] == [events.Knocked, events.KnockEnded]


def test_only_a_room_that_was_made_anew_is_told_as_updated() -> None:
    room, told = access()
    for owner in (ANA, BEN):
        room.joined(Joined(1, ROOM, [], 8, settings=settings(owner, 8)))
    assert room.capacity == 8
    assert told == [events.RoomUpdated(settings(BEN, 8))]
