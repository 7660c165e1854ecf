"""import-linter checks the floors; this checks that its contracts know the whole house."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def contract(name: str) -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for found in settings["tool"]["importlinter"]["contracts"]:
        if found["name"] == name:
            return list(found["forbidden_modules"])
    raise AssertionError(f"there is no contract called {name!r}")


def test_the_bridge_is_closed_to_everything_of_the_server_but_the_protocol() -> None:
    modules = {
        f"signaling.{path.stem}"
        for path in (ROOT / "signaling").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    closed = set(contract("the protocol is the only bridge from the peer library to the server"))
    assert modules - closed == {"signaling.__init__", "signaling.protocol"}


def test_package_roots_are_empty() -> None:
    for package in ("signaling", "peer", "peerlane"):
        for root in (ROOT / package).rglob("__init__.py"):
            assert root.read_text() == "", f"{root.relative_to(ROOT)} does something when it is imported"
