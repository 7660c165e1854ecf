from __future__ import annotations

from peer.control import Control
from peer.wire import Ack, Bye, ControlMessage, Media, Open
from tests.peer.channels.lanes import FakeLane


def control() -> tuple[Control, FakeLane, list[ControlMessage | str]]:
    heard: list[ControlMessage | str] = []
    lane = FakeLane()
    it = Control(
        lane,
        opened=lambda: heard.append("opened"),
        received=heard.append,
        violated=lambda reason: heard.append(f"violated: {reason}"),
    )
    return it, lane, heard


def test_nothing_can_be_said_before_it_is_open() -> None:
    it, lane, heard = control()
    assert not it.say(Bye())
    lane.open()
    assert heard == ["opened"]
    assert it.say(Bye())
    lane.close()
    assert not it.say(Bye())


def test_what_one_side_says_the_other_hears_also_when_it_is_long() -> None:
    it, lane, _ = control()
    _, other, heard = control()
    lane.open()
    media = Media({f"slot {number}": "live" for number in range(2000)})
    for message in (media, Open("größe", "latest"), Bye()):
        it.say(message)
    assert len(lane.sent) > 3
    for framed in lane.sent:
        other.tell("message", framed)
    assert heard == [media, Open("größe", "latest"), Bye()]


def test_what_is_no_control_message_is_ignored() -> None:
    _, lane, heard = control()
    for data in ("text", b"", b"\x01{", b"\x00bytes", b"\xff", b'\x01{"type":"dance"}'):
        lane.tell("message", data)
    lane.tell("message", b'\x01{"type":"bye","new":1}')
    assert heard == [Bye()]


def test_who_says_too_much_is_given_up() -> None:
    _, lane, heard = control()
    for _ in range(2000):
        lane.tell("message", b'\x01{"type":"bye"}')
    assert heard[:1024] == [Bye()] * 1024
    assert heard[-1] == "violated: too many control messages"


def test_acknowledgements_may_come_as_fast_as_data() -> None:
    _, lane, heard = control()
    for number in range(2000):
        lane.tell("message", b'\x01{"type":"ack","received":{"0123abcd":[%d,7]}}' % number)
    assert len(heard) == 2000
    assert all(isinstance(message, Ack) for message in heard)


def test_a_message_without_end_is_given_up() -> None:
    _, lane, heard = control()
    for _ in range(5):
        lane.tell("message", b"\x03" + bytes(16_000))
    assert heard == ["violated: a control message was too long"]
