"""Where hostile tests play: a real server, a witness beside the attacker, and what the attack may cost."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec

from tests.end_to_end.conftest import ServerProcess, eventually
from tests.hostile.witness import INTERVAL, Account, Witness

IDLE = 1.0
"""Seconds that the witness is watched before anybody attacks."""
FREELY = {
    # All attacks come from one address, and most are about something else than how often.
    "PEERLANE_LIMITS_LINKS_PER_SECOND_PER_ADDRESS": "100000",
    "PEERLANE_LIMITS_LINKS_PER_ADDRESS": "100000",
    "PEERLANE_LIMITS_TOKEN_FAILURES_PER_MINUTE_PER_ADDRESS": "100000",
    "PEERLANE_LIMITS_BAD_TICKETS_PER_SECOND_PER_ADDRESS": "100000",
    "PEERLANE_LIMITS_LINKS_PER_SECOND": "100000",
    "PEERLANE_LIMITS_BYTES_PER_SECOND": "1000000000",
    "PEERLANE_LIMITS_BROADCASTS_PER_SECOND": "100000",
    "PEERLANE_LIMITS_BROADCASTS_BURST": "100000",
}


class Server(ServerProcess):
    """A server whose use of the machine is measured from outside."""

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def memory_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def mapped_bytes(self) -> int:
        """What ``RLIMIT_AS`` is about."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def peak_memory_bytes(self) -> int:
        """Since the last :meth:`forget_peak`."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1_024
        raise AssertionError("the kernel does not tell VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(**settings: str) -> Iterator[Server]:
    """A server with settings from the environment; its log is gone with it."""
    with tempfile.TemporaryDirectory(prefix="peerlane-hostile-") as folder:
        server = Server(Path(folder), FREELY | settings)
        server.start()
        try:
            yield server
        finally:
            server.close()


class Watched(msgspec.Struct):
    """A server and the witness in it, for as many attacks as there are."""

    server: Server
    witness: Witness
    idle: Account


@contextmanager
def watched() -> Iterator[Watched]:
    with running() as server:
        witness = Witness(server.url)
        try:
            witness.account()
            time.sleep(IDLE)
            yield Watched(server, witness, witness.account())
        finally:
            witness.close()


class Stage:
    """One attack: how large it is, and what was found."""

    def __init__(self, house: Watched, is_full: bool) -> None:
        self.server = house.server
        self.port = house.server.port
        self.is_full = is_full
        self._house = house
        self.figures: list[str] = []
        self._patience = 0.05
        self.waited = 0.0
        """By the witness, p99 in seconds; known afterwards."""

    def allow(self, seconds: float) -> None:
        """The witness may wait so long (p99): for an attack that costs more, and says why."""
        self._patience = seconds
        self.tell(f"allowed {seconds * 1e3:.0f} ms")

    def count(self, quick: int, full: int) -> int:
        """How many: ``full`` in ``make hostile``, ``quick`` among the other tests."""
        return full if self.is_full else quick

    def tell(self, figure: str) -> None:
        """For the table."""
        self.figures.append(figure)

    @contextmanager
    def memory_within(self, most_bytes: int) -> Iterator[None]:
        """What happens inside may take so much of the server's memory, at its peak."""
        self.server.forget_peak()
        before = self.server.peak_memory_bytes
        yield
        grown = self.server.peak_memory_bytes - before
        assert grown < most_bytes
        self.tell(f"memory +{grown // 1024} KiB")

    def slowest(self) -> float:
        """The p99 that the witness may have: three times the idle one, and 50 ms or what was allowed.

        Among the other tests the machine may be busy with them, and the figure would be theirs.
        """
        return max(3 * self._house.idle.p99, self._patience if self.is_full else 1.0)

    async def account(self) -> Account:
        return await asyncio.to_thread(self._house.witness.account)


@asynccontextmanager
async def attacking(house: Watched, *, is_full: bool) -> AsyncIterator[Stage]:
    """Afterwards the server must be as before, and the witness must have missed nothing."""
    stage = Stage(house, is_full)
    server = house.server
    await stage.account()
    files, logged = server.open_files, len(server.log)
    yield stage
    assert server.is_alive, f"the server has ended: {server.log[logged:]}"
    await eventually(lambda: server.open_files <= files, f"at most {files} open files, as before")
    faults = [line for line in server.log[logged:].splitlines() if '"exception"' in line]
    assert not faults, faults
    # However short the attack was, the witness has spoken at least once since it began.
    await asyncio.sleep(1.5 * INTERVAL)
    seen = await stage.account()
    stage.waited = seen.p99
    assert seen.lost == 0, f"the witness lost {seen.lost} messages"
    assert seen.p99 <= stage.slowest(), f"the witness waited {seen.p99:.3f} s (p99)"
    stage.tell(f"witness {seen.received} of {seen.received + seen.lost}, p99 {seen.p99 * 1e3:.1f} ms")
