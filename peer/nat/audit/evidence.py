"""What an audit has seen: facts, no judgement."""

from __future__ import annotations

from typing import Literal

import msgspec

from peer.nat.observations import Family, Transport

GRANTED = 0
"""In the place of an error code: the server has done it."""
FORBIDDEN = 403

How = Literal["permission", "channel"]
Asker = Literal["nobody", "wrong-password", "expired"]


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One way to speak with the server; ``trouble`` says why it cannot be gone."""

    url: str
    transport: Transport
    address: str = ""
    is_turn: bool = False
    software: str = ""
    code: int = 0
    """Of the trouble, as in peer.facts.Trouble."""
    trouble: str = ""


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """One address asked for."""

    url: str
    family: Family
    """Of the allocation that it was asked on."""
    address: str
    how: How
    code: int | None = None
    """:data:`GRANTED`, a STUN error code, or None: no answer."""


class Relay(msgspec.Struct, frozen=True, kw_only=True):
    """An allocation of one family, asked for with credentials, or without where that is enough."""

    url: str
    family: Family
    code: int | None = None
    relayed: str = ""
    lifetime: int = 0
    """Seconds given, where ten days were asked for."""


class Login(msgspec.Struct, frozen=True):
    """An allocation asked for by who must not have one; ``code`` as in Permission."""

    asker: Asker
    code: int | None


class Quota(msgspec.Struct, frozen=True):
    """Allocations of one user at a time; ``code`` is what has ended it, 0: nothing has."""

    given: int
    code: int


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the shortest STUN question over UDP."""

    asked: int
    answered: int
    """Bytes."""
    other: str = ""
    """OTHER-ADDRESS: it answers for RFC 5780."""
    plain_mapped: bool = False
    """It sends MAPPED-ADDRESS too."""
    answers_elsewhere: bool | None = None
    """On CHANGE-REQUEST the answer came from another port."""


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    is_verified: bool = True
    """False: the user did not want that."""
    untrusted: str = ""
    """Why this machine does not trust the certificate."""
    valid_until: float | None = None
    """Calendar seconds."""
    old_versions: list[str] = []
    """Of TLS 1.0 and 1.1 those that it speaks."""
    is_old_known: bool = True
    """False: this machine cannot speak them itself."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    server: str
    unix_now: float
    took: float = 0.0
    has_credentials: bool = False
    has_secret: bool = False
    valid_until: float | None = None
    """Of the credentials, where the user name tells."""
    doors: list[Door] = []
    logins: list[Login] = []
    relays: list[Relay] = []
    permissions: list[Permission] = []
    tcp_relay: int | None = None
    """As ``code`` in Permission."""
    quota: Quota | None = None
    binding: Binding | None = None
    tls: list[Tls] = []
