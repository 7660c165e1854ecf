"""What stands in headers and addresses: names of rooms, origins, proxies, bearer tokens, servers."""

from __future__ import annotations

from peer.engine.ice.servers import parse_servers
from peer.signaling_client.address import AddressError, signaling_url
from signaling.config import Auth, Server
from signaling.origins import bearer, origin_allowed, parse_origin
from signaling.protocol.ids import MAX_NAME_CHARACTERS, room_name
from signaling.protocol.parts import IceServer
from signaling.proxies import TrustedProxies, parse_address
from tests.fuzz.mutation import in_pieces, joined, pieces
from tests.fuzz.target import Target

TRUSTED = TrustedProxies(["127.0.0.0/8", "::1/128", "10.0.0.0/8"])
SERVERS = (
    (Server(tokens=["secret"], origins=["https://example.org"]), Auth()),
    (Server(dev=True), Auth(jwks_url="https://example.org/keys")),
)


def name_room(data: bytes) -> None:
    """A name that was made of one is a name, and the same one."""
    for errors in ("replace", "surrogatepass", "surrogateescape"):
        try:
            text = data.decode(errors=errors)
        except UnicodeDecodeError:
            continue
        name = room_name(text)
        if name is not None:
            assert len(name) <= MAX_NAME_CHARACTERS
            assert name.count("/") == 1
            assert room_name(name) == name
            assert name.encode()


def read_headers(data: bytes) -> None:
    """Origin, Host, Authorization, X-Forwarded-For and X-Forwarded-Host, as aiohttp hands them over."""
    texts = [part.decode(errors="surrogateescape") for part in pieces(data, most=6)]
    origin, host, authorization, *forwarded = [*texts, "", "", ""][: max(3, len(texts))]
    for server, auth in SERVERS:
        for asked in (origin, None):
            verdict = origin_allowed(asked, host, authorization or None, server, auth)
            assert verdict.allowed == (not verdict.reason)
            # It becomes the text of an answer.
            verdict.reason.encode()
    bearer(authorization).encode()
    parsed = parse_origin(origin)
    assert parsed is None or (0 <= parsed.port < 65_536 and parsed.host)
    address = TRUSTED.client("127.0.0.1", forwarded)
    assert parse_address(address) is not None
    TRUSTED.host("127.0.0.1", host, forwarded[0] if forwarded else None)
    TRUSTED.client(host, forwarded)


def read_addresses(data: bytes) -> None:
    """What a server says where STUN and TURN are, and what people write for a server."""
    text = data.decode(errors="replace")
    usable, troubles = parse_servers([IceServer([*text.split("\n")], "user", "password")])
    for address in usable:
        assert 0 < address.port < 65_536
        assert address.host
    assert all(trouble.text for trouble in troubles)
    try:
        url = signaling_url(text)
    except AddressError:
        return
    assert signaling_url(url) == url


ROOMS = (
    "garden",
    "app/attic",
    "Ångström",
    "ﬃ" * 20,
    "a/b/c",
    "℀",
    "\u0301a",
    "a\u0315\u0300" * 30,
    " x ",
    "",
)
HEADERS = (
    ("https://example.org", "localhost:8080", "Bearer secret", "1.2.3.4, 10.0.0.1", "example.org"),
    ("null", "[::1]:80", "Bearer a.b.c", "[2001:db8::1]:99, ::ffff:10.0.0.2", ""),
    ("http://localhost:8080", "localhost:8080", "Basic x", "10.0.0.1", "10.0.0.2"),
    ("https://a@b:99999/?#", "a b", "bearer", "%", "::1%eth0"),
)
ADDRESSES = (
    "stun:stun.example.org", "turn:192.0.2.1:3478?transport=udp", "turns:[2001:db8::1]:443?transport=tcp",
    "wss://example.org/v1/ws", "http://localhost:8080", "https://[::1]:99999/", "stun:a\nstun:b\nstun:", "ws://",
)  # fmt: skip

TARGETS = [
    Target(
        "room_name",
        name_room,
        tuple(each.encode() for each in ROOMS),
        ("́".encode(), b"/", "／".encode(), "ﷺ".encode()),
    ),
    Target(
        "headers",
        read_headers,
        tuple(joined(*(each.encode() for each in row)) for row in HEADERS),
        (b"https://", b"://", b"Bearer ", b"[::1]", b"%", b"@", b"127.0.0.1", b"::ffff:"),
        in_pieces(lambda data, chance, plain: plain(data)),
    ),
    Target(
        "addresses",
        read_addresses,
        tuple(each.encode() for each in ADDRESSES),
        (b"stun:", b"?transport=", b"[", b"]:"),
    ),
]
