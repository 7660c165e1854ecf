"""How near the process is to its end."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap

import pytest

from signaling.pressure import ENOUGH, SHORT, SPARE_FILES, Pressure, give_back_memory

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell")


def used_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_a_process_with_room_is_short_of_nothing() -> None:
    pressure = Pressure()
    pressure.look()
    assert pressure.shortage is None
    assert 0.0 < pressure.memory_share < 0.5
    assert pressure.files_left == SPARE_FILES


def test_near_its_own_limit_memory_is_short() -> None:
    pressure = Pressure(int(used_bytes() / 0.95))
    pressure.look()
    assert pressure.shortage == "memory"


def test_between_the_marks_it_stays_what_it_was() -> None:
    between = (SHORT + ENOUGH) / 2
    pressure = Pressure(int(used_bytes() / between))
    pressure.look()
    assert pressure.shortage is None
    pressure.shortage = "memory"
    pressure.look()
    assert pressure.shortage == "memory"


def in_a_process_of_its_own(program: str) -> str:
    """Limits of a process cannot be taken back."""
    source = "from signaling.pressure import Pressure\nimport os, resource\n" + textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-c", source], check=True, capture_output=True, text=True, timeout=30
    ).stdout


def test_the_limit_of_the_system_on_addresses_counts() -> None:
    said = in_a_process_of_its_own("""
        mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        pressure = Pressure()
        for allowed in (mapped * 4, int(mapped * 1.1)):
            resource.setrlimit(resource.RLIMIT_AS, (allowed, resource.RLIM_INFINITY))
            pressure.look()
            print(pressure.shortage)
    """)
    assert said.split() == ["None", "memory"]


def test_files_are_short_before_there_are_none_and_not_short_when_some_are_closed() -> None:
    said = in_a_process_of_its_own("""
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        pressure, opened = Pressure(), []
        pressure.look()
        print(pressure.shortage, pressure.files_left)
        try:
            while True:
                opened.append(os.open(os.devnull, os.O_RDONLY))
                pressure.look()
                if pressure.shortage is not None and len(opened) % 10 == 0:
                    last = pressure.files_left
        except OSError:
            pressure.look()
        print(pressure.shortage, pressure.files_left, 0 < last < 32)
        for each in opened[10:]:
            os.close(each)
        pressure.look()
        print(pressure.shortage)
    """)
    assert said.splitlines() == ["None 32", "files 0 True", "None"]


def test_freed_memory_is_given_back() -> None:
    said = in_a_process_of_its_own("""
        from signaling.pressure import give_back_memory
        def used():
            return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
        kept = [bytes(3_000) for _ in range(30_000)]
        barrier = bytes(100)
        full = used()
        del kept
        give_back_memory()
        print(full - used() > 50_000_000)
    """)
    assert said.strip() == "True"
    give_back_memory()
