"""What a TURN server is to be told, and what is wrong with it: nothing that is odd gets into a file."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal, NamedTuple

import msgspec

MIN_SECRET = 32
"""Credentials are as hard to guess as this; who has one can try without asking anybody."""
MAX_SECRET = 256
MAX_SECRETS = 2
"""The one that signs, and the one that it replaces."""

Address = IPv4Address | IPv6Address

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label has a letter, or it would be an address.
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)*(?=[a-z0-9-]*[a-z]){_LABEL}", re.IGNORECASE | re.ASCII)
# coturn takes spaces away, quotes off, and leading = signs too.
_SECRET = re.compile(r"[A-Za-z0-9+/_.~-][A-Za-z0-9+/=_.~-]*", re.ASCII)
_EMAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9+/=_.~@-]+", re.ASCII)


class Settings(msgspec.Struct, frozen=True):
    """All that differs from one TURN server to the next."""

    domain: str
    """Its name, which is also the realm."""
    secrets: list[str]
    """One, or two while one replaces the other."""
    coturn: Literal["4.6", "4.13"] = "4.6"
    """The oldest version that must understand the result."""
    external_ips: list[str] = []
    """``PUBLIC``, or ``PUBLIC/PRIVATE`` where a router translates; of IPv4 and IPv6 one each."""
    listening_ips: list[str] = []
    """Where it listens, if not where it relays."""
    certificate: str = ""
    """Path of a PEM chain; with ``key`` there is TLS."""
    key: str = ""
    port: int = 3478
    tls_port: int = 443
    min_port: int = 49_152
    max_port: int = 65_535
    user_quota: int = 12
    total_quota: int = 1_200
    max_bytes_per_second: int = 3_000_000
    """Of one relay in each direction; 0: no limit."""
    metrics_port: int = 9_641
    """Of Prometheus, on loopback, where the version has it; 0: none."""
    allowed_peers: list[str] = []
    """Addresses, or ranges as ``FIRST-LAST``, that may be reached although they are special."""

    email: str = ""
    """Whom the certificate authority tells of trouble."""

    def __repr__(self) -> str:
        # Secrets have no business in a log.
        return f"<Settings of {self.domain}>"


class Mapping(NamedTuple):
    """An address of the server: as the world calls it, and as its machine does."""

    public: Address
    own: Address


def problems(settings: Settings) -> list[str]:
    """What is wrong with these settings, a sentence each; no secret is repeated."""
    found = [
        *_about_names(settings),
        *_about_secrets(settings.secrets),
        *_about_addresses(settings),
        *_about_ports(settings),
    ]
    for name in ("user_quota", "total_quota", "max_bytes_per_second"):
        if not 0 <= getattr(settings, name) < 2**31:
            found.append(f"{name} cannot be {getattr(settings, name)}.")
    return found


def mappings(settings: Settings) -> list[Mapping]:
    """The addresses of ``external_ips``. Raises ValueError for what :func:`problems` tells of."""
    return [_mapping(text) for text in settings.external_ips]


def _mapping(text: str) -> Mapping:
    public, slash, own = text.partition("/")
    if "%" in text:
        raise ValueError("an address with a zone is only of use on one machine")
    return Mapping(ip_address(public), ip_address(own if slash else public))


def _about_names(settings: Settings) -> list[str]:
    found = []
    if len(settings.domain) > 253 or not _DOMAIN.fullmatch(settings.domain):
        found.append(
            f"{settings.domain!r} is not the name of a machine, such as turn.example.org "
            "(letters of other alphabets are written as xn--…)."
        )
    if bool(settings.certificate) != bool(settings.key):
        found.append("A certificate and its key go together: name both, or neither.")
    if settings.email and not _EMAIL.fullmatch(settings.email):
        found.append(f"{settings.email!r} is not an address for mail.")
    for what, path in (("certificate", settings.certificate), ("key", settings.key)):
        if path and not _PATH.fullmatch(path):
            found.append(f"The path of the {what}, {path!r}, must begin with / and have no spaces or quotes.")
    return found


def _about_secrets(secrets: list[str]) -> list[str]:
    if not secrets:
        return ["There is no secret: write one line of at least 32 characters, as openssl rand -hex 32 does."]
    found = []
    if len(secrets) > MAX_SECRETS:
        found.append(f"{len(secrets)} secrets are too many: one, or two while one replaces the other.")
    if len(set(secrets)) < len(secrets):
        found.append("The same secret stands there twice.")
    for number, secret in enumerate(secrets, 1):
        which = f"Secret {number}" if len(secrets) > 1 else "The secret"
        if len(secret) < MIN_SECRET:
            found.append(f"{which} is too short: {len(secret)} characters instead of {MIN_SECRET} or more.")
        elif len(secret) > MAX_SECRET:
            found.append(f"{which} is too long: {len(secret)} characters instead of {MAX_SECRET} at most.")
        elif not _SECRET.fullmatch(secret):
            found.append(
                f"{which} has characters that coturn does not take: use letters, digits and + / = _ . ~ - "
                "only, and no = at the beginning."
            )
    return found


def _about_addresses(settings: Settings) -> list[str]:
    found = []
    versions = []
    for text in settings.external_ips:
        try:
            mapping = _mapping(text)
        except ValueError:
            found.append(f"{text!r} is no address, nor PUBLIC/PRIVATE such as 198.51.100.7/10.0.0.7.")
            continue
        found += _about_mapping(text, mapping)
        versions.append(mapping.own.version)
    if len(set(versions)) < len(versions):
        found.append("There can be one external address of IPv4 and one of IPv6.")
    for text in settings.listening_ips:
        if not _is_address(text):
            found.append(f"{text!r} is no address to listen at.")
        elif _relays_on_loopback(settings) and not _is_loopback(text):
            found.append(f"Relays on loopback would let {text} into this machine.")
    for text in settings.allowed_peers:
        if not _is_range(text):
            found.append(f"{text!r} is neither an address nor FIRST-LAST, such as 10.0.0.0-10.0.0.255.")
    return found


def _relays_on_loopback(settings: Settings) -> bool:
    return any(_is_loopback(text) for text in settings.external_ips)


def _about_mapping(text: str, mapping: Mapping) -> list[str]:
    if mapping.public.version != mapping.own.version:
        return [f"{text!r} mixes IPv4 and IPv6."]
    for address in mapping:
        if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
            return [f"{address} is not the address of a machine."]
    if mapping.public != mapping.own and (mapping.public.is_loopback or mapping.own.is_loopback):
        return [f"{text!r} has a loopback address, which no router translates."]
    return []


def _about_ports(settings: Settings) -> list[str]:
    found = []
    for name in ("port", "tls_port", "min_port", "max_port", "metrics_port"):
        value = getattr(settings, name)
        if not (0 < value < 65_536 or (name == "metrics_port" and value == 0)):
            found.append(f"{name} cannot be {value}.")
    if settings.min_port > settings.max_port:
        found.append(f"The last relay port {settings.max_port} comes before the first, {settings.min_port}.")
    if settings.port == settings.tls_port:
        found.append(f"TLS needs another port than {settings.port}.")
    return found


def _is_address(text: str) -> bool:
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ip_address(text).is_loopback


def _is_range(text: str) -> bool:
    """An address, or two of a family in order; nothing that begins with ``::`` itself, which means all."""
    first, dash, last = text.partition("-")
    if not (_is_address(first) and _is_address(last if dash else first)):
        return False
    low, high = ip_address(first), ip_address(last if dash else first)
    return low.version == high.version and int(low) <= int(high) and int(high) > 0 and not low.is_unspecified
