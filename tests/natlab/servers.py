"""The servers of a lab: our own, and TURN servers that can be killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.natlab.actors import ROOT
from tests.natlab.lab import Machine
from tests.natlab.namespaces import LabError

PORT = 8080
TURN_PORT = 3478
TURN_SECRET = "a shared secret of the lab"
START_TIMEOUT = 20.0
END_TIMEOUT = 5.0


class Server:
    """A program on a machine, to be ended or killed. ``log`` is what it has said."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self._popen = popen
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """As ``kill -9``: no goodbyes."""
        self._popen.kill()
        self._popen.wait(END_TIMEOUT)

    def wait_for(self, text: str) -> str:
        """Until it has said this; the line."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self._popen.poll() is None:
            for line in self.log.splitlines():
                if text in line:
                    return line
            time.sleep(0.02)
        raise LabError(f"a server has not said {text!r}, but: {self.log[-2000:]}")


@contextmanager
def running(command: list[str], environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT, env=environment
            )
        server = Server(popen, log)
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def signaling_on(machine: Machine, settings: Mapping[str, str]) -> Iterator[tuple[Server, str]]:
    """``peerlane serve`` on this machine; with its URL."""
    with tempfile.TemporaryDirectory() as state_dir:
        arguments = [
            "--dev",
            "--allow-insecure",
            "--host",
            machine.address,
            "--port",
            str(PORT),
            "--log-format",
            "json",
        ]
        command = machine.command(sys.executable, "-m", "peerlane", "serve", *arguments)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PEERLANE_SERVER_STATE_DIR": state_dir}
        with running(command, {**environment, **settings}) as server:
            line = json.loads(server.wait_for('"listening"'))
            yield server, f"http://{machine.address}:{line['port']}"


@contextmanager
def turn_on(machine: Machine) -> Iterator[Server]:
    """coturn on this machine, with the credentials that our server makes."""
    program = shutil.which("turnserver")
    if program is None:
        raise LabError("coturn is missing: apt-get install coturn")
    address = machine.address
    with tempfile.TemporaryDirectory() as folder:
        command = machine.command(
            program, "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-rfc5780", "--log-file=stdout",
            "--simple-log", "--realm=example.org", "--use-auth-secret",
            f"--static-auth-secret={TURN_SECRET}", f"--listening-ip={address}", f"--relay-ip={address}",
            f"--listening-port={TURN_PORT}", "--verbose", f"--pidfile={folder}/pid", f"--userdb={folder}/db",
        )  # fmt: skip
        with running(command) as server:
            server.wait_for("IPv4. TCP listener opened on")
            yield server
