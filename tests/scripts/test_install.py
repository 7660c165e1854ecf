"""The installers on machines that lack something, with stand-ins for the programs of such a machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("sh", "dirname", "cat", "cksum", "rm", "id")

OLD_PYTHON = "exit 1"
PYTHON_WITHOUT_VENV = 'case "$*" in *ensurepip*) exit 1 ;; esac'
NOT_ROOT = "echo 1000"


class Machine:
    """A checkout and a PATH with nothing but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self._bin = folder / "bin"
        self._bin.mkdir()
        self.checkout.mkdir()
        shutil.copytree(ROOT / "scripts", self.checkout / "scripts")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.checkout)
        for name in NEEDED:
            program = shutil.which(name)
            assert program is not None
            (self._bin / name).symlink_to(program)

    def has(self, name: str, script: str) -> None:
        path = self._bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.checkout,
            env={"PATH": str(self._bin), "HOME": os.devnull},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_without_python_is_told_what_to_install(machine: Machine) -> None:
    done = machine.run("scripts/install", "run")
    assert done.returncode == 1
    assert "apt-get install python3" in done.stderr


def test_a_python_that_is_too_old_does_not_count(machine: Machine) -> None:
    machine.has("python3", OLD_PYTHON)
    done = machine.run("scripts/install", "run")
    assert done.returncode == 1
    assert "3.11 or newer" in done.stderr


def test_without_the_venv_package_and_without_root_the_exact_line_is_shown(machine: Machine) -> None:
    machine.has("python3.11", PYTHON_WITHOUT_VENV)
    machine.has("id", NOT_ROOT)
    done = machine.run("scripts/install", "run")
    assert done.returncode == 1
    assert "sudo apt-get install -y python3-venv" in done.stderr
    assert not (machine.checkout / ".venv").exists()


def test_test_programs_that_are_missing_are_named_and_nothing_fails(machine: Machine) -> None:
    machine.has("id", NOT_ROOT)
    done = machine.run("scripts/install-system")
    assert done.returncode == 0
    assert "missing" in done.stdout
    assert "chromium" in done.stdout
    assert "sudo apt-get install" in done.stdout


def test_a_second_installation_does_nothing(machine: Machine) -> None:
    fingerprint = subprocess.run(
        ["sh", "-c", "cat pyproject.toml constraints.txt | cksum"],
        cwd=machine.checkout,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    python = machine.checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    (machine.checkout / ".venv" / ".installed-run").write_text(f"{fingerprint}\n")
    done = machine.run("scripts/install", "run")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
