"""``peerlane turn config``: what it prints, what it writes, and what it says about bad input."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from peerlane.__main__ import run
from peerlane.turn.coturn import USER, is_user
from peerlane.turn.files import SET
from signaling.settings import load
from tests import needs

SECRET = "0123456789abcdef" * 4


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def configure(secret_file: Path, *arguments: str, domain: str = "turn.example.org") -> int:
    return run(["turn", "config", "--domain", domain, "--secret-file", str(secret_file), *arguments])


@pytest.fixture
def written(secret_file: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "made" / "turn"
    addresses = ("--external-ip", "198.51.100.7/10.0.0.7", "--external-ip", "2001:db8::7/fd00::7")
    assert configure(secret_file, *addresses, "--email", "ana@example.org", "-o", str(folder)) == 0
    return folder


def test_the_configuration_is_printed(secret_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert configure(secret_file, "--external-ip", "198.51.100.7/10.0.0.7", "--coturn", "4.13") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "external-ip=198.51.100.7/10.0.0.7" in lines
    assert f"static-auth-secret={SECRET}" in lines
    assert "no-cli" not in lines


def test_two_secrets_are_taken_while_one_replaces_the_other(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret_file.write_text(f"{SECRET[::-1]}\n\n  {SECRET}  \n")
    assert configure(secret_file) == 0
    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("static-auth-secret=")]
    assert found == [f"static-auth-secret={SECRET[::-1]}", f"static-auth-secret={SECRET}"]


def test_without_tls_there_is_none(secret_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert configure(secret_file, "--no-tls") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "no-tls" in lines
    assert not [line for line in lines if line.startswith(("cert=", "pkey=", "tls-listening-port="))]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--external-ip", "nowhere"), "'nowhere' is no address"),
        (("--certificate", "here.pem"), "must begin with /"),
        (("--allow", "10.0.0.0/8"), "neither an address nor FIRST-LAST"),
        (("--coturn", "4.5"), "4.5"),
    ],
)
def test_bad_input_is_told_with_exit_code_2(
    secret_file: Path, arguments: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert configure(secret_file, *arguments) == 2
    told = capsys.readouterr()
    assert problem in told.err + told.out
    assert "static-auth-secret" not in told.out


def test_a_domain_that_is_no_name_is_told(secret_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert configure(secret_file, domain="198.51.100.7") == 2
    assert "'198.51.100.7' is not the name of a machine" in capsys.readouterr().err


def test_a_secret_file_that_is_missing_empty_or_short_is_told(
    tmp_path: Path, secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert configure(tmp_path / "nothing") == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
    secret_file.write_text("\n")
    assert configure(secret_file) == 2
    assert "There is no secret" in capsys.readouterr().err
    secret_file.write_text("sesame\n")
    assert configure(secret_file) == 2
    told = capsys.readouterr().err
    assert "too short" in told
    assert "sesame" not in told
    secret_file.write_bytes(b"\xff\xfe" * 32)
    assert configure(secret_file) == 2
    assert "it is not text" in capsys.readouterr().err


def test_a_secret_that_everybody_can_read_is_worth_a_warning(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(secret_file, "--external-ip", "127.0.0.1")
    assert "can read" not in capsys.readouterr().err
    secret_file.chmod(0o644)
    assert configure(secret_file) == 0
    assert f"everybody on this machine can read {secret_file}" in capsys.readouterr().err


def test_what_is_missing_or_dangerous_is_worth_a_warning(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert configure(secret_file) == 0
    assert "no address is named" in capsys.readouterr().err
    assert configure(secret_file, "--external-ip", "192.88.98.7", "--allow", "10.0.0.1") == 0
    told = capsys.readouterr().err
    assert "write 192.88.98.7/PRIVATE" in told
    assert "everybody with credentials can reach 10.0.0.1" in told


def test_the_whole_set_is_written_and_only_the_owner_reads_the_secret(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(file.name for file in SET)
    for path in written.iterdir():
        text = path.read_text()
        assert "{{" not in re.sub(r"\$\{.*?\}", "", text), f"{path.name} has a place that nobody has filled"
        assert (SECRET in text) == (path.name == "turnserver.conf")
        assert "turn.example.org" in text
    mode = stat.S_IMODE((written / "turnserver.conf").stat().st_mode)
    assert mode & 0o137 == 0
    assert os.access(written / "renew-certificate.sh", os.X_OK)


def test_it_can_be_written_again(written: Path, secret_file: Path) -> None:
    secret_file.write_text(SECRET[::-1])
    assert configure(secret_file, "-o", str(written)) == 0
    assert SECRET[::-1] in (written / "turnserver.conf").read_text()


def test_a_folder_that_cannot_be_written_is_told(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert configure(secret_file, "-o", str(secret_file)) == 1
    assert "cannot write into" in capsys.readouterr().err


def test_the_signaling_server_gets_lines_that_it_understands(written: Path, secret_file: Path) -> None:
    lines = (written / "turn.env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line.startswith("PEERLANE_"))
    entries = json.loads(given["PEERLANE_ICE_TURN"].strip("'"))
    entries[0]["secret_file"] = str(secret_file)
    settings = load(None, {**given, "PEERLANE_ICE_TURN": json.dumps(entries)}, {})
    assert settings.config.ice.turn_lifetime == 7_200.0
    assert settings.config.ice.turn[0].urls == [
        "turn:turn.example.org:3478?transport=udp",
        "turn:turn.example.org:3478?transport=tcp",
        "turns:turn.example.org:443?transport=tcp",
    ]


def test_the_readme_says_which_ports_and_how_to_get_a_certificate(written: Path) -> None:
    text = (written / "README.md").read_text()
    assert "| 443 TCP |" in text
    assert "| 49152 to 65535 UDP |" in text
    assert "--email ana@example.org" in text
    assert "peerlane turn audit turn:turn.example.org:3478" in text


def checked(program: str, *arguments: str) -> None:
    path = needs.program(program)
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        needs.lacking(f"{program} needs to be root", is_package=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hook_is_a_script(written: Path) -> None:
    subprocess.run(["sh", "-n", str(written / "renew-certificate.sh")], check=True)


def test_the_hook_leaves_other_certificates_alone(written: Path) -> None:
    hook = written / "renew-certificate.sh"
    environment = {
        "PATH": os.environ["PATH"],
        "RENEWED_DOMAINS": "www.example.org",
        "RENEWED_LINEAGE": str(written),
    }
    done = subprocess.run([str(hook)], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_firewall_is_understood(written: Path) -> None:
    if not is_user(USER):
        needs.lacking("there is no user turnserver, whom coturn's package makes")
    checked("nft", "-c", "-f", str(written / "firewall.nft"))


def test_the_unit_is_understood(written: Path) -> None:
    if not Path("/usr/bin/turnserver").exists():
        needs.lacking("coturn is not installed where Debian has it")
    checked("systemd-analyze", "verify", "--man=no", str(written / "coturn.service"))
