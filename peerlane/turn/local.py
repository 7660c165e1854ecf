"""What a TURN server of this machine is told: its addresses, a free port, and a secret that stays."""

from __future__ import annotations

import json
import secrets
from typing import Literal

from peerlane.turn.config import read_secrets
from peerlane.turn.coturn import TurnError, free_port
from peerlane.turn.here import Here
from peerlane.turn.settings import MIN_SECRET, Settings
from signaling.addresses import url_host
from signaling.state_dir import StateDir

SECRET_FILE = "turn.secret"
REALM = "peerlane"


def local_settings(
    where: Here, port: int, secret: list[str], version: Literal["4.6", "4.13"], *, next_free: bool = True
) -> Settings:
    """For a server at these addresses, at this port or the next free one. Raises TurnError."""
    free = free_port(where.listening, port, 20 if next_free else 1)
    if free is None:
        last = f" to {port + 19}" if next_free else ""
        raise TurnError(f"port {port}{last} is in use by another program, for UDP or for TCP")
    return Settings(
        domain=REALM,
        secrets=secret,
        coturn=version,
        external_ips=where.relaying,
        listening_ips=where.listening,
        port=free,
        # In one's own network nobody needs to be slowed down, and Prometheus' port may be another's.
        max_bytes_per_second=0,
        metrics_port=0,
    )


def kept_secret(state: StateDir) -> list[str]:
    """The secret in the state directory, made on the first call.

    Raises OSError, or TurnError for an empty file.
    """
    if state.read(SECRET_FILE) is None:
        state.write(SECRET_FILE, f"{secrets.token_hex(MIN_SECRET)}\n".encode())
    path = state.path / SECRET_FILE
    found = read_secrets(path)
    if not found:
        raise TurnError(f"{path} is empty; remove it, and a new one is made")
    return found


def local_urls(settings: Settings) -> list[str]:
    """How it is asked, UDP first; with a certificate over TLS too."""
    hosts = [url_host(address) for address in settings.listening_ips]
    found = [f"turn:{host}:{settings.port}?transport={way}" for way in ("udp", "tcp") for host in hosts]
    if settings.certificate:
        # Clients compare the name with the certificate's.
        names = hosts if settings.domain == REALM else [settings.domain]
        found += [f"turns:{name}:{settings.tls_port}?transport=tcp" for name in names]
    return found


def toml(settings: Settings, secret_file: str) -> str:
    """What the settings file of a signaling server needs so that its clients hear of it."""
    return (
        f"[[ice.turn]]\nurls = {json.dumps(local_urls(settings))}\nsecret_file = {json.dumps(secret_file)}\n"
    )
