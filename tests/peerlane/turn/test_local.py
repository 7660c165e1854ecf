"""What a TURN server of this machine is told."""

from __future__ import annotations

import socket
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from peerlane.turn.coturn import TurnError, free_port
from peerlane.turn.here import LOOPBACK, Here, here, primary
from peerlane.turn.local import kept_secret, local_settings, local_urls, toml
from peerlane.turn.settings import Settings, problems
from signaling.addresses import lan_addresses
from signaling.state_dir import StateDir

ON_LOOPBACK = Here([LOOPBACK], [LOOPBACK])
SECRET = ["0123456789abcdef" * 4]


@pytest.fixture
def taken() -> Iterator[int]:
    """A UDP port of loopback that somebody has."""
    with socket.socket(type=socket.SOCK_DGRAM) as theirs:
        theirs.bind((LOOPBACK, 0))
        yield theirs.getsockname()[1]


def test_a_port_must_be_free_for_udp_and_tcp(taken: int) -> None:
    assert free_port([LOOPBACK], taken, 1) is None
    assert free_port([LOOPBACK], taken) != taken


def test_a_port_that_was_asked_for_and_is_taken_is_told(taken: int) -> None:
    with pytest.raises(TurnError, match=f"port {taken} is in use"):
        local_settings(ON_LOOPBACK, taken, SECRET, "4.6", next_free=False)
    assert local_settings(ON_LOOPBACK, taken, SECRET, "4.6").port > taken


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(TurnError, match=r"cannot listen at 198\.51\.100\.77 port 3480"):
        free_port(["198.51.100.77"], 3480)


def test_the_settings_of_this_machine_have_no_problems() -> None:
    for host in ("::", "0.0.0.0", "127.0.0.1", "localhost"):
        assert problems(local_settings(here(host), 3480, SECRET, "4.6")) == []


def test_a_server_for_this_machine_listens_on_loopback_and_relays_elsewhere_if_it_can() -> None:
    found = here("127.0.0.1")
    assert found.listening == [LOOPBACK]
    assert found.relaying == (primary(lan_addresses())[:1] or [LOOPBACK])


def test_a_server_for_all_is_on_addresses_that_others_reach() -> None:
    reachable = lan_addresses() or [LOOPBACK]
    assert set(here("::").listening) <= set(reachable)
    assert not [address for address in here("0.0.0.0").listening if ":" in address]


def test_one_address_of_each_family_is_enough() -> None:
    assert primary(["10.9.9.9", "10.9.9.8", "fd09::9", "fd09::8"]) == ["10.9.9.9", "fd09::9"]
    assert primary([]) == []


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    made = kept_secret(state)
    assert len(made[0]) == 64
    assert kept_secret(state) == made
    assert stat.S_IMODE((state.path / "turn.secret").stat().st_mode) == 0o600


def test_an_empty_secret_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "turn.secret").write_text("\n")
    with pytest.raises(TurnError, match="is empty; remove it"):
        kept_secret(StateDir(tmp_path))


def test_what_it_says_about_itself_is_what_a_signaling_server_reads() -> None:
    settings = Settings("peerlane", SECRET, listening_ips=["10.0.0.7", "fd00::7"], port=3480)
    (entry,) = tomllib.loads(toml(settings, '/a "b"/turn.secret'))["ice"]["turn"]
    assert entry == {
        "urls": [
            "turn:10.0.0.7:3480?transport=udp",
            "turn:[fd00::7]:3480?transport=udp",
            "turn:10.0.0.7:3480?transport=tcp",
            "turn:[fd00::7]:3480?transport=tcp",
        ],
        "secret_file": '/a "b"/turn.secret',
    }


def test_with_a_certificate_it_is_asked_by_its_name() -> None:
    settings = Settings("turn.example.org", SECRET, listening_ips=["10.0.0.7"], certificate="/a", key="/a")
    assert local_urls(settings)[-1] == "turns:turn.example.org:443?transport=tcp"
