"""The flags of ``peerlane serve`` and what it answers without serving."""

from __future__ import annotations

from pathlib import Path

import pytest

from peerlane.__main__ import run
from signaling.listening import listen, port_of


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PEERLANE_SERVER_PORT", "PEERLANE_SERVER_HOST"):
        monkeypatch.delenv(name, raising=False)


def test_settings_in_order_are_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--check-config"]) == 0
    assert "in order" in capsys.readouterr().out


def test_settings_that_are_wrong_are_told_with_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "peerlane.toml"
    path.write_text("[limits]\nmax_room = 3\n")
    assert run(["serve", "--check-config", "--config", str(path), "--port", "70000"]) == 2
    told = capsys.readouterr().err
    assert "Did you mean limits.max_rooms?" in told
    assert "server.port (flag --port)" in told


def test_every_value_is_shown_with_its_origin(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "peerlane.toml"
    path.write_text("[limits]\nmax_rooms = 3\n")
    monkeypatch.setenv("PEERLANE_SERVER_HOST", "::1")
    arguments = ["--config", str(path), "--port", "9000", "--token", "a" * 20, "--token", "b" * 20, "--dev"]
    assert run(["serve", "--show-config", *arguments]) == 0
    lines = {line.split(" = ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["max_rooms"].endswith(f"# file {path}")
    assert lines["host"].endswith("# env PEERLANE_SERVER_HOST")
    assert lines["port"].endswith("# flag --port")
    assert lines["dev"].startswith("dev = true")
    assert lines["grace"].endswith("# default")
    assert "aaaa" not in lines["tokens"]
    assert lines["tokens"].count("****") == 4


def test_https_is_for_everyone_unless_a_host_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    run(["serve", "--show-config", "--https"])
    assert 'host = "0.0.0.0"' in capsys.readouterr().out
    run(["serve", "--show-config", "--https", "--host", "192.168.1.7"])
    assert 'host = "192.168.1.7"' in capsys.readouterr().out
    run(["serve", "--show-config", "--no-https"])
    assert 'host = "127.0.0.1"' in capsys.readouterr().out


def test_a_named_port_in_use_is_an_error_that_names_the_flag(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    taken = listen(["127.0.0.1"], 0)
    try:
        arguments = ["--port", str(port_of(taken)), "--stun-port", "0", "--state-dir", str(tmp_path)]
        assert run(["serve", *arguments]) == 1
        told = capsys.readouterr().err
        assert f"port {port_of(taken)} is in use" in told
        assert "--port" in told
        assert "Traceback" not in told
    finally:
        for each in taken:
            each.close()


def test_a_state_directory_that_cannot_be_used_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert run(["serve", "--port", "0", "--state-dir", str(tmp_path / "file" / "state")]) == 1
    assert "cannot serve" in capsys.readouterr().err
