"""``peerlane token``: make tokens, read them, and make the keys that sign them."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cyclopts import Parameter

from signaling.auth import Claims, read_token
from signaling.config import Auth, AuthKey
from signaling.key_sets import KeySets, UnusableKeys
from signaling.protocol.permissions import Permission

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_REFUSED = 3
SECRET_VARIABLE = "PEERLANE_TOKEN_SECRET"
SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
RSA_BITS = 3072


def new(
    subject: str,
    *,
    key: Annotated[
        Path | None, Parameter(help=f"file of the private key or secret; or the secret in {SECRET_VARIABLE}")
    ] = None,
    algorithm: Annotated[str, Parameter(help="HS256, ES256, EdDSA … as the server has it")] = "HS256",
    key_id: Annotated[str, Parameter(help="the id that the server knows the key by")] = "",
    lifetime: Annotated[float, Parameter(help="seconds")] = 3600.0,
    app: Annotated[str, Parameter(help="only rooms of this app")] = "",
    room: Annotated[
        list[str] | None, Parameter(help="only rooms that fit this pattern; may be repeated", negative=())
    ] = None,
    can: Annotated[
        list[Permission] | None, Parameter(help="one permission; may be repeated", negative=())
    ] = None,
    role: Annotated[str, Parameter(help="for your application")] = "",
    metadata: Annotated[str, Parameter(help="JSON that the others are shown")] = "",
    issuer: str = "",
    audience: str = "",
    once: Annotated[bool, Parameter(help="lets one session in and no other", negative=())] = False,
) -> int:
    """Make a token for somebody, and print it."""
    issued = int(time.time())
    claims: dict[str, Any] = {"sub": subject, "iat": issued, "exp": issued + round(lifetime)}
    given = {
        "app": app,
        "rooms": room,
        "can": [permission.value for permission in can or []],
        "role": role,
        "iss": issuer,
        "aud": audience,
    }
    claims |= {name: value for name, value in given.items() if value}
    if once:
        claims |= {"once": True, "jti": secrets.token_urlsafe(16)}
    try:
        if metadata:
            claims["metadata"] = json.loads(metadata)
        msgspec.convert(claims, Claims)
        material = _material(key)
        if len(material) < SECRET_BYTES.get(algorithm, 0):
            return _failed(f"a secret for {algorithm} needs at least {SECRET_BYTES[algorithm]} bytes")
        print(jwt.encode(claims, material, algorithm, {"kid": key_id} if key_id else None))
    except (jwt.PyJWTError, NotImplementedError, TypeError, ValueError, OSError) as error:
        return _failed(f"no token: {error}")
    return EXIT_OK


def inspect(
    token: Annotated[str, Parameter(help="or - to read it from stdin")] = "-",
    *,
    key: Annotated[
        Path | None, Parameter(help="file of the public key or secret: check the signature")
    ] = None,
    algorithm: Annotated[str, Parameter(help="of that key")] = "HS256",
    jwks: Annotated[Path | None, Parameter(help="a JSON Web Key Set to check with")] = None,
) -> int:
    """Show what is in a token, and what a server would say of it: 0 good, 3 refused."""
    text = (sys.stdin.read() if token == "-" else token).strip()
    try:
        header = jwt.get_unverified_header(text)
        payload = jwt.decode(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        return _failed("this is not a JSON Web Token")
    print(json.dumps({"header": header, "claims": payload}, indent=2, ensure_ascii=False))
    for name in ("iat", "nbf", "exp"):
        if isinstance(payload.get(name), int):
            print(f"{name}: {_date(payload[name])}")
    if key is None and jwks is None and SECRET_VARIABLE not in os.environ:
        print("The signature was not checked: give --key or --jwks.")
        return EXIT_OK
    try:
        verdict = read_token(text, _keys(key, algorithm, jwks), Auth(), time.time())
    except UnusableKeys as error:
        return _failed(str(error))
    if isinstance(verdict, str):
        print(f"Refused: {verdict}.")
        return EXIT_REFUSED
    allowed = ", ".join(sorted(verdict.grants.can))
    rooms = ", ".join(verdict.grants.rooms)
    print(f"Good: {verdict.grants.subject} may {allowed} in {verdict.grants.app or 'any app'}/{rooms}.")
    return EXIT_OK


def keys(
    folder: Annotated[
        Path | None, Parameter(help="write files there; without one a secret is printed")
    ] = None,
    *,
    algorithm: Annotated[str, Parameter(help="HS256, HS384, HS512, ES256, EdDSA or RS256")] = "HS256",
) -> int:
    """Make a key for tokens: a secret, or a private key for you and a public one for the server."""
    if algorithm in SECRET_BYTES:
        secret = secrets.token_urlsafe(SECRET_BYTES[algorithm])
        if folder is None:
            print(secret)
            return EXIT_OK
        return _write(folder, {"secret.txt": f"{secret}\n".encode()})
    makers: dict[str, Any] = {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
        "RS256": lambda: rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS),
    }
    if algorithm not in makers:
        return _failed(f"there is no {algorithm} here; take HS256, HS384, HS512, ES256, EdDSA or RS256")
    if folder is None:
        return _failed("name a folder: a private key is not for the screen")
    private = makers[algorithm]()
    pem = serialization.Encoding.PEM
    files = {
        "private.pem": private.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        "public.pem": private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo),
    }
    return _write(folder, files)


def _write(folder: Path, files: dict[str, bytes]) -> int:
    """For the owner's eyes only, and never over an older key."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            path = folder / name
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
            print(path)
    except FileExistsError as error:
        return _failed(f"{error.filename} is there already; choose another folder")
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}")
    return EXIT_OK


def _material(key: Path | None) -> bytes:
    if key is not None:
        return key.read_bytes().strip()
    secret = os.environ.get(SECRET_VARIABLE, "")
    if not secret:
        raise ValueError(f"give --key FILE, or the secret in {SECRET_VARIABLE}")
    return secret.encode()


def _keys(key: Path | None, algorithm: str, jwks: Path | None) -> Any:
    if jwks is not None:
        auth = Auth(jwks_file=str(jwks))
    elif key is not None:
        auth = Auth(keys=[msgspec.convert({"algorithm": algorithm, "file": str(key)}, AuthKey)])
    else:
        auth = Auth(keys=[AuthKey("HS256", secret=os.environ[SECRET_VARIABLE])])
    sets = KeySets(auth)
    sets.load()
    return sets.local


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return "no date"


def _failed(text: str) -> int:
    print(f"peerlane: {text}", file=sys.stderr)
    return EXIT_ERROR
