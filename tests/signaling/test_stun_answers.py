"""What is said to whom asks over STUN, and that it is never much more than was asked."""

from __future__ import annotations

import struct

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from signaling.stun_answers import IGNORED, Place, answer

V4 = ("192.0.2.7", 54_321)
V6 = ("2001:db8::7", 54_321)


def binding_request(signed: bool = False) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    if signed:
        request.add_fingerprint()
    return bytes(request)


def with_attribute(data: bytes, kind: int, value: bytes = b"") -> bytes:
    data += struct.pack("!HH", kind, len(value)) + value + bytes(stun.padding_length(len(value)))
    return stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)


PLACE = Place(("203.0.113.10", 3478), ("203.0.113.11", 3479))
PLACE_V6 = Place(("2001:db8::10", 3478), ("2001:db8::11", 3479))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("source", [V4, V6])
def test_a_binding_request_is_told_its_source(source: tuple[str, int], signed: bool) -> None:
    request = binding_request(signed)
    result, data, *_ = answer(request, source)
    response = stun.parse_message(data)
    assert result == "answered"
    assert response.message_class == stun.Class.RESPONSE
    assert response.transaction_id == request[8:20]
    assert response.attributes["XOR-MAPPED-ADDRESS"] == source
    assert ("FINGERPRINT" in response.attributes) is signed


def test_the_address_is_written_as_the_rfc_writes_it() -> None:
    # RFC 5769 §2.2: the sample response, mapped address 192.0.2.1 port 32853.
    transaction = bytes.fromhex("b7e7a701bc34d686fa87dfae")
    request = struct.pack("!HHI12s", 1, 0, stun.COOKIE, transaction)
    assert answer(request, ("192.0.2.1", 32_853)).data[20:] == bytes.fromhex("00200008 0001a147e112a643")
    v6 = ("2001:db8:1234:5678:11:2233:4455:6677", 32_853)
    expected = bytes.fromhex("00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9")
    assert answer(request, v6).data[20:] == expected


@pytest.mark.parametrize("signed", [False, True])
def test_what_it_does_not_understand_is_answered_with_420_and_named(signed: bool) -> None:
    data = with_attribute(with_attribute(binding_request(), 0x7FFF, b"12345678"), 0x0003, bytes(4))
    if signed:
        data = with_attribute(data, 0x8028, struct.pack("!I", stun.message_fingerprint(data)))
    result, reply, *_ = answer(data, V4)
    response = stun.parse_message(reply)
    assert result == "unknown-attribute"
    assert response.error_code == 420
    assert struct.pack("!HHHH", 0x000A, 4, 0x7FFF, 0x0003) in reply
    assert ("FINGERPRINT" in response.attributes) is signed


def test_an_optional_attribute_that_it_does_not_know_is_passed_over() -> None:
    assert answer(with_attribute(binding_request(), 0xC001, b"network"), V4).result == "answered"


def test_what_follows_message_integrity_is_passed_over() -> None:
    data = with_attribute(with_attribute(binding_request(), 0x0008, bytes(20)), 0x7FFF)
    assert answer(data, V4).result == "answered"


UNANSWERED = {
    "nothing": b"",
    "a type alone": b"\x00\x01",
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "half a header": binding_request()[:19],
    "more than it says": binding_request() + b"\x00\x00\x00\x00",
    "no cookie": binding_request()[:4] + b"\x00\x00\x00\x00" + binding_request()[8:],
    "no STUN": b"\x80" + binding_request()[1:],
    "a wrong fingerprint": with_attribute(binding_request(), 0x8028, b"\x00\x00\x00\x00"),
    "a name that is no text": with_attribute(binding_request(), 0x8022, b"\xff\xfe"),
    "a short attribute": with_attribute(binding_request(), 0x8029, b"\x01"),
    "too large": with_attribute(binding_request(), 0xC001, bytes(600)),
    **{
        f"{method.name} {kind.name}": bytes(stun.Message(method, kind))
        for method in (stun.Method.BINDING, stun.Method.ALLOCATE, stun.Method.SEND)
        for kind in stun.Class
        if (method, kind) != (stun.Method.BINDING, stun.Class.REQUEST)
    },
}


@pytest.mark.parametrize("data", UNANSWERED.values(), ids=UNANSWERED.keys())
def test_anything_but_a_binding_request_is_met_with_silence(data: bytes) -> None:
    assert answer(data, V4) == IGNORED


attributes = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=12)


@given(st.one_of(st.binary(max_size=700), attributes.map(lambda listed: crafted(listed))))
def test_no_datagram_makes_it_raise_or_answer_much_more_than_it_was_sent(data: bytes) -> None:
    for source in (V4, V6):
        reply = answer(data, source).data
        assert len(reply) <= 2.2 * len(data)


@given(st.integers(0, 19), st.integers(0, 255))
def test_a_request_with_one_wrong_byte_does_not_make_it_raise(position: int, value: int) -> None:
    data = bytearray(binding_request())
    data[position] = value
    answer(bytes(data), V4)


def crafted(listed: list[tuple[int, bytes]]) -> bytes:
    data = binding_request()
    for kind, value in listed:
        data = with_attribute(data, kind, value)
    return data


def attributes_in(data: bytes) -> dict[int, bytes]:
    found, position = {}, stun.HEADER_LENGTH
    while position < len(data):
        kind, length = struct.unpack_from("!HH", data, position)
        found[kind] = data[position + 4 : position + 4 + length]
        position += 4 + length + stun.padding_length(length)
    return found


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("source", "place"), [(V4, PLACE), (V6, PLACE_V6)])
def test_a_server_with_two_addresses_tells_of_both(
    source: tuple[str, int], place: Place, signed: bool
) -> None:
    result, data, origin, port = answer(binding_request(signed), source, place)
    told = stun.parse_message(data).attributes
    assert (result, origin, port) == ("answered", place.here, None)
    assert told["XOR-MAPPED-ADDRESS"] == told["MAPPED-ADDRESS"] == source
    assert told["RESPONSE-ORIGIN"] == place.here
    assert told["OTHER-ADDRESS"] == place.other
    assert ("FINGERPRINT" in told) is signed


@pytest.mark.parametrize(
    ("flags", "origin"),
    [
        (0, ("203.0.113.10", 3478)),
        (2, ("203.0.113.10", 3479)),
        (4, ("203.0.113.11", 3478)),
        (6, ("203.0.113.11", 3479)),
    ],
)
def test_an_answer_comes_from_where_it_was_asked_for(flags: int, origin: tuple[str, int]) -> None:
    request = with_attribute(binding_request(), 0x0003, struct.pack("!I", flags))
    answered = answer(request, V4, PLACE)
    told = stun.parse_message(answered.data).attributes
    assert answered.origin == told["RESPONSE-ORIGIN"] == origin
    assert told["OTHER-ADDRESS"] == PLACE.other


def test_an_answer_goes_to_another_port_of_the_same_address_when_asked() -> None:
    # With the padding inside of the value too, as some write it.
    for value in (struct.pack("!H", 40_000), struct.pack("!HH", 40_000, 0)):
        request = with_attribute(binding_request(), 0x0027, value)
        assert answer(request, V4, PLACE).port == 40_000
        assert stun.parse_message(answer(request, V4, PLACE).data).attributes["XOR-MAPPED-ADDRESS"] == V4


def test_padding_is_answered_with_as_much_padding() -> None:
    request = with_attribute(binding_request(), 0x0026, b"x" * 1_500)
    data = answer(request, V4, PLACE).data
    assert attributes_in(data)[0x0026] == bytes(1_500)
    assert len(data) <= len(request) + 48


def test_a_large_datagram_without_padding_is_met_with_silence() -> None:
    assert answer(with_attribute(binding_request(), 0xC001, bytes(1_500)), V4, PLACE) == IGNORED
    assert answer(with_attribute(binding_request(), 0x0026, bytes(2_400)), V4, PLACE) == IGNORED


@pytest.mark.parametrize(
    ("kind", "value"),
    [(0x0003, bytes(4)), (0x0003, b"\0\0\0\6"), (0x0026, bytes(100)), (0x0027, b"\x9c\x40")],
)
def test_a_server_with_one_address_says_that_it_cannot_examine_a_nat(kind: int, value: bytes) -> None:
    result, data, origin, port = answer(with_attribute(binding_request(), kind, value), V4)
    assert (result, origin, port) == ("unknown-attribute", None, None)
    assert stun.parse_message(data).error_code == 420
    assert struct.pack("!HHH", 0x000A, 2, kind) in data


@pytest.mark.parametrize(
    "listed",
    [
        [(0x0003, b"\6")],
        [(0x0027, bytes(2))],
        [(0x0027, b"\x9c")],
        [(0x0026, bytes(1_500)), (0x0027, b"\x9c\x40")],
    ],
    ids=["short change", "port 0", "short port", "padding to another port"],
)
def test_what_cannot_be_meant_is_answered_with_400(listed: list[tuple[int, bytes]]) -> None:
    data = crafted(listed)
    try:
        stun.parse_message(data)
    except struct.error:
        # aioice reads CHANGE-REQUEST itself, and cannot.
        assert answer(data, V4, PLACE) == IGNORED
        return
    result, reply, *_ = answer(data, V4, PLACE)
    assert result == "bad-request"
    assert stun.parse_message(reply).error_code == 400


examinations = st.lists(
    st.tuples(st.sampled_from([0x0003, 0x0026, 0x0027, 0x8028, 0xC001]), st.binary(max_size=600)),
    max_size=6,
)


@given(st.one_of(st.binary(max_size=3_000), examinations.map(lambda listed: crafted(listed))))
def test_two_addresses_add_little_to_an_answer_and_never_send_it_elsewhere(data: bytes) -> None:
    for source, place, more in ((V4, PLACE, 48), (V6, PLACE_V6, 96)):
        _, reply, origin, _ = answer(data, source, place)
        assert len(reply) <= len(data) + more
        if origin is not None:
            assert origin[0] in {host for host, _ in place}
            assert origin[1] in {port for _, port in place}
