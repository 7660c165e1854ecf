"""Names of things: peer ids and room names."""

from __future__ import annotations

import base64
import unicodedata
from typing import NewType

PeerId = NewType("PeerId", str)
"""The public name of a session, made by the server: 128 random bits, 22 characters of base64url."""

RoomName = NewType("RoomName", str)
"""``app/room``, normalised; what clients write as ``room`` means ``default/room``."""

PEER_ID_BYTES = 16
MAX_NAME_CHARACTERS = 128
# Before normalisation: what is longer is refused unseen, because sorting a long row of combining
# characters takes time that grows with its square.
MAX_RAW_CHARACTERS = 4 * MAX_NAME_CHARACTERS
DEFAULT_APP = "default"
LINK_PATTERN = r"[A-Za-z0-9_-]{1,50}\.[A-Za-z0-9_-]{1,50}\.[A-Za-z0-9_-]{1,50}"
"""The secret id of a link over HTTP: a node, a random part, and their seal."""
NUMBER_PATTERN = "[1-9][0-9]{0,14}"
"""Which of a link's requests it is."""
EVENT_ID_PATTERN = "[A-Za-z0-9_-]{1,64}-[0-9]{1,15}"
"""Of an event in a stream: an epoch, and a number that every reader of JSON can hold."""
TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Bidirectional overrides and isolates (UAX #9) let a name rewrite the text around it."""
# Marks of direction and width that nobody sees: two rooms would have one name to the eye.
_UNSEEN = frozenset("\u00ad\u061c\u180e\u200b\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff")


def peer_id_from(random_bytes: bytes) -> PeerId:
    """Write 16 random bytes as a peer id.

    Raises ValueError when there are fewer than 128 bits: a guessable id can be taken over.
    """
    if len(random_bytes) != PEER_ID_BYTES:
        raise ValueError(f"a peer id needs {PEER_ID_BYTES} random bytes, got {len(random_bytes)}")
    return PeerId(base64.urlsafe_b64encode(random_bytes).rstrip(b"=").decode("ascii"))


def room_name(text: str) -> RoomName | None:
    """Normalise what a client calls a room to ``app/room``; None when it cannot be a room.

    NFKC, so that two spellings of one name meet in one room (UAX #15). Both halves need at least
    one character, the whole has at most 128. Control characters are refused, and so is what turns the
    direction of a text or is not seen at all.
    """
    if len(text) > MAX_RAW_CHARACTERS:
        return None
    text = unicodedata.normalize("NFKC", text).strip()
    app, slash, room = text.partition("/")
    if not slash:
        app, room = DEFAULT_APP, app
    name = f"{app}/{room}"
    if not app or not room or "/" in room or len(name) > MAX_NAME_CHARACTERS:
        return None
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        return None
    if not (TURNS | _UNSEEN).isdisjoint(name):
        return None
    return RoomName(name)
