"""Tokens, the sets of keys they are checked with, tickets, and the proofs of passwords."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import msgspec

from signaling.auth import Key, Verified, looks_like_a_token, read_token
from signaling.config import Auth
from signaling.hub.tickets import Claim, Tickets, ticket_signature
from signaling.key_sets import KeySets, UnusableKeys, read_key_set
from signaling.protocol.ids import PeerId
from tests.fuzz.mutation import trees
from tests.fuzz.target import Target

NOW = 1_800_000_000.0
SECRET = b"s" * 32
RULES = Auth(leeway=10.0, max_lifetime=3600.0, issuer="", audience="")
KEYS = (Key("HS256", SECRET, "shared"), Key("HS512", b"l" * 64))
TICKET_KEY = b"k" * 32
TICKETS = Tickets(TICKET_KEY)
GOOD: dict[str, Any] = {"sub": "ana", "iat": int(NOW) - 60, "exp": int(NOW) + 600}


def verify(data: bytes) -> None:
    """A token as it came, and the same as if its first two parts had been signed by us."""
    text = data.decode(errors="surrogateescape")
    assert isinstance(read_token(text, KEYS, RULES, NOW), Verified | str)
    looks_like_a_token(text)
    KeySets(RULES)._knows(text)
    header, _, payload = text.partition("\n")
    if payload:
        unsigned = ".".join(_text(part.encode(errors="surrogateescape")) for part in (header, payload))
        signature = hmac.digest(SECRET, unsigned.encode(), hashlib.sha256)
        found = read_token(f"{unsigned}.{_text(signature)}", KEYS, RULES, NOW)
        assert isinstance(found, str) or found.grants.subject


def read_keys(data: bytes) -> None:
    """Usable keys, or the one error that says that there are none; and a token can be tried with them."""
    try:
        keys = read_key_set(data, "a file")
    except UnusableKeys:
        return
    for token in TOKENS:
        assert isinstance(read_token(token, keys, RULES, NOW), Verified | str)


def read_ticket(data: bytes) -> None:
    """As it came, and as if it had been signed by us."""
    text = data.decode(errors="replace")
    assert TICKETS.read(text, NOW) is None or "." in text
    body = _text(data)
    found = TICKETS.read(f"{body}.{ticket_signature(TICKET_KEY, body)}", NOW)
    assert found is None or isinstance(found, Claim)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _by_hand(header: dict[str, Any], claims: dict[str, Any]) -> bytes:
    return json.dumps(header).encode() + b"\n" + json.dumps(claims).encode()


HEADER = {"alg": "HS256", "typ": "JWT", "kid": "shared"}
CLAIMS: tuple[dict[str, Any], ...] = (
    GOOD,
    GOOD | {"nbf": 1, "iss": "i", "aud": ["a", "b"], "jti": "j", "once": True},
    GOOD | {"app": "a", "rooms": ["a*"], "role": "r", "can": ["signal"], "metadata": {"x": 1}},
    GOOD | {"exp": 2**53 + 1, "sub": ""},
    GOOD | {"iat": 1e400, "sub": 5},
)
TOKENS = tuple(jwt.encode(claims, SECRET, "HS256", {"kid": "shared"}) for claims in CLAIMS[:3])
SIGNED = (
    *(token.encode() for token in TOKENS),
    *(_by_hand(HEADER, claims) for claims in CLAIMS),
    _by_hand({"alg": "none"}, GOOD),
    _by_hand({"alg": "HS256", "crit": ["x"]}, GOOD),
    _by_hand({"alg": "HS256", "jwk": {}}, GOOD),
    b"[]\n[]",
    b"..",
    b"a.b.c",
)
NUMBER = _text(b"\x01" * 32)
EC = {"kty": "EC", "crv": "P-256", "x": NUMBER, "y": NUMBER, "kid": "1", "use": "sig"}
SETS: tuple[Any, ...] = (
    {"keys": [EC]},
    {"keys": [{"kty": "oct", "k": NUMBER, "alg": "HS256"}]},
    {"keys": [{"kty": "RSA", "n": _text(b"\xc1" * 256), "e": "AQAB"}]},
    {"keys": [{"kty": "RSA", "n": "AQ", "e": "Ag", "d": "AQ", "p": "AQ"}]},
    {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": NUMBER}, EC | {"use": "enc"}]},
    {
        "keys": [
            EC | {"crv": "P-384", "alg": "ES384", "x": _text(bytes(48)), "y": _text(bytes(48)), "d": "AA"}
        ]
    },
    {"keys": [5]},
    [],
)
_pack = msgspec.msgpack.encode
NAMES = (
    "kty",
    "crv",
    "alg",
    "use",
    "kid",
    "EC",
    "RSA",
    "oct",
    "OKP",
    "P-256",
    "ES256",
    "EdDSA",
    "sub",
    "exp",
    "can",
)

TARGETS = [
    Target(
        "token",
        verify,
        SIGNED,
        tuple(f'"{name}":'.encode() for name in (*NAMES, *CLAIMS[2])),
        max_bytes=9_000,
    ),
    Target(
        "key_set",
        read_keys,
        tuple(json.dumps(each).encode() for each in SETS),
        tuple(f'"{name}"'.encode() for name in NAMES),
        trees(
            msgspec.json,
            (NUMBER, "AQAB", "AA", "RS256", "PS256", "ES256", "EdDSA", "HS256", "P-384", "Ed25519", -5),
        ),
    ),
    Target(
        "ticket",
        read_ticket,
        (
            _pack(Claim(PeerId("p" * 22), b"n" * 16, int(NOW) + 5)),
            _pack(Claim(PeerId("p" * 22), b"n" * 16, int(NOW) + 5, b"s" * 16)),
            TICKETS.write(Claim(PeerId("p"), b"n", int(NOW) + 5)).encode(),
            b"\x94\xa1\xff\xc4\x01n\x05\xc4\x00",
            b".",
        ),
        mutate=trees(msgspec.msgpack),
    ),
]
