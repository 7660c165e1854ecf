"""Where the templates of a TURN server's files are."""

from __future__ import annotations

from pathlib import Path

TEMPLATE = "turnserver.conf.template"


def folder() -> Path:
    """``turn-config``: beside the packages in a checkout, inside this one when installed.

    Raises FileNotFoundError when the installation is not whole.
    """
    here = Path(__file__).resolve().parent
    for candidate in (here / "turn-config", here.parent.parent / "turn-config"):
        if (candidate / TEMPLATE).is_file():
            return candidate
    raise FileNotFoundError(f"{here / 'turn-config'} is missing; install peerlane anew")


def read(name: str) -> str:
    """The text of one of them."""
    return (folder() / name).read_text(encoding="utf-8")
