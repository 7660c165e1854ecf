"""``peerlane turn config``: the files of a hardened TURN server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from peerlane.turn import files
from peerlane.turn.rendering import rendered
from peerlane.turn.settings import Settings, mappings, problems


class ConfigError(ValueError):
    """The settings make no server; ``problems`` has one sentence for each thing that is wrong."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("\n".join(found))
        self.problems = found


def render(settings: Settings, template: str = files.TEMPLATE) -> str:
    """One of the files for this server, by default ``turnserver.conf``.

    Raises ConfigError with everything that is wrong.
    """
    found = problems(settings)
    if found:
        raise ConfigError(found)
    return rendered(files.read(template), values(settings), marks(settings))


def values(settings: Settings) -> Mapping[str, Sequence[str]]:
    """What stands at the places of the templates."""
    addresses = mappings(settings)
    own = [str(address.own) for address in addresses]
    return {
        "title": [f"coturn {_versions(settings)} as the TURN server {settings.domain}."],
        "secret": settings.secrets,
        "domain": [settings.domain],
        "user_quota": [str(settings.user_quota)],
        "total_quota": [str(settings.total_quota)],
        "max_bytes_per_second": _unless_zero(settings.max_bytes_per_second),
        "listening_ip": settings.listening_ips or own,
        "relay_ip": own,
        "mapped_ip": [f"{each.public}/{each.own}" for each in addresses if each.public != each.own],
        "port": [str(settings.port)],
        "tls_port": [str(settings.tls_port)],
        "certificate": [settings.certificate],
        "key": [settings.key],
        "min_port": [str(settings.min_port)],
        "max_port": [str(settings.max_port)],
        "metrics_port": _unless_zero(settings.metrics_port),
        "allowed_peer": [*own, *settings.allowed_peers],
    }


def marks(settings: Settings) -> set[str]:
    """Which of the templates' marked lines are for this server."""
    found = {settings.coturn, "tls" if settings.certificate else "no-tls"}
    if settings.coturn == "4.13" and settings.metrics_port:
        found.add("metrics")
    if any(each.own.is_loopback for each in mappings(settings)):
        found.add("loopback")
    return found


def _versions(settings: Settings) -> str:
    return "4.6" if settings.coturn == "4.6" else "4.13 and later"


def _unless_zero(number: int) -> list[str]:
    return [str(number)] if number else []
