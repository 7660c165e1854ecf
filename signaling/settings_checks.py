"""What makes a configuration wrong although each value has the right type."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import msgspec

from signaling.answers import MAX_REGION_CHARACTERS
from signaling.cluster.bus_urls import bus_address
from signaling.cluster.subjects import Subjects
from signaling.config import Auth, Cluster, Config, Server, Tracing, TurnServers
from signaling.hooks import problems
from signaling.origins import parse_origin
from signaling.turn import wrong_with

Problem = tuple[str, str]
"""``section.name``, and a sentence."""

MIN_TICKET_KEY_CHARACTERS = 32
MIN_TOKEN_CHARACTERS = 16
MIN_DEAD_AFTER = 2.5
MIN_TURN_LIFETIME = 120.0
"""Credentials are renewed at half of it, and looked at when a session is pinged."""
MIN_MESSAGE_BYTES = 1_024
MIN_MEMORY_BYTES = 134_217_728
MAX_MESSAGE_BYTES = 1_048_576

# These may be 0, and then mean: none.
MAY_BE_ZERO = frozenset(
    {
        "server.port",
        "server.https_port",
        "server.grpc_port",
        "server.stun_port",
        "server.worker_port",
        "session.settle",
        "session.drain_window",
        "limits.memory_bytes",
        "tracing.share",
        "limits.feed_events",
        "auth.leeway",
        "auth.grace",
    }
)
TURN_URL = re.compile(
    r"turns?:(?:\[[0-9a-fA-F:.]+\]|[^:?\[\]/@\s]+)(?::[0-9]{1,5})?(?:\?transport=(?:udp|tcp))?", re.ASCII
)
ICE_SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


def check(config: Config, is_file: Callable[[str], bool]) -> list[Problem]:
    """Everything that is wrong, section by section; ``is_file`` says whether a path names a file."""
    return [
        *_numbers(config),
        *_server(config, is_file),
        *_session(config),
        *_limits(config),
        *_ice(config, is_file),
        *_cluster(config),
        *_tracing(config.tracing),
        *_webhooks(config),
        *_auth(config.auth, is_file),
    ]


def _numbers(config: Config) -> Iterator[Problem]:
    for section in config.__struct_fields__:
        fields = getattr(config, section)
        for name in fields.__struct_fields__:
            key, value = f"{section}.{name}", getattr(fields, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if not math.isfinite(value) or value < 0 or (value == 0 and key not in MAY_BE_ZERO):
                yield key, f"{value} is not a positive number."


def _server(config: Config, is_file: Callable[[str], bool]) -> Iterator[Problem]:
    server = config.server
    if server.worker_port and server.worker_port + server.workers > 65_536:
        yield "server.worker_port", "is too high for so many workers; ports end at 65535."
    for name in ("port", "https_port", "stun_port"):
        if getattr(server, name) > 65_535:
            yield f"server.{name}", f"{getattr(server, name)} is no port; ports end at 65535."
    if server.https and server.port == server.https_port != 0:
        yield "server.https_port", f"is {server.https_port}, as server.port is; choose another one."
    if not server.host.strip():
        yield (
            "server.host",
            "is empty; use 127.0.0.1 for this machine, 0.0.0.0 for everyone who can reach it.",
        )
    if server.dev and not server.allow_insecure and server.host.strip() and not _is_loopback(server.host):
        yield (
            "server.dev",
            f"is for your own machine, and server.host is {server.host}: everybody who can reach it could do "
            "everything. Use tokens (docs/tokens.md), or add --allow-insecure if that is what you want.",
        )
    if bool(server.certificate) != bool(server.key):
        missing, given = ("key", "certificate") if server.certificate else ("certificate", "key")
        yield (
            f"server.{missing}",
            f"is missing; server.{given} is given, and one is of no use without the other.",
        )
    for name in ("certificate", "key"):
        path = getattr(server, name)
        if path and not is_file(path):
            yield f"server.{name}", f"there is no file {path}."
    for name, keys in (
        ("ticket_key", [server.ticket_key] if server.ticket_key else []),
        ("former_ticket_keys", server.former_ticket_keys),
    ):
        if keys and (shortest := min(map(len, keys))) < MIN_TICKET_KEY_CHARACTERS:
            yield (
                f"server.{name}",
                f"has {shortest} characters and needs {MIN_TICKET_KEY_CHARACTERS}: "
                "whoever guesses it can take over sessions. 'openssl rand -base64 32' makes a good one.",
            )
    for name in ("tokens", "admin_tokens"):
        tokens = getattr(server, name)
        if all(len(token) >= MIN_TOKEN_CHARACTERS and token == token.strip() for token in tokens):
            continue
        yield (
            f"server.{name}",
            f"a token needs at least {MIN_TOKEN_CHARACTERS} characters and no space around it. "
            "'openssl rand -base64 24' makes a good one.",
        )
    for origin in server.origins:
        if parse_origin(origin) is None:
            yield (
                "server.origins",
                f'"{origin}" is no web origin; write scheme, host and perhaps port, and nothing after it, '
                'as in "https://example.org".',
            )
    for network in server.trusted_proxies:
        try:
            ip_network(network)
        except ValueError as error:
            yield "server.trusted_proxies", f"{error}; write an address or a network, as in 10.0.0.0/8."
    yield from (("server.stun_alternate", text) for text in _stun_alternate(server))


def _session(config: Config) -> Iterator[Problem]:
    session = config.session
    if session.ticket_lifetime < 2 * session.resume_window:
        yield (
            "session.ticket_lifetime",
            f"is {session.ticket_lifetime}; it must be at least twice session.resume_window "
            f"({session.resume_window}), or tickets expire while they are needed.",
        )


def _limits(config: Config) -> Iterator[Problem]:
    limits = config.limits
    if not MIN_MESSAGE_BYTES <= limits.max_message_bytes <= MAX_MESSAGE_BYTES:
        yield (
            "limits.max_message_bytes",
            f"is {limits.max_message_bytes}; anything from {MIN_MESSAGE_BYTES} to {MAX_MESSAGE_BYTES} works.",
        )
    if limits.max_metadata_bytes >= limits.max_message_bytes:
        yield (
            "limits.max_metadata_bytes",
            "must be less than limits.max_message_bytes: metadata travels in a message.",
        )
    for name in ("outbox_bytes", "mailbox_bytes"):
        if getattr(limits, name) < limits.max_message_bytes:
            yield (
                f"limits.{name}",
                "must be at least limits.max_message_bytes, or one message would be too many.",
            )
    if 0 < limits.memory_bytes < MIN_MEMORY_BYTES:
        yield (
            "limits.memory_bytes",
            f"is {limits.memory_bytes}; a server without clients takes about {MIN_MEMORY_BYTES // 2}. "
            "Use 0 for what the machine allows.",
        )
    if limits.total_queued_bytes < 2 * max(limits.outbox_bytes, limits.mailbox_bytes):
        yield (
            "limits.total_queued_bytes",
            "must be at least twice limits.outbox_bytes and limits.mailbox_bytes, or one client fills it.",
        )


def _ice(config: Config, is_file: Callable[[str], bool]) -> Iterator[Problem]:
    for server in config.ice.servers:
        shown = msgspec.json.encode(server.urls).decode()
        if not server.urls or not all(url.startswith(ICE_SCHEMES) for url in server.urls):
            yield "ice.servers", f"{shown}: the urls must start with stun:, stuns:, turn: or turns:."
        elif any(url.startswith("turn") for url in server.urls) and not (
            server.username and server.credential
        ):
            yield "ice.servers", f"{shown}: a TURN server needs a username and a credential."
    for turn in config.ice.turn:
        yield from (("ice.turn", f"{_shown(turn)}: {text}") for text in _turn(turn, is_file))
    if config.ice.turn_lifetime < MIN_TURN_LIFETIME:
        yield (
            "ice.turn_lifetime",
            f"is {config.ice.turn_lifetime}; anything from {MIN_TURN_LIFETIME} s works.",
        )


def _turn(turn: TurnServers, is_file: Callable[[str], bool]) -> Iterator[str]:
    if not turn.urls:
        yield 'urls is missing; it says where the TURN server is, as in "turn:turn.example.org:3478".'
    for url in turn.urls:
        if not TURN_URL.fullmatch(url):
            yield (
                f"{msgspec.json.encode(url).decode()} is no TURN url; write turn:HOST:PORT, "
                "turn:HOST:PORT?transport=tcp or turns:HOST:PORT?transport=tcp."
            )
    if turn.secrets and turn.secret_file:
        yield "has secrets and a secret_file; one of them is enough."
    elif turn.secret_file and not is_file(turn.secret_file):
        yield f"there is no file {turn.secret_file}."
    elif not turn.secrets and not turn.secret_file:
        yield "needs secrets, or a secret_file: what the TURN server's static-auth-secret is."
    elif turn.secrets and (problem := wrong_with(turn.secrets)):
        yield problem
    if not (math.isfinite(turn.weight) and turn.weight > 0.0):
        yield f"weight is {turn.weight}; it must be more than 0."


def _shown(turn: TurnServers) -> str:
    return msgspec.json.encode(turn.urls).decode()


def _stun_alternate(server: Server) -> Iterator[str]:
    parsed: list[IPv4Address | IPv6Address] = []
    for text in server.stun_alternate:
        try:
            parsed.append(ip_address(text))
        except ValueError:
            yield f'"{text}" is no address; a name will not do here.'
    if any(each.is_unspecified or each.is_multicast for each in parsed):
        yield "must be addresses of this machine, each in full."
    if len({each.version for each in parsed}) < len(parsed):
        yield "has more than one address of a kind; one IPv4 and one IPv6 at the most."
    if any(str(each) == server.host for each in parsed):
        yield f"is {server.host}, as server.host is; a second address is needed to see what a NAT does."
    if parsed and server.stun_port == 0:
        yield "is given, but server.stun_port is 0: there is no STUN responder."


def _cluster(config: Config) -> Iterator[Problem]:
    cluster, workers = config.cluster, config.server.workers
    yield from _backplane(cluster)
    if cluster.key and len(cluster.key) < MIN_TICKET_KEY_CHARACTERS:
        yield (
            "cluster.key",
            f"has {len(cluster.key)} characters and needs {MIN_TICKET_KEY_CHARACTERS}: "
            "whoever guesses it can speak for any node. 'openssl rand -base64 32' makes a good one.",
        )
    if cluster.dead_after < MIN_DEAD_AFTER:
        yield (
            "cluster.dead_after",
            f"is {cluster.dead_after:g} s; nodes speak once a second, so less than {MIN_DEAD_AFTER:g} s "
            "would take the living for dead.",
        )
    if workers > 1 and (not cluster.backplane or cluster.backplane.startswith("memory:")):
        yield (
            "server.workers",
            f"is {workers}, and processes need a bus to talk over: give --backplane redis://HOST or "
            "nats://HOST (docs/many-nodes.md), or serve with one.",
        )
    if workers > 1 and cluster.public_url:
        yield (
            "cluster.public_url",
            "is one address, and server.workers is more than 1: they share an address.",
        )
    if len(cluster.region) > MAX_REGION_CHARACTERS or cluster.region != cluster.region.strip():
        yield (
            "cluster.region",
            f"needs at most {MAX_REGION_CHARACTERS} characters, and no space around it.",
        )
    if cluster.public_url and not _is_public_url(cluster.public_url):
        yield (
            "cluster.public_url",
            f'"{cluster.public_url}" is no address of a node; write scheme, host and perhaps port and path, '
            'as in "https://n1.example.org".',
        )


def _webhooks(config: Config) -> Iterator[Problem]:
    has_journal = config.limits.feed_events > 0
    return (("webhooks.endpoints", problem) for problem in problems(config.webhooks, has_journal))


def _tracing(tracing: Tracing) -> Iterator[Problem]:
    if not 0.0 <= tracing.share <= 1.0:
        yield "tracing.share", f"is {tracing.share:g}; it is a share: 0 to 1."
    if tracing.endpoint and not _is_public_url(tracing.endpoint):
        yield (
            "tracing.endpoint",
            f'"{tracing.endpoint}" is no address of a collector; write scheme, host and port, '
            'as in "http://localhost:4318".',
        )


def _backplane(cluster: Cluster) -> Iterator[Problem]:
    try:
        Subjects(cluster.prefix)
    except ValueError as error:
        yield "cluster.prefix", f"{error}."
    try:
        if cluster.backplane:
            bus_address(cluster.backplane)
    except ValueError as error:
        yield "cluster.backplane", f"{error}."


def _is_public_url(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    origin = parse_origin(f"{scheme.replace('ws', 'http', 1)}://{rest.partition('/')[0]}")
    return origin is not None and url.isprintable() and not set("?# ") & set(url)


def _auth(auth: Auth, is_file: Callable[[str], bool]) -> Iterator[Problem]:
    for index, key in enumerate(auth.keys, 1):
        if bool(key.secret) == bool(key.file):
            yield "auth.keys", f"key {index} needs either a secret or a file."
        elif key.file and not is_file(key.file):
            yield "auth.keys", f"key {index}: there is no file {key.file}."
        elif key.secret and not key.algorithm.startswith("HS"):
            yield "auth.keys", f"key {index}: {key.algorithm} needs a public key; give its PEM file as file."
        elif key.secret and len(key.secret.encode()) < int(key.algorithm[2:]) // 8:
            needed = int(key.algorithm[2:]) // 8
            yield (
                "auth.keys",
                f"key {index}: a secret for {key.algorithm} needs at least {needed} bytes (RFC 7518 §3.2). "
                "'peerlane token keys' makes a good one.",
            )
    if auth.jwks_file and not is_file(auth.jwks_file):
        yield "auth.jwks_file", f"there is no file {auth.jwks_file}."
    for name in ("jwks_url", "authorize_url"):
        url = getattr(auth, name)
        if url and not (url.startswith("https://") or _is_loopback_url(url)):
            yield (
                f"auth.{name}",
                "must begin with https://: whoever can change it on the way decides who comes in. "
                "http:// is for addresses of this machine.",
            )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _is_loopback_url(url: str) -> bool:
    origin = parse_origin("/".join(url.split("/", 3)[:3]))
    return origin is not None and origin.host in ("localhost", "127.0.0.1", "::1")
