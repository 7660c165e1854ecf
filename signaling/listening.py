"""Sockets that listen, bound before anything is promised to anybody."""

from __future__ import annotations

import errno
import socket

BACKLOG = 1_024
PORTS_TO_TRY = 20


class PortTaken(OSError):  # noqa: N818  # an OSError like its siblings, named for what has happened
    """Another program listens there already."""

    def __init__(self, port: int, last: int) -> None:
        ports = f"port {port} is" if port == last else f"ports {port} to {last} are"
        super().__init__(errno.EADDRINUSE, f"{ports} in use by another program")
        self.port = port


def bind_hosts(host: str) -> list[str]:
    """The addresses to bind for one configured host.

    A browser that is sent to ``localhost`` may try IPv6 first, so loopback means both; ``::`` means
    everything, IPv4 too. Raises OSError when the host is a name that nobody knows.
    """
    if host in ("localhost", "127.0.0.1"):
        return ["127.0.0.1", "::1"] if has_ipv6() else ["127.0.0.1"]
    if host == "::":
        return ["0.0.0.0", "::"] if has_ipv6() else ["0.0.0.0"]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise OSError(f"'{host}' is no address of this machine: {error.strerror}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def loopback_hosts() -> list[str]:
    return bind_hosts("127.0.0.1")


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback; containers often have none."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def listen(
    hosts: list[str], port: int, *, next_free: bool = False, is_shared: bool = False, joins: bool = False
) -> list[socket.socket]:
    """Listening TCP sockets, all at one port: ``port``, or with ``next_free`` the first free one of 20.

    Port 0 lets the system choose. With ``is_shared`` other processes may listen there too, and each link goes
    to one of them; they ``joins``. Raises PortTaken, or another OSError when a host is not ours or
    the port is not allowed.
    """
    last = min(65_535, port + PORTS_TO_TRY) if next_free and port else port
    for candidate in range(port, last + 1):
        try:
            if not is_shared:
                return _listen_all(hosts, candidate)
            if not joins:
                candidate = _free_port(hosts, candidate)
            return _listen_all(hosts, candidate, is_shared=True)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise PortTaken(port, last)


def port_of(sockets: list[socket.socket]) -> int:
    port: int = sockets[0].getsockname()[1]
    return port


def _free_port(hosts: list[str], port: int) -> int:
    """Where nobody listens, not even somebody else who would share it. Raises OSError when it is not free."""
    opened = _listen_all(hosts, port)
    found = port_of(opened)
    for each in opened:
        each.close()
    return found


def _listen_all(hosts: list[str], port: int, *, is_shared: bool = False) -> list[socket.socket]:
    opened: list[socket.socket] = []
    try:
        for host in hosts:
            each = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
            opened.append(each)
            if each.family == socket.AF_INET6:
                # The IPv4 socket beside it has the same port.
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # A restarted server must not wait for the old one's last connections to time out.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_shared:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            each.setblocking(False)
            each.bind((host, port))
            # With SO_REUSEADDR it is listen that finds out whether the port is free.
            each.listen(BACKLOG)
            port = port_of(opened)
    except OSError:
        for each in opened:
            each.close()
        raise
    return opened
