"""The command as a whole: quick to ask for help, and plain about mistakes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from peerlane.__main__ import run


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for command in ("serve", "chat", "call", "nat", "turn", "token", "bench"):
        assert command in text


def test_asking_for_help_loads_neither_the_server_nor_the_peers() -> None:
    code = (
        "import sys; from peerlane.__main__ import run; run(['--help']);"
        "sys.exit(bool({'aiohttp', 'aiortc', 'msgspec', 'cryptography', 'jwt'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.strip().count(".") == 2


@pytest.mark.parametrize("arguments", [["sreve"], ["serve", "--prot", "1"], ["serve", "--port", "http"]])
def test_what_is_not_understood_is_exit_code_2(arguments: list[str]) -> None:
    assert run(arguments) == 2


def test_an_unexpected_error_is_one_line_and_a_traceback_only_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerlane.serve.load", lambda *_: 1 / 0)
    assert run(["serve"]) == 1
    told = capsys.readouterr().err
    assert "ZeroDivisionError" in told
    assert told.count("\n") == 1
    with pytest.raises(ZeroDivisionError):
        run(["serve", "--debug"])
