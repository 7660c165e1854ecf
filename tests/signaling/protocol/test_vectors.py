"""The examples of ``tests/vectors``: what both languages read and write alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from signaling.protocol.codec import CLIENT_CODECS, SERVER_CODECS, Malformed
from signaling.protocol.errors import CLOSE_REASONS, HINTS
from signaling.protocol.messages import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Broadcasted, Signalled
from signaling.protocol.signals import PeerPayload

VECTORS = Path(__file__).parents[2] / "vectors"
PROTOCOL = json.loads((VECTORS / "protocol.json").read_text())
ERRORS = json.loads((VECTORS / "errors.json").read_text())


def in_full(value: Any) -> Any:
    """As the vectors write a message: with the fields that the wire may leave out, and plain payloads."""
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        tag = {} if config.tag_field is None else {config.tag_field: config.tag}
        fields = msgspec.structs.fields(value)
        return tag | {each.encode_name: in_full(getattr(value, each.name)) for each in fields}
    if isinstance(value, list):
        return [in_full(each) for each in value]
    if isinstance(value, dict):
        return {key: in_full(each) for key, each in value.items()}
    return value


@pytest.mark.parametrize("example", PROTOCOL["requests"], ids=lambda example: example["message"]["type"])
def test_requests_are_read_as_the_examples_say(example: dict[str, Any]) -> None:
    (message,) = SERVER_CODECS[JSON_SUBPROTOCOL].decode(example["json"].encode())
    assert in_full(message) == example["message"]


@pytest.mark.parametrize("example", PROTOCOL["events"], ids=lambda example: example["message"]["type"])
def test_events_are_read_as_the_examples_say(example: dict[str, Any]) -> None:
    (message,) = CLIENT_CODECS[JSON_SUBPROTOCOL].decode(example["json"].encode())
    assert in_full(message) == example["message"]


@pytest.mark.parametrize("example", PROTOCOL["payloads"], ids=lambda example: example["message"]["kind"])
def test_what_peers_signal_is_read_as_the_examples_say(example: dict[str, Any]) -> None:
    payload: PeerPayload = msgspec.json.decode(example["json"], type=PeerPayload)
    assert in_full(payload) == example["message"]


@pytest.mark.parametrize("example", PROTOCOL["events"], ids=lambda example: example["message"]["type"])
@pytest.mark.parametrize("subprotocol", [JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL])
def test_what_a_server_writes_a_client_reads(example: dict[str, Any], subprotocol: str) -> None:
    (message,) = CLIENT_CODECS[JSON_SUBPROTOCOL].decode(example["json"].encode())
    assert not isinstance(message, Malformed)
    codec = CLIENT_CODECS[subprotocol]
    (again,) = codec.decode(SERVER_CODECS[subprotocol].encode(message))
    if isinstance(again, Signalled | Broadcasted):
        # The payload is the codec's own; what it says is the same.
        again.payload = msgspec.Raw(msgspec.json.encode(codec.read_payload(again.payload)))
    assert in_full(again) == example["message"]


def test_batches_are_read_in_order() -> None:
    for example in PROTOCOL["batches"]:
        messages = CLIENT_CODECS[JSON_SUBPROTOCOL].decode(example["json"].encode())
        read = [in_full(message) for message in messages]
        for message, expected in zip(read, example["messages"], strict=True):
            assert expected.items() <= message.items()


@pytest.mark.parametrize("text", PROTOCOL["malformed_events"], ids=lambda text: text[:30])
def test_what_is_no_event_is_malformed(text: str) -> None:
    (message,) = CLIENT_CODECS[JSON_SUBPROTOCOL].decode(text.encode())
    assert isinstance(message, Malformed)


def test_codes_and_goodbyes_are_those_of_the_browser_library() -> None:
    assert [{"code": code.value, "hint": hint} for code, hint in HINTS.items()] == ERRORS["codes"]
    assert [msgspec.to_builtins(reason) for reason in CLOSE_REASONS] == ERRORS["close_reasons"]
