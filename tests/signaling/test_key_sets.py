"""Keys from settings, from files that change, and from an address."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from signaling.config import Auth, AuthKey
from signaling.key_sets import KeySets, UnusableKeys, read_key_set

PRIVATE = ec.generate_private_key(ec.SECP256R1())
PEM = PRIVATE.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def jwk(key_id: str, **changes: Any) -> dict[str, Any]:
    private = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private.public_key()))
    return public | {"kid": key_id, "use": "sig", "alg": "ES256"} | changes


def token_of(key_id: str) -> str:
    return jwt.encode({"sub": "ana"}, PRIVATE, "ES256", {"kid": key_id})


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """A server of keys, and what it serves."""
    served: dict[str, Any] = {"keys": [], "asked": 0}

    async def answer(request: web.Request) -> web.Response:
        served["asked"] += 1
        return web.json_response({"keys": served["keys"]})

    app = web.Application()
    app.router.add_get("/keys", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/keys")), served


def test_a_secret_and_a_public_key_come_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "public.pem").write_bytes(PEM)
    keys = [AuthKey("HS256", "a", secret="s" * 32), AuthKey("ES256", "b", file=str(tmp_path / "public.pem"))]
    sets = KeySets(Auth(keys=keys))
    sets.load()
    assert [(key.algorithm, key.id) for key in sets.local] == [("HS256", "a"), ("ES256", "b")]


@pytest.mark.parametrize(
    ("algorithm", "data"),
    [("HS256", b"short"), ("ES256", b"no key"), ("HS256", PEM), ("EdDSA", PEM), ("RS256", PEM)],
)
def test_what_is_no_key_for_its_algorithm_is_said_before_the_server_starts(
    tmp_path: Path, algorithm: Any, data: bytes
) -> None:
    file = tmp_path / "key"
    file.write_bytes(data)
    with pytest.raises(UnusableKeys, match="key"):
        KeySets(Auth(keys=[AuthKey(algorithm, file=str(file))])).load()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableKeys, match="nowhere"):
        KeySets(Auth(jwks_file=str(tmp_path / "nowhere"))).load()


async def test_a_file_that_changes_is_read_again_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [jwk("old")]}))
    sets = KeySets(Auth(jwks_file=str(file)))
    sets.load()
    assert [key.id for key in await sets.keys_for("", 0.0)] == ["old"]
    file.write_text(json.dumps({"keys": [jwk("old"), jwk("new")]}))
    assert [key.id for key in await sets.keys_for("", 1.0)] == ["old"]
    assert [key.id for key in await sets.keys_for("", 10.0)] == ["old", "new"]
    file.write_text("{")
    assert [key.id for key in await sets.keys_for("", 20.0)] == ["old", "new"]


async def test_an_address_is_asked_for_a_key_that_is_not_known(address: Any) -> None:
    url, served = address
    served["keys"] = [jwk("first")]
    sets = KeySets(Auth(jwks_url=url))
    assert [key.id for key in await sets.keys_for(token_of("first"), 100.0)] == ["first"]
    assert [key.id for key in await sets.keys_for(token_of("first"), 1000.0)] == ["first"]
    assert served["asked"] == 1
    served["keys"] = [jwk("second")]
    assert [key.id for key in await sets.keys_for(token_of("second"), 1000.0)] == ["second"]
    assert served["asked"] == 2


async def test_made_up_key_ids_do_not_make_us_ask_all_the_time(address: Any) -> None:
    url, served = address
    served["keys"] = [jwk("first")]
    sets = KeySets(Auth(jwks_url=url))
    for number in range(50):
        await sets.keys_for(token_of(f"made-up-{number}"), 100.0 + number / 10)
    assert served["asked"] == 1


async def test_an_address_that_fails_leaves_the_keys_of_before(address: Any) -> None:
    url, served = address
    served["keys"] = [jwk("first")]
    sets = KeySets(Auth(jwks_url=url))
    await sets.keys_for(token_of("first"), 100.0)
    served["keys"] = "nonsense"
    assert [key.id for key in await sets.keys_for(token_of("other"), 1000.0)] == ["first"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"keys": 1}',
        '{"keys": [1]}',
        '{"keys": []}',
        '{"keys": [{"kty": "oct", "k": "AA"}]}',
        "[",
    ],
)
def test_what_is_no_key_set_is_refused(text: str) -> None:
    with pytest.raises(UnusableKeys):
        read_key_set(text.encode(), "keys.json")


def test_keys_for_encryption_and_unknown_algorithms_are_passed_over() -> None:
    edwards = json.loads(
        jwt.algorithms.OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key())
    )
    listed = [jwk("a"), jwk("b", use="enc"), jwk("c", alg="ES999"), edwards | {"kid": "d"}]
    found = read_key_set(json.dumps({"keys": listed}).encode(), "keys.json")
    assert [(key.id, key.algorithm) for key in found] == [("a", "ES256"), ("d", "EdDSA")]
