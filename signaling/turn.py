"""TURN credentials with an end: made from a secret that only this server and the TURN server know.

As coturn's ``use-auth-secret`` reads them (draft-uberti-behave-turn-rest-00): the user name begins with
the calendar second of the end, and the password is its HMAC-SHA1 under the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from collections.abc import Sequence

from signaling.config import Ice, TurnServers
from signaling.protocol.parts import IceServer

MIN_SECRET_CHARACTERS = 16
MAX_SECRETS = 2
"""The one that signs, and the one that it replaces."""


class Turn:
    """The TURN servers of the configuration, and the secrets that hold just now."""

    def __init__(self, ice: Ice, region: str = "") -> None:
        self._ice = ice
        self._region = region
        self._from_files: dict[str, list[str]] = {}
        self.made = 0
        """Credentials, since the start."""

    def use(self, ice: Ice) -> None:
        """From now on these servers are told."""
        self._ice = ice

    def use_secrets(self, secret_file: str, secrets: list[str]) -> None:
        """From now on what this file says is used; credentials made before stay good at the TURN server
        until it forgets their secret, or they end."""
        self._from_files[secret_file] = secrets

    def servers(self, user: str, unix_now: float, region: str | None = None) -> list[IceServer]:
        """Some of the TURN servers with fresh credentials for this user; empty when there are none.

        Those of ``region`` (of this node, if it is None) come first, and a user is told the same ones
        every time. Each user has a name of its own, so that the TURN server's quota counts it alone.
        """
        known = [each for each in self._ice.turn if self._secret(each)]
        near = self._region if region is None else region
        chosen = choose(known, user, near)[: self._ice.turn_servers_per_client]
        self.made += len(chosen)
        username = f"{int(unix_now + self._ice.turn_lifetime)}:{user}"
        return [IceServer(each.urls, username, password(self._secret(each), username)) for each in chosen]

    def _secret(self, server: TurnServers) -> str:
        secrets = self._from_files.get(server.secret_file, []) if server.secret_file else server.secrets
        return secrets[0] if secrets else ""


def password(secret: str, username: str) -> str:
    """What goes with this user name."""
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()


def choose(servers: Sequence[TurnServers], user: str, region: str) -> list[TurnServers]:
    """All of them, the best for this user first: those of the region, then by weighted rendezvous.

    Each server draws a number for each user, always the same, and the highest wins (Thaler and
    Ravishankar 1998, with Schindelhauer and Schomaker's weights): when one server goes, its users
    are spread over the others, and all other users stay where they are.
    """
    return sorted(servers, key=lambda each: (each.region != region, -_score(each, user)))


def read_secrets(text: str) -> list[str]:
    """The secrets of a file that has one a line; empty lines are passed over.

    Raises ValueError with a sentence when it cannot be used; no secret is repeated in it.
    """
    secrets = [line.strip() for line in text.splitlines() if line.strip()]
    problem = "has no secret in it." if not secrets else wrong_with(secrets)
    if problem:
        raise ValueError(problem)
    return secrets


def wrong_with(secrets: Sequence[str]) -> str:
    """What is wrong with these secrets, or nothing."""
    if len(secrets) > MAX_SECRETS:
        return f"has {len(secrets)} secrets; one signs, and a second one is the one that it replaces."
    for secret in secrets:
        if len(secret) < MIN_SECRET_CHARACTERS:
            return (
                f"has a secret of {len(secret)} characters and needs {MIN_SECRET_CHARACTERS}, the same as the"
                " TURN server's static-auth-secret. 'openssl rand -hex 32' makes a good one."
            )
    if any(secret != secret.strip() or not secret.isprintable() for secret in secrets):
        return "has a secret with a space around it, or with a character that cannot be seen."
    return ""


def _score(server: TurnServers, user: str) -> float:
    digest = hashlib.sha256(f"{'|'.join(server.urls)}\n{user}".encode()).digest()
    # Between 0 and 1, and never one of them.
    drawn = (int.from_bytes(digest[:6], "big") + 0.5) / 2**48
    return -server.weight / math.log(drawn)
