"""A coturn on a machine of its own, with addresses as in the world, and an audit of it from there."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from signaling.certificate import make_certificate
from tests.natlab.namespaces import Namespace

NAME = "turn.example.org"
IPV4, IPV6 = "203.0.113.10", "2001:db8::10"
PORT, TLS_PORT = 3478, 5349
REALM = "example.org"
USER, PASSWORD = "ana", "s3cret"
SECRET = "0123456789abcdef" * 4
START_TIMEOUT = 10.0


class Machine(NamedTuple):
    """One with an IPv4 and an IPv6 address, and nothing else."""

    namespace: Namespace
    folder: Path
    certificate: Path

    async def audit(self, *arguments: str, exit_code: int | None = None) -> dict[str, Any]:
        """The JSON of ``peerlane turn audit``, run on the machine itself."""
        code, output = await self.peerlane("turn", "audit", "--json", *arguments)
        assert exit_code in (None, code), output
        report: dict[str, Any] = json.loads(output)
        return report

    async def peerlane(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and standard output."""
        process = await asyncio.create_subprocess_exec(
            *self.namespace.command(sys.executable, "-m", "peerlane", *arguments),
            env={"SSL_CERT_FILE": str(self.certificate), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert b"Traceback" not in errors, errors.decode()
        return process.returncode or 0, output.decode()

    @asynccontextmanager
    async def coturn(self, configuration: str) -> AsyncIterator[None]:
        """A coturn with this ``turnserver.conf``, and TLS with the machine's certificate."""
        path = self.folder / "turnserver.conf"
        path.write_text(configuration)
        process = await asyncio.create_subprocess_exec(
            *self.namespace.command("turnserver", "-c", str(path), f"--pidfile={self.folder / 'pid'}",
                                    f"--userdb={self.folder / 'db'}", "--log-file=stdout"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await _until_it_listens(process)
            yield
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _until_it_listens(process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _listens(process.pid):
        assert process.returncode is None, "coturn has ended"
        assert time.monotonic() < deadline, "coturn does not come up"
        await asyncio.sleep(0.05)


def _listens(pid: int) -> bool:
    """Over UDP, TCP and TLS, which it opens one after the other; as the system tells of its namespace."""
    try:
        udp, tcp = ((Path("/proc") / str(pid) / "net" / name).read_text() for name in ("udp", "tcp"))
    except OSError:
        return False
    return f":{PORT:04X} " in udp and f":{PORT:04X} " in tcp and f":{TLS_PORT:04X} " in tcp


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Needs root; raises LabError."""
    certificate = folder / "turn.pem"
    certificate.write_bytes(make_certificate([NAME, IPV4, IPV6], time.time()))
    namespace = Namespace("turn")
    try:
        namespace.ip("addr", "add", f"{IPV4}/24", "dev", "lo")
        namespace.ip("addr", "add", f"{IPV6}/64", "dev", "lo", "nodad")
        yield Machine(namespace, folder, certificate)
    finally:
        namespace.remove()
