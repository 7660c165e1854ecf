"""Passwords of rooms: what is sent and compared is a proof, never the password.

The twin in the browser is ``web/lib/passwords.js``; ``tests/vectors/passwords.json`` binds the two.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata

from signaling.protocol.ids import RoomName

ITERATIONS = 210_000
"""Of PBKDF2-HMAC-SHA-512's kind, as OWASP asked for in 2023: a tenth of a second, so not on an event loop."""


def password_proof(password: str, room: RoomName) -> str:
    """43 characters that only somebody who knows the password can make for this room (RFC 8018 §5.2).

    Raises ValueError for an empty password.
    """
    if not password:
        raise ValueError("a password needs at least one character")
    salt = f"peerlane:{room}".encode()
    secret = unicodedata.normalize("NFKC", password).encode()
    derived = hashlib.pbkdf2_hmac("sha512", secret, salt, ITERATIONS, dklen=32)
    return base64.urlsafe_b64encode(derived).rstrip(b"=").decode("ascii")
