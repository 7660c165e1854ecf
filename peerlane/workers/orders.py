"""What the process that was started tells those that serve: a line of JSON each, on their standard input."""

from __future__ import annotations

import msgspec

from signaling.app import Listening, Sharing
from signaling.config import Config


class Order(msgspec.Struct, frozen=True):
    """How to begin."""

    config: Config
    sharing: Sharing
    movable: list[str] = []


ORDERS = msgspec.json.Decoder(Order)
SETTINGS = msgspec.json.Decoder(Config)
"""Each further line: what holds from now on."""
ANSWERS = msgspec.json.Decoder(Listening)
"""The one line that comes back: it serves."""


def line(order: Order | Config | Listening) -> bytes:
    return msgspec.json.encode(order) + b"\n"
