"""What stands at the places of the templates for one server, and which of their marked lines it has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from peerlane.turn.settings import Settings, mappings

SECRET_FILE = "/etc/peerlane/turn.secret"
"""Where the signaling server has the secret, in what is said about it."""


def values(settings: Settings) -> Mapping[str, Sequence[str]]:
    """By the name of the place: a text for each line that it is in. Of settings without problems."""
    addresses = mappings(settings)
    own = [str(each.own) for each in addresses]
    return {
        **_plain(settings),
        "versions": [versions(settings)],
        "secret": settings.secrets,
        "max_bytes_per_second": _unless_zero(settings.max_bytes_per_second),
        "metrics_port": _unless_zero(settings.metrics_port),
        "listening_ip": settings.listening_ips or own,
        "relay_ip": own,
        "mapped_ip": [f"{each.public}/{each.own}" for each in addresses if each.public != each.own],
        "allowed_peer": [*own, *settings.allowed_peers],
        "own_v4": [str(each.own) for each in addresses if each.own.version == 4],
        "own_v6": [str(each.own) for each in addresses if each.own.version == 6],
    }


def _plain(settings: Settings) -> dict[str, list[str]]:
    """What is there exactly once."""
    has_tls = bool(settings.certificate)
    ports = [settings.port, settings.tls_port] if has_tls else [settings.port]
    entry = {"urls": urls(settings), "secret_file": SECRET_FILE}
    names = ("domain", "user_quota", "total_quota", "port", "tls_port", "certificate", "key")
    return {
        **{name: [str(getattr(settings, name))] for name in (*names, "min_port", "max_port")},
        "tls_folder": [str(PurePosixPath(settings.certificate).parent)],
        "client_ports": [", ".join(map(str, ports))],
        "relay_ports": [f"{settings.max_port - settings.min_port + 1:,}"],
        "files": [str(max(16_384, 4 * settings.total_quota))],
        "image": [f"coturn/coturn:{'4.6' if settings.coturn == '4.6' else '4.17'}"],
        "ice_turn": [json.dumps([entry])],
        "certbot_email": [
            f"--email {settings.email}" if settings.email else "--register-unsafely-without-email"
        ],
    }


def marks(settings: Settings) -> set[str]:
    """Which of the templates' marked lines are for this server."""
    own = [each.own for each in mappings(settings)]
    found = {settings.coturn, "tls" if settings.certificate else "no-tls"}
    found |= {f"own{address.version}" for address in own}
    if settings.coturn == "4.13" and settings.metrics_port:
        found.add("metrics")
    if any(address.is_loopback for address in own):
        found.add("loopback")
    return found


def urls(settings: Settings) -> list[str]:
    """How clients are to ask it, the fastest way first."""
    found = [f"turn:{settings.domain}:{settings.port}?transport={each}" for each in ("udp", "tcp")]
    if settings.certificate:
        found.append(f"turns:{settings.domain}:{settings.tls_port}?transport=tcp")
    return found


def versions(settings: Settings) -> str:
    """Of coturn, in words."""
    return "4.6" if settings.coturn == "4.6" else "4.13 and later"


def _unless_zero(number: int) -> list[str]:
    return [str(number)] if number else []
