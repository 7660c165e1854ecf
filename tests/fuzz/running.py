"""One target after the other, each in a process of its own, and what is kept of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.fuzz import corpus
from tests.fuzz.worker import Finding, Order, Result

ROOT = Path(__file__).parents[2]
PATIENCE = 1_800.0
"""Seconds for one target, whatever it does."""


class Row(NamedTuple):
    target: str
    engine: str
    seed: int
    inputs: int
    seconds: float
    corpus: int
    findings: list[str]

    def line(self) -> str:
        cells = (
            self.target, self.engine, self.seed, f"{self.inputs:,}", f"{self.seconds:.1f}",
            self.corpus, len(self.findings),
        )  # fmt: skip
        return f"| {' | '.join(str(cell) for cell in cells)} |"


def run(module: str, name: str, seed: int, seconds: float, engine: str, folder: Path, findings: Path) -> Row:
    """Feed it, keep what led somewhere new, and what was wrong."""
    with tempfile.TemporaryDirectory(prefix="peerlane-fuzz-") as place:
        return _run(Path(place), module, name, seed, seconds, engine, folder, findings)


def target_names(module: str) -> list[str]:
    return _ask(["names", module]).split()


def _run(
    place: Path, module: str, name: str, seed: int, seconds: float, engine: str, folder: Path, findings: Path
) -> Row:
    for each in ("new", "artifacts"):
        (place / each).mkdir()
    known = corpus.load(folder, name)
    order = Order(
        module=module,
        target=name,
        seed=seed,
        seconds=seconds,
        folder=str(place / "new"),
        result=str(place / "result"),
        inputs=known,
        engine=engine,
    )
    (place / "order").write_bytes(msgspec.msgpack.encode(order))
    log = place / "log"
    started = time.monotonic()
    with log.open("wb") as out:
        try:
            code = subprocess.run(
                [sys.executable, "-m", "tests.fuzz.worker", str(place / "order")],
                stdout=out, stderr=out, cwd=ROOT, timeout=PATIENCE, check=False,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            code = -1
    result = _result(place)
    result.findings += _crashes(place, code, log)
    if result.findings:
        old = corpus.load(findings, name)
        corpus.save(findings, name, [*old, *(each.data for each in result.findings)])
    kept = _keep(place, module, name, folder)
    traces = [each.trace for each in result.findings]
    return Row(name, engine, seed, result.count, time.monotonic() - started, kept, traces)


def _result(place: Path) -> Result:
    path = place / "result"
    return msgspec.msgpack.decode(path.read_bytes(), type=Result) if path.exists() else Result(findings=[])


def _crashes(place: Path, code: int, log: Path) -> list[Finding]:
    """What has ended the process itself, or hung, or eaten all memory."""
    if code == 0:
        return []
    artifacts = sorted((place / "artifacts").iterdir())
    ending = f"the process ended with {code}\n{log.read_text(errors='replace')[-2_000:]}"
    return [Finding(path.read_bytes(), f"{path.name}: {ending}") for path in artifacts] or [
        Finding(b"", ending)
    ]


def _keep(place: Path, module: str, name: str, folder: Path) -> int:
    """The corpus is what it was and what is new, without what leads nowhere."""
    found = [path.read_bytes() for path in (place / "new").iterdir()]
    (place / "found").write_bytes(msgspec.msgpack.encode(found))
    _ask(["reduce", module, name, str(place / "found"), str(folder)])
    return len(corpus.load(folder, name))


def _ask(arguments: list[str]) -> str:
    """In a process of its own too: importing all of the product is of no use here."""
    asked = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.reduction", *arguments],
        capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    return asked.stdout
