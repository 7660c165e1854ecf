from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.natlab.actors import ROOT
from tests.natlab.lab import Lab
from tests.natlab.namespaces import existing, remove_leftovers, run

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.needs("lab"),
]

BUILD_AND_WAIT = """
import subprocess, time
from tests.natlab.lab import Lab
with Lab() as lab:
    machine = lab.machine("ana", "10.1.0.2")
    inside = subprocess.Popen(machine.command("sleep", "60"))
    print(machine.namespace.name, inside.pid, lab.wire.pid, flush=True)
    time.sleep(60)
"""
PATIENCE = 10.0


def runs(pid: str) -> bool:
    """False also for one that has ended and that nobody has asked about."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False


def ours() -> set[str]:
    return {name for name in existing() if name.split(".")[1] == str(os.getpid())}


def test_nothing_is_left_of_a_lab_nor_of_what_ran_in_it() -> None:
    with Lab() as lab:
        machine = lab.machine("ana", "10.1.0.2")
        process = subprocess.Popen(machine.command("sleep", "60"))
        assert len(ours()) == 2
        deadline = time.monotonic() + PATIENCE
        while str(process.pid) not in run("ip", "netns", "pids", machine.namespace.name).split():
            # It begins outside.
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    assert ours() == set()


def test_two_labs_stand_side_by_side_with_the_same_names() -> None:
    with Lab() as one, Lab() as other:
        assert (
            one.machine("ana", "10.1.0.2").namespace.name != other.machine("ana", "10.1.0.2").namespace.name
        )


def test_what_a_crash_has_left_is_removed_by_whoever_comes_next() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUILD_AND_WAIT], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as crashing:
        assert crashing.stdout is not None
        name, inside, wire = crashing.stdout.readline().split()
        assert name in existing()
        assert name not in remove_leftovers()
        crashing.kill()
        crashing.wait(PATIENCE)
    with Lab():
        assert name not in existing()
    assert not runs(inside)
    # It ends with the one who gave the orders.
    assert not runs(wire)
