"""JSON Web Tokens, read strictly: one key has one algorithm, every claim its type, nothing lasts for long.

Claims (RFC 7519 §4 and our own): ``sub``, ``iat`` and ``exp`` are required; ``nbf``, ``iss``, ``aud``,
``jti``; ``app``, ``rooms`` (patterns), ``role``, ``can`` (permissions), ``metadata``, and ``once`` for a
token that lets one session in and no other. What RFC 8725 warns of is refused: other algorithms than the
key's, keys that come with the token, headers that must be understood.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Any

import jwt
import msgspec

from signaling.config import Auth
from signaling.grants import ANY, Grants
from signaling.protocol.ids import MAX_NAME_CHARACTERS
from signaling.protocol.permissions import EVERYBODY, Permission

MAX_TOKEN_CHARACTERS = 8_192
MAX_KEYS_TRIED = 8
"""For a token that names no key: a signature of RSA costs as much as a hundred messages."""
MAX_SPENT = 100_000
# RFC 7515 §2 and §7.1: base64url without padding. Python's reader passes over what is none, so that one
# token would have many spellings.
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
KEYS_IN_TOKEN = ("jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256")

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
CalendarSeconds = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Claims(msgspec.Struct, frozen=True):
    """What a token says; other claims are ignored."""

    sub: Text
    iat: CalendarSeconds
    exp: CalendarSeconds
    nbf: CalendarSeconds | None = None
    iss: str | None = None
    aud: str | list[str] | None = None
    jti: Text | None = None
    app: Name | None = None
    rooms: Annotated[list[Name], msgspec.Meta(max_length=64)] | None = None
    role: Annotated[str, msgspec.Meta(max_length=64)] = ""
    can: list[Permission] | None = None
    metadata: dict[str, Any] = {}
    once: bool = False


class Key(msgspec.Struct, frozen=True):
    """What a signature is checked with. ``material`` is as PyJWT takes it: PEM, bytes, or a key object."""

    algorithm: str
    material: Any
    id: str = ""


class Verified(msgspec.Struct, frozen=True):
    grants: Grants
    token_id: str = ""
    """Of a one-time token; empty: it may be used again."""


def read_token(token: str, keys: Sequence[Key], rules: Auth, unix_now: float) -> Verified | str:
    """What this token grants, or why it grants nothing: a sentence without any of it."""
    payload = _payload(token, keys)
    if isinstance(payload, str):
        return payload
    try:
        claims = msgspec.convert(payload, Claims)
    except msgspec.ValidationError as error:
        return f"a claim is missing or of the wrong type: {error}"
    problem = _wrong_time(claims, rules, unix_now) or _wrong_claims(claims, rules)
    return problem or Verified(_grants(claims), claims.jti if claims.once and claims.jti else "")


class SpentTokens:
    """One-time tokens that have let a session in, and which."""

    def __init__(self, max_spent: int = MAX_SPENT) -> None:
        self._max_spent = max_spent
        self._holders: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def may_use(self, token_id: str, claimed: str) -> bool:
        """``claimed`` is the session that a genuine ticket asks for: its own token lets it in again."""
        holder = self._holders.get(token_id)
        return holder is None or (bool(claimed) and holder[0] == claimed)

    def use(self, token_id: str, session: str, expires: float, unix_now: float) -> None:
        """``expires`` with the leeway: past that the token itself is no good."""
        self._holders[token_id] = (session, expires)
        self._holders.move_to_end(token_id)
        while self._holders:
            first, (_, ends) = next(iter(self._holders.items()))
            if ends > unix_now and len(self._holders) <= self._max_spent:
                break
            del self._holders[first]


def looks_like_a_token(text: str) -> bool:
    """Whether this is meant to be a JSON Web Token, and no word of ``server.tokens``."""
    return text.count(".") == 2


def _payload(token: str, keys: Sequence[Key]) -> dict[str, Any] | str:
    if len(token) > MAX_TOKEN_CHARACTERS or not COMPACT.fullmatch(token):
        return "it is not a JSON Web Token"
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return "its header cannot be read"
    if "crit" in header or any(name in header for name in KEYS_IN_TOKEN):
        return "its header asks for what is not done here (crit, or a key of its own)"
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    fitting = [each for each in keys if each.algorithm == algorithm and (not key_id or each.id == key_id)]
    if not fitting:
        return "there is no key for it (alg and kid of its header)"
    for key in fitting[:MAX_KEYS_TRIED]:
        try:
            found = jwt.decode(token, key.material, algorithms=[key.algorithm], options=ONLY_SIGNATURE)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            continue
        return dict(found)
    return "its signature is not that of a known key"


# The claims are read below, by the clock that is given and with their types.
ONLY_SIGNATURE: Any = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _wrong_time(claims: Claims, rules: Auth, unix_now: float) -> str:
    if unix_now >= claims.exp + rules.leeway:
        return "it has expired"
    if claims.iat > unix_now + rules.leeway:
        return "it is from the future (iat); do the clocks agree?"
    if claims.nbf is not None and claims.nbf > unix_now + rules.leeway:
        return "it is not valid yet (nbf)"
    if claims.exp - claims.iat > rules.max_lifetime:
        return "it is good for longer than auth.max_lifetime"
    return ""


def _wrong_claims(claims: Claims, rules: Auth) -> str:
    audiences = claims.aud if isinstance(claims.aud, list) else [claims.aud]
    if rules.issuer and claims.iss != rules.issuer:
        return "it is not from auth.issuer"
    if rules.audience and rules.audience not in audiences:
        return "it is not for auth.audience"
    if claims.once and not claims.jti:
        return "a one-time token needs a jti"
    if claims.app is not None and "/" in claims.app:
        return "app is one name, without a slash"
    return ""


def _grants(claims: Claims) -> Grants:
    return Grants(
        subject=claims.sub,
        app=claims.app or "",
        rooms=(ANY,) if claims.rooms is None else tuple(claims.rooms),
        role=claims.role,
        can=EVERYBODY if claims.can is None else frozenset(claims.can),
        metadata=claims.metadata,
        expires=float(claims.exp),
    )
