"""The keys that tokens are checked with: from the settings, from files that may change, from an address."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import jwt

from signaling.auth import Key
from signaling.config import Auth, AuthKey

log = logging.getLogger("signaling.key_sets")

MAX_FILE_BYTES = 65_536
FETCH_TIMEOUT = 5.0
REFETCH_AFTER = 30.0
"""A token with an unknown key has the set fetched again, and not more often than this."""
LOOK_AT_FILES_AFTER = 5.0
ALGORITHMS = frozenset(("HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "ES384", "EdDSA"))
OF_CURVE = {"P-256": "ES256", "P-384": "ES384", "Ed25519": "EdDSA"}
MIN_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}


class UnusableKeys(OSError):  # noqa: N818  # an OSError like its siblings, named for what has happened
    """A file or an address that gives no keys; the text says which, and nothing of what is in it."""


class KeySets:
    """All keys of one configuration. ``load`` first; ``keys_for`` when a token comes."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self.local: list[Key] = []
        """Of the settings and the files."""
        self._fetched: list[Key] = []
        self._looked_at = -REFETCH_AFTER
        self._fetched_at = -REFETCH_AFTER
        self._fetching: asyncio.Lock = asyncio.Lock()

    def load(self) -> None:
        """Read the settings and the files. Raises UnusableKeys."""
        keys = [_from_settings(each) for each in self._auth.keys]
        if self._auth.jwks_file:
            keys += read_key_set(_read(self._auth.jwks_file), self._auth.jwks_file)
        self.local = keys

    async def keys_for(self, token: str, now: float) -> Sequence[Key]:
        """The keys as they are now; an address is asked when the token names one that is not known."""
        if now >= self._looked_at + LOOK_AT_FILES_AFTER:
            self._looked_at = now
            await self._look_again()
        if self._auth.jwks_url and not self._knows(token) and now >= self._fetched_at + REFETCH_AFTER:
            async with self._fetching:
                if now >= self._fetched_at + REFETCH_AFTER:
                    self._fetched_at = now
                    await self._fetch()
        return [*self.local, *self._fetched]

    def _knows(self, token: str) -> bool:
        try:
            key_id = jwt.get_unverified_header(token).get("kid", "")
        except (jwt.PyJWTError, ValueError, RecursionError):
            return True
        return any(not key_id or each.id == key_id for each in (*self.local, *self._fetched))

    async def _look_again(self) -> None:
        try:
            await asyncio.to_thread(self.load)
        except UnusableKeys as error:
            log.warning("! %s; the keys of before are used", error)

    async def _fetch(self) -> None:
        url = self._auth.jwks_url
        try:
            timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT)
            async with aiohttp.ClientSession(timeout=timeout) as http, http.get(url) as response:
                response.raise_for_status()
                data = await response.content.read(MAX_FILE_BYTES + 1)
            self._fetched = read_key_set(data, "auth.jwks_url")
        except (aiohttp.ClientError, TimeoutError, UnusableKeys) as error:
            log.warning("! auth.jwks_url gives no keys (%s); those of before are used", type(error).__name__)


def read_key_set(data: bytes, name: str) -> list[Key]:
    """The keys of a JSON Web Key Set (RFC 7517 §5) that are for signatures, each with its algorithm.

    Raises UnusableKeys when there is none.
    """
    try:
        if len(data) > MAX_FILE_BYTES:
            raise ValueError("too long")
        listed = json.loads(data)["keys"]
        keys = [key for each in listed if each.get("use", "sig") == "sig" for key in _from_jwk(each)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UnusableKeys(f"{name} is not a JSON Web Key Set") from None
    if not keys:
        raise UnusableKeys(f"{name} has no key for signatures with an algorithm that is known")
    return keys


def _from_jwk(jwk: dict[str, object]) -> list[Key]:
    algorithm = (
        jwk.get("alg")
        or OF_CURVE.get(str(jwk.get("crv", "")))
        or ("RS256" if jwk.get("kty") == "RSA" else "")
    )
    if algorithm not in ALGORITHMS:
        return []
    try:
        material = jwt.PyJWK(dict(jwk), algorithm=str(algorithm)).key
    except jwt.PyJWTError:
        return []
    return [Key(str(algorithm), material, str(jwk.get("kid", "")))]


def _from_settings(key: AuthKey) -> Key:
    data = _read(key.file).strip() if key.file else key.secret.encode()
    needed = MIN_SECRET_BYTES.get(key.algorithm, 0)
    where = key.file or "auth.keys"
    if len(data) < needed:
        raise UnusableKeys(f"{where}: a secret for {key.algorithm} needs at least {needed} bytes")
    try:
        jwt.get_algorithm_by_name(key.algorithm).prepare_key(data)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise UnusableKeys(f"{where} is no key for {key.algorithm}") from None
    return Key(key.algorithm, data, key.id)


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UnusableKeys(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise UnusableKeys(f"{path} is longer than {MAX_FILE_BYTES} bytes")
    return data
