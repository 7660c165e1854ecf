"""What ``peerlane serve`` says when it has started: where to go, and what to try."""

from __future__ import annotations

import io

import segno

from signaling.app import Listening
from signaling.config import Config
from signaling.metrics import package_version

MAX_NETWORK_URLS = 4


def announcement(where: Listening, config: Config, command: str = "peerlane", *, turn: str = "") -> str:
    """Addresses, a QR code for the phone, and the next step, as plain text.

    ``command`` is how this program is called from where the reader is, ``turn`` what there is to say about
    the TURN server beside this one.
    """
    rows = [("On this machine", where.local + _moved(where.port, config.server.port))]
    https_moved = _moved(where.https_port, config.server.https_port)
    urls = where.network[:MAX_NETWORK_URLS]
    rows += [("In your network" if index == 0 else "", url) for index, url in enumerate(urls)]
    if https_moved:
        rows.append(("", https_moved.strip()))
    if where.stun_port is not None:
        rows.append(("STUN", f"UDP {where.stun_port}{_moved(where.stun_port, config.server.stun_port)}"))
    if turn:
        rows.append(("TURN", turn))
    lines = [f"Peerlane {package_version()}", "", *(f"  {label:<16} {text}" for label, text in rows), ""]
    lines += [*_about_network(where), ""]
    if where.is_secure:
        lines += [qr_code(where.network[0]), ""]
    lines += _next_step(where, config, command)
    return "\n".join(lines) + "\n"


def qr_code(url: str) -> str:
    """The address for a phone's camera, in half-block characters without colours."""
    text = io.StringIO()
    segno.make(url, micro=False, error="l").terminal(text, compact=True, border=2)
    return "\n".join(f"  {line}" for line in text.getvalue().splitlines())


def _moved(port: int | None, asked: int) -> str:
    if port is None or asked in (0, port):
        return ""
    return f" ({asked} is in use by another program)"


def _about_network(where: Listening) -> list[str]:
    if where.is_secure:
        return [
            "The certificate was made on this machine and nobody vouches for it, so each browser asks once",
            "whether to go on.",
        ]
    if where.network:
        return [
            "Browsers on other machines get no camera and no microphone over plain HTTP: use --https, or put",
            "a proxy in front that speaks it.",
        ]
    return ["Other machines cannot connect; let them in with --https --host 0.0.0.0."]


def _next_step(where: Listening, config: Config, command: str) -> list[str]:
    url = where.local.rstrip("/")
    token = "" if config.server.dev else " --token TOKEN"
    lines = [
        "Try: open the first address in two browser windows and enter the same room. Or from a terminal:",
        f"  {command} chat {url} demo --name ana{token}",
    ]
    if config.server.dev:
        everybody = "Everybody who can reach this machine" if config.server.allow_insecure else "Programs"
        lines.append(f"{everybody} may connect without a token (--dev).")
    elif not config.server.tokens:
        lines.append(
            "Programs cannot connect yet: start with --token TOKEN, or on your own machine with --dev."
        )
    lines.append("Ctrl-C stops.")
    return lines
