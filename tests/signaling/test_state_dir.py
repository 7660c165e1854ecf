"""What is kept between two starts is kept whole, and from other people."""

from __future__ import annotations

from pathlib import Path

import pytest

from signaling.state_dir import StateDir, state_dir_path


def test_the_ticket_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    key = StateDir(tmp_path / "state").ticket_key()
    assert len(key) == 32
    assert StateDir(tmp_path / "state").ticket_key() == key


def test_two_state_dirs_have_two_keys(tmp_path: Path) -> None:
    assert StateDir(tmp_path / "one").ticket_key() != StateDir(tmp_path / "other").ticket_key()


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    state.ticket_key()
    assert state.path.stat().st_mode & 0o777 == 0o700
    assert (state.path / "ticket.key").stat().st_mode & 0o777 == 0o600


def test_nothing_but_the_key_is_left_behind(tmp_path: Path) -> None:
    StateDir(tmp_path).ticket_key()
    assert [path.name for path in tmp_path.iterdir()] == ["ticket.key"]


def test_a_damaged_key_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "ticket.key").write_bytes(b"half")
    with pytest.raises(OSError, match="remove it"):
        StateDir(tmp_path).ticket_key()


def test_what_is_written_replaces_what_was_there(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    assert state.read("note") is None
    state.write("note", b"one")
    state.write("note", b"two")
    assert state.read("note") == b"two"


def test_the_directory_is_the_configured_one_or_where_xdg_says() -> None:
    assert state_dir_path("/srv/state", {}) == Path("/srv/state")
    assert state_dir_path("", {"XDG_STATE_HOME": "/var/state"}) == Path("/var/state/peerlane")
    assert state_dir_path("", {"XDG_STATE_HOME": "relative"}) == Path.home() / ".local/state/peerlane"
