"""The inputs that are kept: a file for each target, a line for each input, in ASCII that people can read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
FINDINGS = Path(__file__).parent / "findings"
"""What has once been wrong; it stays, and is run with every test."""


def load(folder: Path, target: str) -> list[bytes]:
    """In the order of the file; none when there is no file."""
    path = folder / f"{target}.txt"
    if not path.exists():
        return []
    return [read(line) for line in path.read_text("ascii").splitlines()]


def save(folder: Path, target: str, inputs: Iterable[bytes]) -> None:
    """The shortest first, each once."""
    folder.mkdir(exist_ok=True)
    kept = sorted(set(inputs), key=lambda data: (len(data), data))
    (folder / f"{target}.txt").write_text("".join(f"{write(data)}\n" for data in kept), "ascii")


def write(data: bytes) -> str:
    """As the inside of a Python literal of bytes."""
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")


def read(line: str) -> bytes:
    return line.encode("ascii").decode("unicode_escape").encode("latin-1")
