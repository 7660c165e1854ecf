"""``make fuzz`` finds what is wrong, keeps it, and says so."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.__main__ import main

PLANTED = ("tests.fuzz.planted",)
QUICK = ["--seconds", "0.3", "--seed", "5"]
ENGINES = [
    "random",
    pytest.param(
        "atheris",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("atheris") is None, reason="atheris is not installed"
        ),
    ),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fault_is_found_kept_and_told(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, "--engine", engine, "planted_fault"], PLANTED, tmp_path) == 1
    told = capsys.readouterr().out
    assert f"| planted_fault | {engine} | 5 |" in told
    assert "ZeroDivisionError: a planted fault" in told
    (found, *_) = corpus.load(tmp_path / "findings", "planted_fault")
    assert found.startswith(b"{")
    assert b"}" in found


def test_what_takes_too_long_when_it_is_long_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, "--engine", "random", "planted_slow"], PLANTED, tmp_path) == 1
    assert "s of a processor" in capsys.readouterr().out


def test_without_a_fault_it_goes_on_to_the_number_that_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--seconds", "0", "--engine", "random", "planted_nothing"], PLANTED, tmp_path) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| planted_nothing"))
    assert int(row.split("|")[4].replace(",", "")) >= 3_000
    assert corpus.load(tmp_path, "planted_nothing") == [b"a"]
    assert not (tmp_path / "findings").exists()
