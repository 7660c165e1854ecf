"""The templates of a TURN server's files: where they are, and what each becomes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

CONF = "turnserver.conf"


class File(NamedTuple):
    """One of the set."""

    name: str
    mode: int
    """Who may do what with it; nobody but its owner with what holds the secret."""


SET = (
    File(CONF, 0o600),
    File("coturn.service", 0o644),
    File("compose.yaml", 0o644),
    File("firewall.nft", 0o644),
    File("renew-certificate.sh", 0o755),
    File("turn.env.example", 0o644),
    File("README.md", 0o644),
)


def folder() -> Path:
    """``turn-config``: beside the packages in a checkout, inside this one when installed.

    Raises FileNotFoundError when the installation is not whole.
    """
    here = Path(__file__).resolve().parent
    for candidate in (here / "turn-config", here.parent.parent / "turn-config"):
        if (candidate / f"{CONF}.template").is_file():
            return candidate
    raise FileNotFoundError(f"{here / 'turn-config'} is missing; install peerlane anew")


def template(name: str) -> str:
    """What the file of this name is made from."""
    return (folder() / f"{name}.template").read_text(encoding="utf-8")
