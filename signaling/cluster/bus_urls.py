"""Where a bus is, as the settings say it. No error repeats the URL: there may be a password in it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

REDIS_SCHEMES = ("redis", "rediss", "unix")
NATS_SCHEMES = ("nats", "tls")
UNDERSTOOD = (
    "memory:, redis://HOST, rediss://HOST (Redis with TLS), unix:///PATH (a socket of Redis),"
    " nats://HOST[,HOST…], tls://HOST[,HOST…] (NATS with TLS)"
)
_DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "nats": 4222, "tls": 4222}


class Secret(NamedTuple):
    """What a server is told before it answers; never shown."""

    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Secret(…)"


class BusAddress(NamedTuple):
    """A bus that can be dialled."""

    scheme: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    """Of a socket in the file system; or the name of a bus in memory."""
    secret: Secret = Secret()
    ca: str = ""
    """Files in PEM: whom to trust instead of the system's authorities, and who we are."""
    cert: str = ""
    key: str = ""
    is_cluster: bool = False
    """Several servers, which hear of each other's listeners a moment later."""

    @property
    def is_tls(self) -> bool:
        return self.scheme in ("rediss", "tls")


def bus_address(url: str) -> BusAddress:
    """Read the URL of a bus. Raises ValueError that says what is wrong with it, without repeating it."""
    scheme, colon, rest = url.partition(":")
    if colon and scheme == "memory":
        return BusAddress("memory", path=rest)
    if scheme not in (*REDIS_SCHEMES, *NATS_SCHEMES) or not rest.startswith("//"):
        raise ValueError(f"a backplane is one of {UNDERSTOOD}")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"the URL of the backplane cannot be read; it is one of {UNDERSTOOD}") from None
    if parts.fragment:
        raise ValueError("the URL of the backplane has a #: write %23 for it in a password")
    user_info, at, where = parts.netloc.rpartition("@")
    user, _, password = user_info.partition(":") if at else ("", "", "")
    options = _options(scheme, parts.query)
    address = BusAddress(
        scheme,
        secret=Secret(unquote(user), unquote(password)),
        ca=options.get("ca", ""),
        cert=options.get("cert", ""),
        key=options.get("key", ""),
        is_cluster=options.get("cluster") == "1",
    )
    if scheme == "unix":
        if not parts.path.strip("/") or where:
            raise ValueError("the URL of a Redis socket is unix:///PATH")
        return address._replace(path=unquote(parts.path))
    _check_path(scheme, parts.path)
    hosts = tuple(_host(each, _DEFAULT_PORTS[scheme]) for each in where.split(","))
    if scheme in REDIS_SCHEMES and len(hosts) > 1:
        raise ValueError("a Redis backplane is one server; Redis Cluster is not understood")
    return address._replace(hosts=hosts, is_cluster=address.is_cluster or len(hosts) > 1)


def _check_path(scheme: str, path: str) -> None:
    database = path.strip("/")
    if scheme in NATS_SCHEMES and database:
        raise ValueError("the URL of a NATS backplane ends after its hosts")
    if database and not database.isdecimal():
        raise ValueError("after the host of a Redis backplane there is nothing, or the number of a database")


def _host(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port == 0 or "@" in text:
        raise ValueError("the URL of the backplane has a host that cannot be read; it is HOST or HOST:PORT")
    return host, port or default_port


def _options(scheme: str, query: str) -> dict[str, str]:
    allowed = {*(("ca", "cert", "key") if scheme in ("rediss", "tls") else ())}
    allowed |= {*(("cluster",) if scheme in NATS_SCHEMES else ())}
    found = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    if not found.keys() <= allowed:
        raise ValueError(
            "after the ? of a backplane there may be ca=FILE, cert=FILE and key=FILE (rediss, tls)"
            " and cluster=1 (nats, tls)"
        )
    if "key" in found and "cert" not in found:
        raise ValueError("the URL of the backplane has key=FILE without cert=FILE")
    return found
