"""What went wrong with a STUN or TURN server, for a person who can do something about it. Pure.

Details of this machine's addresses are left out.
"""

from __future__ import annotations

import socket
import ssl

from aioice.stun import TransactionFailed, TransactionTimeout

from peer.engine.ice.servers import ServerAddress
from peer.facts import UNREACHABLE, UNREADABLE, Trouble

WORDS = {
    400: "the server could not read the request; is it a TURN server?",
    401: "the server refuses these credentials: compare its secret with yours, and its clock",
    403: "the server forbids it: it relays to nobody at this address",
    437: "the server knows nothing of this relay any more; it was restarted, or its lifetime has passed",
    438: "the server's nonce has expired, and it gave no other",
    440: "the server has no relay address of this kind (IPv4 or IPv6)",
    441: "the relay belongs to other credentials than these",
    442: "the server does not relay UDP; allow it in its settings",
    486: "the quota of this user is used up: raise it, or give each client a name of its own",
    508: "the server has no room left: raise its limit or its range of ports, or add a server",
}
"""RFC 8656 section 19, RFC 8489 section 14.8."""
EXPIRED = "these credentials have expired: ask for new ones; if they are new, compare the clocks"
GONE = "the relay is gone: "


def trouble_of(
    server: ServerAddress, error: Exception, unix_now: float, *, was_given: bool = False
) -> Trouble:
    """``was_given``: it is a relay that there was until now."""
    code, text = _explain(server, error, unix_now)
    return Trouble(server.url, code, f"{GONE if was_given else ''}{text}")


def no_port(address: str, ports: tuple[int, int]) -> Trouble:
    """No socket could be had on this address of ours; it is no server's fault, so there is no url."""
    kind = "IPv6" if ":" in address else "IPv4"
    which = f"no UDP port from {ports[0]} to {ports[1]} is free for {kind}"
    return Trouble("", UNREACHABLE, f"{which}: each connection needs one; widen the range")


def has_expired(username: str, unix_now: float) -> bool:
    """Whether a user name that begins with its last second, as made from a shared secret, is past it."""
    end = username.partition(":")[0]
    # A number that is no time of these decades is just a name.
    return end.isascii() and end.isdecimal() and len(end) == 10 and int(end) < unix_now


def _explain(server: ServerAddress, error: Exception, unix_now: float) -> tuple[int, str]:
    match error:
        case TransactionFailed():
            code, reason = error.response.attributes.get("ERROR-CODE", (500, ""))
            if code == 401 and has_expired(server.username, unix_now):
                return code, EXPIRED
            return code, WORDS.get(code) or f"the server refuses: {reason[:100] or code}"
        case ssl.SSLCertVerificationError():
            reason = getattr(error, "verify_message", "")  # which OpenSSL sets
            return UNREADABLE, (
                f"the server's certificate is not trusted ({reason}): it must be made for "
                f"{server.host}, be in date, and come from an authority that this machine knows"
            )
        case ssl.SSLError():
            return UNREACHABLE, "no TLS is spoken at this port as we speak it; check the port of turns:"
        case socket.gaierror():
            return UNREACHABLE, f"{server.host} does not resolve to an address; check the name, and DNS here"
        case TransactionTimeout() | TimeoutError():
            return UNREACHABLE, f"the server does not answer over {_over(server)}; {_firewall(server)}"
        case ConnectionRefusedError():
            return UNREACHABLE, (
                f"nobody listens for {_over(server)} at port {server.port}; is the server running?"
            )
        case ConnectionError():
            return UNREACHABLE, "the server, or something on the way to it, has closed the connection"
        case OSError():
            reason = error.strerror or "no route"
            return UNREACHABLE, f"the server cannot be reached ({reason}); is there a network?"
    return UNREACHABLE, "what answers is no STUN or TURN server; check the port"


def _over(server: ServerAddress) -> str:
    return {"udp": "UDP", "tcp": "TCP", "tls": "TLS"}[server.transport]


def _firewall(server: ServerAddress) -> str:
    if server.transport == "udp":
        return "is it running, and does a firewall let UDP through?"
    return f"is it running, and does a firewall let port {server.port} through?"
