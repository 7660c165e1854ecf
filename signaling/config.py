"""Every setting and every limit of the server, each with its default and the reason for it.

The sections are the tables of the TOML file: ``[server]``, ``[session]``, ``[limits]``, ``[ice]``,
``[cluster]``, ``[auth]``, ``[webhooks]``, ``[tracing]``, ``[log]``.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from signaling.protocol.parts import IceServer
from signaling.protocol.permissions import Permission


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the server listens, and to whom."""

    host: str = "127.0.0.1"
    port: int = 8080
    https: bool = False
    """Serve other machines over HTTPS, with a certificate made on the first run; localhost stays HTTP."""
    https_port: int = 8443
    certificate: str = ""
    """Path of a PEM certificate chain to use instead; needs ``key``."""
    key: str = ""
    dev: bool = False
    """Open to programs without a token, and says so. For your own machine."""
    allow_insecure: bool = False
    """``dev`` for other machines too: everybody who can reach this one may do everything."""
    origins: list[str] = []
    """Web origins that may connect besides the server's own, such as ``https://example.org``."""
    trusted_proxies: list[str] = []
    """Addresses or networks of proxies in front, such as ``10.0.0.0/8``: from them, and from nobody else,
    ``X-Forwarded-For`` and ``X-Forwarded-Host`` are believed."""
    tokens: list[str] = []
    """Programs (no Origin header) present one of these as ``Authorization: Bearer …``, unless ``dev``."""
    admin_tokens: list[str] = []
    """For ``/v1/admin``, as ``Authorization: Bearer …``; without any there is no admin API."""
    state_dir: str = ""
    """Where the made key and certificate are kept; empty: ``$XDG_STATE_HOME/peerlane``."""
    ticket_key: str = ""
    """At least 32 characters, the same on every node; empty: one is made and kept in ``state_dir``."""
    former_ticket_keys: list[str] = []
    """Tickets under one of these are read too, while a new ``ticket_key`` takes the place of an old one."""
    grpc_port: int = 0
    """TCP port for gRPC, with the TLS of ``https`` where that is on; 0: none. Needs
    ``pip install 'peerlane[grpc]'``."""
    workers: int = 1
    """How many processes serve, at the same ports: about as many as the machine has cores. More than one need
    ``cluster.backplane``."""
    worker_port: int = 0
    """The first process is also reached by itself, at this port of this machine's loopback, the second at the
    next one, and so on: for Prometheus, the admin API and ``peerlane drain``. 0: none is."""
    stun_port: int = 3478
    """UDP port of the embedded STUN responder; the next free one is taken and said aloud. 0: none."""
    stun_alternate: list[str] = []
    """Further addresses of this machine, at most one IPv4 and one IPv6: with them NATs are examined too
    (RFC 5780), on this port and the next."""
    allow_python_parser: bool = False
    """Run although aiohttp's compiled HTTP parser is missing; the one in Python is slow, and laxer."""
    grace: float = 30.0
    """Seconds between SIGTERM and the end: Kubernetes' own default."""


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long silence is patience."""

    hello_timeout: float = 5.0
    """A link that has not said hello by then is closed: NATS waits 2 s, Centrifugo 10."""
    ping_interval: float = 25.0
    """Below the 30 s after which some proxies drop a silent connection."""
    ping_timeout: float = 10.0
    resume_window: float = 120.0
    """How long a lost session waits: a phone in a lift or a laptop lid, as socket.io's 2 min."""
    settle: float = 15.0
    """How long clients believe in a peer that a restarted server has not seen again yet."""
    ticket_lifetime: float = 3600.0
    """Renewed at half of it, so at least this half is left whenever a link is lost."""
    drain_window: float = 10.0
    """When this node leaves, its clients are told over so many seconds, or fewer when they are few: the other
    nodes do not get all of them at once. 0: all in one moment."""


class LimitsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one client, one address, one room and the whole process may use."""

    max_message_bytes: int = 65_536
    """An SDP with many codecs and candidates is under 20 KiB; Centrifugo allows 64 KiB."""
    max_metadata_bytes: int = 16_384
    max_rooms: int = 100
    """Rooms a session, as Phoenix's channels."""
    max_members: int = 1_000
    """Capacity of a room whose creator names none, and the largest it may name."""
    max_rooms_per_app: int = 10_000
    max_waiting: int = 100
    """In the waiting room of one room; who comes then is told that it is full."""
    feed_events: int = 10_000
    """How many events ``/v1/feed`` keeps for readers who come back; 0: there is no feed."""
    feed_bytes: int = 8_388_608
    """And how many bytes of them."""
    feed_readers: int = 2_000
    """Who may read ``/v1/feed`` at the same time."""
    max_sessions: int = 15_000
    """Below the open-file limit of the process, which is usually 20,000 or more."""
    messages_per_second: float = 50.0
    """A faster sender is read more slowly; setting up a call in a mesh of 8 needs about 10 per second."""
    messages_burst: int = 200
    bytes_per_second: float = 262_144.0
    """As for messages; thirteen descriptions of a call with many codecs. A message counts as so many as its
    bytes are worth, so as many more come at once as with ``messages_burst``."""
    broadcasts_per_second: float = 100.0
    """Into one room, of all its members together: each is sent to everybody. Faster
    senders are read more slowly; what a crowd says beyond two seconds' worth is refused."""
    broadcasts_burst: int = 200
    joins_per_second: float = 5.0
    """A join costs as many messages as come in its time, so the burst is in proportion too."""
    links_per_second_per_address: float = 50.0
    """More upgrades from one address are answered 429; a whole office may share one."""
    credentials_per_second_per_address: float = 5.0
    """More ``GET /v1/ice-servers`` from one address are answered 429, after ten seconds' worth at once: a
    client asks once an hour, an office all at nine."""
    links_per_address: int = 1_000
    """Open at once from one IPv4 address, or from one /64 of IPv6; more are answered 429."""
    token_failures_per_minute_per_address: float = 10.0
    """Whoever presents more bad tokens is answered 429 for a while: each costs a signature."""
    bad_tickets_per_second_per_address: float = 10.0
    """Whoever claims sessions with tickets that are not good, or no more, is answered 429 for a while; after
    a minute's worth at once, which an office brings to a server that has lost its key."""
    sessions_per_user: int = 20
    """Of one subject of tokens: some devices, some tabs. One more is closed as crowded."""
    links_per_second: float = 500.0
    """More upgrades at one node are answered 503 with Retry-After."""
    outbox_messages: int = 256
    outbox_bytes: int = 1_048_576
    """A reader that falls further behind than this is closed as slow, and may resume."""
    mailbox_messages: int = 512
    """Events kept for a session until it confirms them; past this its resume is not whole."""
    mailbox_bytes: int = 1_048_576
    total_queued_bytes: int = 536_870_912
    """All outboxes and mailboxes of the process, half for each; past this the largest is dropped first."""
    memory_bytes: int = 0
    """Near this much (85 %) the server takes nobody in, drops the largest queues and reads more slowly; 0 for
    what the machine, its container and RLIMIT_AS allow."""
    malformed_frames: int = 3
    """Strikes before a link that does not speak our language is closed."""
    header_timeout: float = 10.0
    """Seconds for an HTTP request to arrive; aiohttp's own default of an hour feeds slow attackers."""


class TurnServers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A TURN server that makes no accounts: it knows the secret that our credentials are made from.

    coturn calls it use-auth-secret and static-auth-secret. Credentials are made for each session, and
    made anew before they end.
    """

    urls: list[str] = []
    """Such as ``turn:turn.example.org:3478`` and ``turns:turn.example.org:443?transport=tcp``."""
    secrets: list[str] = []
    """The first signs; a second is the one that it replaces, which the TURN server may still know."""
    secret_file: str = ""
    """Instead of ``secrets``: a file with one a line; read again when it has changed."""
    region: str = ""
    """Where it is, in the words of ``cluster.region``."""
    weight: float = 1.0
    """Of two servers of one region, the one with twice the weight is told to twice as many clients."""


class Ice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What clients are told to gather candidates from."""

    servers: list[IceServer] = []
    """Besides the embedded STUN responder."""
    advertise_stun: bool = True
    """Name the embedded STUN responder in every welcome, at the host the client used."""
    turn: list[TurnServers] = []
    """TURN servers that know a secret of ours, one ``[[ice.turn]]`` each."""
    turn_servers_per_client: int = 2
    """Each client is told so many of them: one may be down, and gathering from all of them takes longer."""
    turn_lifetime: float = 7_200.0
    """Seconds until credentials end. Half of it must be enough to heal a call."""


class Cluster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several nodes as one server, and which of them this is."""

    backplane: str = ""
    """What the nodes talk over: ``redis://…``, ``rediss://…`` or ``nats://…``, as its own operators write it;
    empty: this node is alone. All nodes need the same ``server.ticket_key``."""
    key: str = ""
    """At least 32 characters, the same on every node: what they say to each other is signed with it."""
    prefix: str = "peerlane"
    """What the subjects on the bus begin with; another one for each cluster that shares it."""
    dead_after: float = 4.0
    """A node that is not heard of for so many seconds counts as dead; each speaks once a second."""
    region: str = ""
    """Where this node is, in a word of your own, such as ``eu``; TURN servers of the same region are told
    first, and clients choose between regions by measuring."""
    public_url: str = ""
    """At which clients reach this very node, such as ``https://n1.example.org``; empty: clients are not told
    of it, and all use the one address in front of the nodes."""
    weight: float = 1.0
    """Of two nodes of one region, the one with twice the weight gets twice as many clients."""


class AuthKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key and the one algorithm that it is for: a token cannot choose another."""

    algorithm: Literal["HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "ES384", "EdDSA"]
    id: str = ""
    """Tokens with a ``kid`` are checked with the key of that id; without one, with each of the algorithm."""
    secret: str = ""
    """For HS algorithms: as many bytes as the digest has, or more."""
    file: str = ""
    """For the others a public key in PEM, for HS a secret. Read again when it changes."""


class Auth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose tokens are believed, and what they may say. Without keys nobody needs a token."""

    keys: list[AuthKey] = []
    jwks_file: str = ""
    """A JSON Web Key Set (RFC 7517); read again when it changes."""
    jwks_url: str = ""
    """The same from an ``https://`` address; asked again for a key that is not known."""
    issuer: str = ""
    """What ``iss`` must be, if given."""
    audience: str = ""
    """What ``aud`` must be or hold, if given."""
    leeway: float = 10.0
    """Seconds by which clocks may differ."""
    max_lifetime: float = 86_400.0
    """A token that is good for longer than a day is refused: it could not be taken back."""
    guests: list[Permission] = []
    """What somebody without a token may do; empty: nobody comes in without one."""
    refresh_before: float = 60.0
    """A client is asked for a new token so long before its own expires."""
    grace: float = 10.0
    """And has so long after, before its session ends."""
    authorize_url: str = ""
    """A back end that is asked about everybody who comes, and may change what they are granted."""
    authorize_timeout: float = 5.0

    @property
    def is_on(self) -> bool:
        return bool(self.keys or self.jwks_file or self.jwks_url or self.authorize_url)


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to tell, and of what."""

    url: str
    """Such as ``https://app.example.org/peerlane``; redirects are not followed."""
    secrets: list[str]
    """``whsec_`` and base64 of at least 24 bytes; messages are signed with each, so that one can take the
    place of another."""
    events: list[str] = []
    """Only these types; empty: all. ``gap`` and ``node-started`` are always told."""
    apps: list[str] = []
    """Only of rooms in these; empty: of all."""


class Webhooks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Web servers that are told what happens."""

    endpoints: list[Webhook] = []
    """One ``[[webhooks.endpoints]]`` each."""
    queue: int = 1_000
    """Messages that wait for one endpoint; more are dropped, and told as a ``gap``."""
    timeout: float = 10.0
    """Seconds for one attempt."""
    give_up: float = 86_400.0
    """A message that could not be delivered for so long is dropped, and told as a ``gap``."""


class Doors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Clients of other projects, who speak their own protocols."""

    open: list[str] = []
    """Which may come in, such as ``["peerjs", "y-webrtc"]``, or ``["all"]``; see docs/doors.md."""
    app: str = "default"
    """In which their rooms are."""
    max_resources: int = 1_000
    """Publishers of WHIP, and as many viewers of WHEP; each is a session too."""
    peerjs_key: str = "peerjs"
    """What a client of PeerJS has to name as its ``key``, unless its key is a token."""
    peerjs_discovery: bool = False
    """Whether anybody may ask which ids of PeerJS are at this node."""


class Tracing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long requests, joins and handovers took, told to a collector of OpenTelemetry."""

    endpoint: str = ""
    """Where it takes OTLP over HTTP, such as ``http://localhost:4318``; empty: nothing is traced. Needs
    ``pip install 'peerlane[otel]'``."""
    share: float = 0.05
    """Of all that could be traced: 0 to 1."""


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"
    addresses: bool = False
    """Write addresses of clients as they are; otherwise ``[address]``. Secrets and SDP are never written."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    server: Server = Server()
    session: Session = Session()
    limits: LimitsConfig = LimitsConfig()
    ice: Ice = Ice()
    cluster: Cluster = Cluster()
    auth: Auth = Auth()
    webhooks: Webhooks = Webhooks()
    doors: Doors = Doors()
    tracing: Tracing = Tracing()
    log: Log = Log()
