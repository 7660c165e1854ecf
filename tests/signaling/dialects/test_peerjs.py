"""Clients of PeerJS at a hub: ids, what is said between them, and who may have which."""

from __future__ import annotations

import json

import msgspec
import pytest

from signaling.dialects.peerjs import MAX_VISITS, MAX_WAITING, PeerJs
from signaling.protocol.messages import Signal
from tests.signaling.dialects.kit import Doors, ForeignClient
from tests.signaling.kit import Client

OPEN = '{"type":"OPEN"}'


def come(doors: Doors, peer: str, secret: str = "", key: str = "peerjs") -> ForeignClient:
    return doors.come(PeerJs, query={"key": key, "id": peer, "token": secret or f"of {peer}"})


def opened(doors: Doors, *peers: str) -> list[ForeignClient]:
    clients = [come(doors, peer) for peer in peers]
    for client in clients:
        assert client.taken() == [OPEN]
    return clients


def offer(to: str, payload: object = "sdp", kind: str = "OFFER") -> str:
    return json.dumps({"type": kind, "payload": payload, "dst": to})


def frame(kind: str, source: str, to: str, payload: str = '"sdp"') -> str:
    return f'{{"type":"{kind}","src":"{source}","dst":"{to}","payload":{payload}}}'


def test_whoever_comes_is_open() -> None:
    opened(Doors(), "ana", "ben")


@pytest.mark.parametrize("missing", ["id", "token", "key"])
def test_without_an_id_a_token_or_a_key_nobody_comes_in(missing: str) -> None:
    doors = Doors()
    query = {"id": "ana", "token": "t", "key": "peerjs"} | {missing: ""}
    client = doors.come(PeerJs, query=query)
    assert client.taken() == [
        '{"type":"ERROR","payload":{"msg":"No id, token, or key supplied to websocket server"}}'
    ]
    assert client.has_ended


def test_another_key_is_refused() -> None:
    client = come(Doors(), "ana", key="other")
    assert client.taken() == ['{"type":"ERROR","payload":{"msg":"Invalid key provided"}}']
    assert client.has_ended


def test_an_id_that_another_has_is_taken() -> None:
    doors = Doors()
    (ana,) = opened(doors, "ana")
    thief = come(doors, "ana", secret="another")
    assert thief.taken() == ['{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}']
    assert thief.has_ended
    assert not ana.has_ended


def test_an_id_is_free_when_its_owner_has_gone() -> None:
    doors = Doors()
    (ana,) = opened(doors, "ana")
    ana.leaves()
    assert come(doors, "ana", secret="another").taken() == [OPEN]


def test_the_same_client_takes_its_id_over_and_is_open_again() -> None:
    doors = Doors()
    ana, ben = opened(doors, "ana", "ben")
    ben.says(offer("ana"))
    assert ana.taken()
    again = come(doors, "ana")
    assert again.taken() == [OPEN]
    assert ana.has_ended
    ben.says(offer("ana", 2))
    assert again.taken() == [frame("OFFER", "ben", "ana", "2")]


def test_what_is_said_arrives_with_who_said_it_and_without_more() -> None:
    doors = Doors()
    ana, ben = opened(doors, "ana", "ben")
    assert ana.says('{"type":"OFFER","payload":{"a": [1]},"dst":"ben","src":"carla","more":1}') == []
    assert ben.says(offer("ana", kind="ANSWER"), offer("ana", kind="CANDIDATE")) == [
        '{"type":"OFFER","src":"ana","dst":"ben","payload":{"a": [1]}}'
    ]
    assert ana.taken() == [frame("ANSWER", "ben", "ana"), frame("CANDIDATE", "ben", "ana")]


def test_in_order_before_and_after_the_visit_has_begun() -> None:
    doors = Doors()
    ana, ben = opened(doors, "ana", "ben")
    ana.says(*(offer("ben", n) for n in range(10)))
    assert ben.taken() == [frame("OFFER", "ana", "ben", str(n)) for n in range(10)]


def test_a_message_waits_for_who_comes_soon() -> None:
    doors = Doors()
    (ana,) = opened(doors, "ana")
    assert ana.says(offer("ben", 1), offer("ben", 2, "CANDIDATE")) == []
    doors.pass_time(3)
    ben = come(doors, "ben")
    assert ben.taken() == [OPEN, frame("OFFER", "ana", "ben", "1"), frame("CANDIDATE", "ana", "ben", "2")]
    doors.pass_time(10)
    assert ana.taken() == []


def test_who_does_not_come_is_said_to_be_away_once() -> None:
    doors = Doors()
    (ana,) = opened(doors, "ana")
    ana.says(offer("ben", 1), offer("ben", 2))
    doors.pass_time(4)
    assert ana.taken() == []
    doors.pass_time(2)
    assert ana.taken() == ['{"type":"EXPIRE","src":"ben","dst":"ana"}']
    assert come(doors, "ben").taken() == [OPEN]


def test_a_leave_reaches_who_is_there_and_waits_for_nobody() -> None:
    doors = Doors()
    ana, ben = opened(doors, "ana", "ben")
    ana.says('{"type":"LEAVE","dst":"ben"}', '{"type":"LEAVE","dst":"carla"}')
    doors.pass_time(40)
    assert ana.taken() == []
    # It came before the visit had begun.
    ana.says(offer("ben"), '{"type":"LEAVE","dst":"ben"}')
    assert ben.taken()[-1] == '{"type":"LEAVE","src":"ana","dst":"ben"}'


def test_a_leave_for_nobody_gives_the_id_back() -> None:
    doors = Doors()
    (ana,) = opened(doors, "ana")
    ana.says('{"type":"LEAVE"}')
    assert ana.has_ended
    assert come(doors, "ana", secret="another").taken() == [OPEN]


def test_one_may_speak_to_oneself() -> None:
    (ana,) = opened(Doors(), "ana")
    assert ana.says(offer("ana")) == [frame("OFFER", "ana", "ana")]


def test_an_idle_visitor_leaves_and_may_come_again() -> None:
    doors = Doors()
    ana, ben = opened(doors, "ana", "ben")
    ana.says(offer("ben"))
    assert len(doors.world.hub.rooms["default/peerjs:ben"].members) == 2
    doors.pass_time(40)
    assert len(doors.world.hub.rooms["default/peerjs:ben"].members) == 1
    ana.says(offer("ben", 2))
    assert ben.says(offer("ana", 3)) == [frame("OFFER", "ana", "ben"), frame("OFFER", "ana", "ben", "2")]
    assert ana.taken() == [frame("OFFER", "ben", "ana", "3")]


def test_only_so_many_messages_wait() -> None:
    (ana,) = opened(Doors(), "ana")
    told = ana.says(*(offer("ben", n) for n in range(MAX_WAITING + 1)))
    assert told == ['{"type":"EXPIRE","src":"ben","dst":"ana"}']


def test_only_so_many_are_visited_at_a_time() -> None:
    (ana,) = opened(Doors(), "ana")
    told = ana.says(*(offer(f"peer {n}") for n in range(MAX_VISITS + 1)))
    assert told == [f'{{"type":"EXPIRE","src":"peer {MAX_VISITS}","dst":"ana"}}']


@pytest.mark.parametrize(
    "hostile",
    [
        "null",
        '"text"',
        "[]",
        "{",
        "{}",
        '{"type":5}',
        '{"type":"OFFER","dst":{}}',
        '{"type":"OFFER"}',
        '{"type":"OFFER","dst":"ben\\ud800"}',
        '{"type":"EXPIRE","dst":"ben","payload":1}',
        '{"type":"OPEN","dst":"ben"}',
        '{"type":"OFFER","dst":"%s"}' % ("x" * 10_000),
        b"\xff\xfe",
        '{"type":"OFFER","dst":"ben","payload":%s}' % ("[" * 5_000),
    ],
)
def test_hostile_frames_reach_nobody(hostile: str | bytes) -> None:
    doors = Doors()
    ana, ben, carla = opened(doors, "ana", "ben", "carla")
    ana.says(hostile)
    assert ben.taken() == []
    carla.says(offer("ben"))
    assert ben.taken() == [frame("OFFER", "carla", "ben")]


def test_another_app_is_out_of_reach() -> None:
    doors = Doors()
    (ana,) = opened(doors, "ana")
    elsewhere = doors.come(PeerJs, query={"key": "peerjs", "id": "ben", "token": "t"}, app="other")
    elsewhere.taken()
    ana.says(offer("ben"), offer("other/peerjs:ben"), offer("../other/peerjs:ben"))
    assert elsewhere.taken() == []


def test_a_member_of_our_own_does_not_speak_for_others() -> None:
    doors = Doors()
    ana, _ = opened(doors, "ana", "ben")
    native = Client(doors.world).connect()
    native.join("default/peerjs:ana", metadata={"peerjs": "carla"})
    doors.settle()
    forged = {"type": "OFFER", "src": "ben", "dst": "ana", "payload": 1}
    native.say(Signal(ana.dialect.me, 1, msgspec.Raw(msgspec.json.encode(forged))))
    doors.settle()
    assert ana.taken() == []
    native.say(Signal(ana.dialect.me, 2, msgspec.Raw(msgspec.json.encode(forged | {"src": "carla"}))))
    doors.settle()
    assert ana.taken() == [frame("OFFER", "carla", "ana", "1")]
    native.say(Signal(ana.dialect.me, 3, msgspec.Raw(b'{"takeover":"guess"}')))
    doors.settle()
    assert not ana.has_ended
