"""Tickets: signed claims to a session, understood by every node that has the same key.

A ticket is ``<body>.<signature>``, both base64url: the body is MessagePack of :class:`Claim`, the
signature HMAC-SHA256 over the body. The session's public id alone opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

import msgspec

from signaling.cluster.words import ALONE, NodeId
from signaling.protocol.ids import PeerId

MAX_TICKET_CHARACTERS = 512
NONCE_BYTES = 16


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """Who may be resumed, with which secret, until when."""

    peer: PeerId
    nonce: bytes
    expires: int
    """Calendar seconds."""
    subject: bytes = b""
    """Whose session it is, as :func:`subject_digest`; empty: nobody's in particular."""
    node: NodeId = ALONE
    """Which has the session."""
    incarnation: int = 1
    """Of the session, when the ticket was written."""


class Tickets:
    """Writes tickets under one key, and reads those under it or a former one.

    Raises ValueError for a key of less than 32 bytes.
    """

    def __init__(self, key: bytes, former: Iterable[bytes] = ()) -> None:
        self._decoder = msgspec.msgpack.Decoder(Claim)
        self.use(key, former)

    def use(self, key: bytes, former: Iterable[bytes]) -> None:
        """From now on these keys hold, and no others."""
        keys = [key, *former]
        for each in keys:
            if len(each) < 32:
                raise ValueError(f"a ticket key needs at least 32 bytes, this one has {len(each)}")
        self._keys = keys

    def seal(self, text: str) -> str:
        """A signature under something else than a ticket, which no ticket has."""
        return ticket_signature(self._keys[0], f"link:{text}")

    def is_sealed(self, text: str, seal: str) -> bool:
        """Whether a node of ours has signed it."""
        if not text.isascii() or not seal.isascii():
            return False
        body = f"link:{text}"
        return bool(sum(hmac.compare_digest(seal, ticket_signature(key, body)) for key in self._keys))

    def write(self, claim: Claim) -> str:
        body = _text(msgspec.msgpack.encode(claim))
        return f"{body}.{ticket_signature(self._keys[0], body)}"

    def read(self, ticket: str, unix_now: float) -> Claim | None:
        """The claim of a genuine ticket that has not expired, otherwise None."""
        if len(ticket) > MAX_TICKET_CHARACTERS or not ticket.isascii():
            return None
        body, _, signature = ticket.partition(".")
        # All of them are tried, so that the time taken does not tell which one it was.
        if not sum(hmac.compare_digest(signature, ticket_signature(key, body)) for key in self._keys):
            return None
        try:
            claim = self._decoder.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (msgspec.DecodeError, ValueError, RecursionError):
            # Base64 and UTF-8 are ValueErrors; another program may have the same key.
            return None
        return claim if unix_now < claim.expires else None


def ticket_signature(key: bytes, body: str) -> str:
    """What stands behind the point of a ticket with this body."""
    return _text(hmac.digest(key, body.encode("ascii"), hashlib.sha256))


def subject_digest(subject: str) -> bytes:
    """So much of a subject as tells two apart: a ticket stays short, and tells its reader nothing."""
    return hashlib.sha256(subject.encode()).digest()[:16] if subject else b""


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
