"""K1 and K2 of the threat model: tokens that must not be believed, and those that must."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from signaling.auth import Key, SpentTokens, Verified, read_token
from signaling.config import Auth
from signaling.protocol.permissions import EVERYBODY, Permission

NOW = 1_800_000_000.0
SECRET = b"s" * 32
RULES = Auth(leeway=10.0, max_lifetime=3600.0)
PRIVATE = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())
RSA_PRIVATE = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
PUBLIC = serialization.PublicFormat.SubjectPublicKeyInfo
PEM = PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, PUBLIC)
RSA_PEM = RSA_PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, PUBLIC)
KEYS = [Key("HS256", SECRET, "shared"), Key("ES256", PEM, "signed"), Key("RS256", RSA_PEM, "rsa")]
GOOD: dict[str, Any] = {"sub": "ana", "iat": int(NOW) - 60, "exp": int(NOW) + 600}


def token(claims: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", **header: Any) -> str:
    return jwt.encode(claims, key, algorithm, header or None)


def by_hand(header: dict[str, Any], claims: Any, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def hmac_with_public_key(pem: bytes) -> str:
    """PyJWT refuses to sign with a PEM, so it is done as an attacker does."""
    import hashlib
    import hmac

    unsigned = by_hand({"alg": "HS256", "typ": "JWT", "kid": "signed"}, GOOD).rstrip(".")
    signature = hmac.digest(pem, unsigned.encode(), hashlib.sha256)
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def verdict(text: str, keys: list[Key] = KEYS, rules: Auth = RULES) -> Verified | str:
    return read_token(text, keys, rules, NOW)


def test_k1_a_good_token_of_each_kind_is_believed() -> None:
    for text in (
        token(GOOD),
        token(GOOD, kid="shared"),
        token(GOOD, PRIVATE, "ES256", kid="signed"),
        token(GOOD, RSA_PRIVATE, "RS256"),
    ):
        found = verdict(text)
        assert isinstance(found, Verified), found
        assert found.grants.subject == "ana"
        assert found.grants.can == EVERYBODY
        assert found.grants.expires == GOOD["exp"]


FORGED = {
    "no algorithm": by_hand({"alg": "none"}, GOOD),
    "no algorithm, in capitals": by_hand({"alg": "NONE", "typ": "JWT"}, GOOD),
    "no algorithm in the header": by_hand({"typ": "JWT"}, GOOD, b"x" * 32),
    "the public key as an HMAC secret": hmac_with_public_key(PEM),
    "the public key of RSA as an HMAC secret": hmac_with_public_key(RSA_PEM),
    "another algorithm of the same family": token(GOOD, SECRET * 2, "HS512"),
    "another algorithm under the name of the key": token(GOOD, SECRET, "HS256", kid="signed"),
    "a stranger's key": token(GOOD, STRANGER, "ES256"),
    "a stranger's secret": token(GOOD, b"t" * 32),
    "an unknown key": token(GOOD, kid="nobody"),
    "a key in the header": token(
        GOOD, STRANGER, "ES256", jwk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
    ),
    "an address of keys in the header": token(GOOD, PRIVATE, "ES256", jku="https://evil.example/keys"),
    "certificates in the header": token(GOOD, PRIVATE, "ES256", x5c=["AA"]),
    "an address of certificates in the header": token(GOOD, PRIVATE, "ES256", x5u="https://evil.example/c"),
    "something that must be understood": token(GOOD, crit=["exp"]),
    "a changed claim": ".".join(
        (
            token(GOOD).split(".")[0],
            by_hand({}, GOOD | {"sub": "ben"}).split(".")[1],
            token(GOOD).split(".")[2],
        )
    ),
    "no signature": token(GOOD).rpartition(".")[0] + ".",
    "a fourth part": token(GOOD) + ".x",
    "an encrypted one": "a.b.c.d.e",
    "no token": "hello",
    "nothing": "",
    "a name for a key that is a path": token(GOOD, kid="../../dev/null"),
    "a name for a key that is a list": by_hand({"alg": "HS256", "kid": ["shared"]}, GOOD, b"x"),
    "too long": token(GOOD | {"metadata": {"x": "y" * 9_000}}),
    "other characters": "\u0430" + token(GOOD)[1:],
    "claims that are a list": by_hand({"alg": "HS256"}, [1, 2, 3], b"x"),
}


@pytest.mark.parametrize("name", FORGED)
def test_k1_what_is_forged_is_refused(name: str) -> None:
    assert isinstance(verdict(FORGED[name]), str)


@pytest.mark.parametrize("added", ["=", "==", "\n", " ", "!", "\t."])
def test_k1_a_token_has_one_spelling(added: str) -> None:
    good = token(GOOD)
    assert isinstance(verdict(good), Verified)
    for at in (0, good.index("."), len(good)):
        assert isinstance(verdict(good[:at] + added + good[at:]), str)


def test_no_refusal_repeats_anything_of_the_token() -> None:
    for text in FORGED.values():
        told = verdict(text)
        assert isinstance(told, str)
        assert not any(len(part) > 8 and part in told for part in text.split("."))


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        ({}, True),
        ({"exp": int(NOW) - 9}, True),
        ({"exp": int(NOW) - 10}, False),
        ({"iat": int(NOW) + 10}, True),
        ({"iat": int(NOW) + 11}, False),
        ({"nbf": int(NOW) + 10}, True),
        ({"nbf": int(NOW) + 11}, False),
        ({"exp": int(NOW) - 60 + 3600}, True),
        ({"exp": int(NOW) - 60 + 3601}, False),
        ({"exp": 253_402_300_799}, False),
        ({"exp": str(int(NOW) + 600)}, False),
        ({"exp": NOW + 600.5}, False),
        ({"exp": NOW + 600}, False),
        ({"exp": float("nan")}, False),
        ({"exp": float("inf")}, False),
        ({"exp": True}, False),
        ({"exp": None}, False),
        ({"exp": -1}, False),
        ({"exp": 10**30}, False),
        ({"iat": None}, False),
        ({"iat": "now"}, False),
        ({"sub": None}, False),
        ({"sub": ""}, False),
        ({"sub": 7}, False),
        ({"sub": "x" * 257}, False),
        ({"rooms": "arena"}, False),
        ({"rooms": ["x"] * 65}, False),
        ({"can": ["fly"]}, False),
        ({"can": "join"}, False),
        ({"app": "a/b"}, False),
        ({"metadata": [1]}, False),
        ({"once": True}, False),
        ({"once": True, "jti": "1"}, True),
    ],
)
def test_k2_times_and_types_are_judged(changes: dict[str, Any], is_good: bool) -> None:
    assert isinstance(verdict(token(GOOD | changes)), Verified) is is_good


@pytest.mark.parametrize("missing", ["sub", "iat", "exp"])
def test_k2_what_must_be_there_must_be_there(missing: str) -> None:
    claims = {name: value for name, value in GOOD.items() if name != missing}
    told = verdict(token(claims))
    assert isinstance(told, str)
    assert missing in told


@pytest.mark.parametrize(
    ("claims", "is_good"),
    [
        ({"iss": "https://id.example", "aud": "peerlane"}, True),
        ({"iss": "https://id.example", "aud": ["other", "peerlane"]}, True),
        ({"iss": "https://id.example", "aud": "peerlanes"}, False),
        ({"iss": "https://evil.example", "aud": "peerlane"}, False),
        ({"aud": "peerlane"}, False),
        ({"iss": "https://id.example"}, False),
    ],
)
def test_issuer_and_audience_must_be_the_configured_ones(claims: dict[str, Any], is_good: bool) -> None:
    rules = Auth(issuer="https://id.example", audience="peerlane")
    assert isinstance(verdict(token(GOOD | claims), rules=rules), Verified) is is_good


def test_what_a_token_grants() -> None:
    claims = GOOD | {
        "app": "game",
        "rooms": ["arena-*"],
        "role": "referee",
        "can": ["join", "kick"],
        "metadata": {"team": 2},
    }
    found = verdict(token(claims))
    assert isinstance(found, Verified)
    grants = found.grants
    assert (grants.app, grants.rooms, grants.role) == ("game", ("arena-*",), "referee")
    assert grants.can == {Permission.JOIN, Permission.KICK}
    assert grants.metadata == {"team": 2}


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda data: data.decode("latin-1"))))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert isinstance(verdict(text), str)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=20,
    )
)
def test_any_claims_under_a_good_signature_get_a_verdict(claims: Any) -> None:
    payload = json.dumps(claims).encode()
    text = jwt.api_jws.encode(payload, SECRET, "HS256")
    assert isinstance(verdict(text), str)


def test_k4_a_one_time_token_lets_one_session_in_and_that_one_again() -> None:
    spent = SpentTokens()
    assert spent.may_use("t", "")
    spent.use("t", "ana", NOW + 60, NOW)
    assert not spent.may_use("t", "")
    assert not spent.may_use("t", "ben")
    assert spent.may_use("t", "ana")


def test_spent_tokens_are_forgotten_when_they_would_be_refused_anyway() -> None:
    spent = SpentTokens()
    spent.use("old", "ana", NOW + 60, NOW)
    spent.use("new", "ben", NOW + 300, NOW + 61)
    assert spent.may_use("old", "")
    assert not spent.may_use("new", "")


def test_spent_tokens_have_a_limit() -> None:
    spent = SpentTokens(max_spent=3)
    for number in range(5):
        spent.use(str(number), "ana", NOW + 60, NOW)
    assert [spent.may_use(str(number), "") for number in range(5)] == [True, True, False, False, False]
