"""What a TURN server is to be asked, and by which ways. Pure."""

from __future__ import annotations

import base64
import hmac
import re
from ipaddress import IPv6Address, ip_address

import msgspec

from peer.engine.ice.servers import ServerAddress, parse_server
from peer.facts import Trouble
from peer.nat.audit.ranges import BAD_IPV4, BLOCKS, targets
from peer.nat.observations import Family

CREDENTIAL_LIFETIME = 600
"""Seconds, of those that are made from a secret."""
EXPIRED_FOR = 86_400
USER = "peerlane-audit"
MAX_QUOTA = 20
"""Allocations of one user that are asked for at a time."""
TLS_PORTS = (5349, 443)

_SPELLED = re.compile(r"turns?:", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{10}", re.ASCII)
_FOREIGN = re.compile(r"[a-z][a-z0-9+.-]*:(//|$)|stuns?:", re.IGNORECASE)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """As the command is given them."""

    server: str
    username: str = ""
    password: str = ""
    secret: str = ""
    timeout: float = 5.0
    """Seconds for one door; the whole may take twenty times as long."""

    def __repr__(self) -> str:
        # Secrets have no business in a log.
        return f"<Options for {self.server}>"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    server: str
    doors: list[ServerAddress]
    """The ways to the server, with no credentials in them."""
    username: str = ""
    password: str = ""
    secret: str = ""
    timeout: float = 5.0

    def __repr__(self) -> str:
        return f"<Plan for {self.server}>"


def plan(options: Options) -> Plan | list[str]:
    """Or what is wrong, a sentence each."""
    problems = _problems(options)
    doors: list[ServerAddress] = []
    for url in _urls(options.server.strip()):
        # A TURN url without credentials is refused there; these are taken out again.
        parsed = parse_server(url, "-", "-")
        if isinstance(parsed, Trouble) or not parsed.is_turn:
            why = parsed.text if isinstance(parsed, Trouble) else "this is one for STUN"
            problems.append(f"{options.server!r} is no TURN server: {why}; write turn:HOST[:PORT].")
            break
        doors.append(msgspec.structs.replace(parsed, username="", credential=""))
    if problems:
        return problems
    return Plan(
        server=options.server.strip(),
        doors=doors,
        username=options.username,
        password=options.password,
        secret=options.secret,
        timeout=options.timeout,
    )


def rest_credentials(secret: str, user: str, valid_until: int) -> tuple[str, str]:
    """User name and password (draft-uberti-behave-turn-rest-00); coturn calls it ``use-auth-secret``."""
    username = f"{valid_until}:{user}"
    digest = hmac.digest(secret.encode(), username.encode(), "sha1")
    return username, base64.b64encode(digest).decode()


def end_of(username: str) -> float | None:
    """When these credentials end, in calendar seconds; None when the name does not tell."""
    # A number that is no time of these decades is just a name.
    end = next((part for part in username.split(":") if _SECONDS.fullmatch(part)), None)
    return None if end is None else float(end)


def addresses_for(family: Family, own: set[str], *, is_whole: bool) -> list[str]:
    """What an allocation of this family is asked to relay to, but for the server's ``own`` addresses.

    Those of the other family are a few: a server refuses all of them with the same words. Not ``is_whole``:
    one address for each range.
    """
    every = list(targets()) if is_whole else [block.addresses[0] for block in BLOCKS]
    found = [each for each in every if family_of(each) == family]
    found += [f"::ffff:{each}" for each in BAD_IPV4] if family == 4 else BAD_IPV4
    return [each for each in dict.fromkeys(found) if each not in own]


def family_of(address: str) -> Family:
    return 6 if isinstance(ip_address(address), IPv6Address) else 4


def _problems(options: Options) -> list[str]:
    found = []
    if bool(options.username) != bool(options.password):
        found.append("A username and its password go together: name both, or neither.")
    if options.secret and options.username:
        found.append("Name a secret, or a username and its password, not both.")
    if not 0 < options.timeout <= 60:
        found.append("The timeout must be more than 0 seconds and not more than 60.")
    return found


def _urls(server: str) -> list[str]:
    """All ways that the text leaves open: UDP and TCP where it names none, and TLS for a mere name."""
    if _SPELLED.match(server):
        if "?" in server or server[:5].lower() == "turns":
            return [_lower_scheme(server)]
        return [f"{_lower_scheme(server)}?transport={transport}" for transport in ("udp", "tcp")]
    if _FOREIGN.match(server):
        return [server]
    host, has_port = _bracketed(server)
    plain = [f"turn:{host}?transport={transport}" for transport in ("udp", "tcp")]
    return plain if has_port else [*plain, *(f"turns:{host}:{port}" for port in TLS_PORTS)]


def _lower_scheme(url: str) -> str:
    scheme, _, rest = url.partition(":")
    return f"{scheme.lower()}:{rest}"


def _bracketed(server: str) -> tuple[str, bool]:
    """Whether it names a port; an IPv6 address gets its brackets."""
    try:
        return (f"[{server}]", False) if family_of(server) == 6 else (server, False)
    except ValueError:
        return server, re.search(r":[0-9]+$", server) is not None
