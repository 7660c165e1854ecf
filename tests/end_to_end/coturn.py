"""A real TURN server on loopback: coturn, with a certificate of its own and a few users."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import shutil
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REALM = "example.org"
USER, PASSWORD = "ana", "s3cret"
SECRET = "a shared secret of the test"
START_TIMEOUT = 10.0


@dataclass
class Coturn:
    port: int
    tls_port: int
    certificate: Path
    process: asyncio.subprocess.Process

    @property
    def trust(self) -> ssl.SSLContext:
        """A client's context that trusts this server."""
        return ssl.create_default_context(cafile=str(self.certificate))

    async def kill(self) -> None:
        """At once, without a goodbye to anybody."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def coturn(directory: Path, *options: str, secret: bool = False) -> AsyncIterator[Coturn]:
    """Run one, in a directory of its own; ``secret``: with ``static-auth-secret``, and no fixed user."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("coturn is not installed; scripts/install-system does it")
    certificate, key = _certificate(directory)
    port, tls_port = _free_ports(2)
    auth = (
        [f"--static-auth-secret={SECRET}", "--use-auth-secret"] if secret else [f"--user={USER}:{PASSWORD}"]
    )
    process = await asyncio.create_subprocess_exec(
        program, "-n", "--no-cli", "--lt-cred-mech", "--allow-loopback-peers", "--log-file=stdout",
        f"--realm={REALM}", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}",
        f"--tls-listening-port={tls_port}", f"--cert={certificate}", f"--pkey={key}",
        "--simple-log", "--no-dtls",
        f"--pidfile={directory / 'pid'}", f"--userdb={directory / 'db'}", *auth, *options,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    server = Coturn(port, tls_port, certificate, process)
    try:
        await _until_it_listens(server)
        yield server
    finally:
        await server.kill()


async def _until_it_listens(server: Coturn) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", server.tls_port)
        except OSError:
            assert server.process.returncode is None, "coturn has ended"
            assert time.monotonic() < deadline, "coturn does not come up"
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return


def _free_ports(count: int) -> list[int]:
    """Free for TCP and UDP a moment ago."""
    ports: list[int] = []
    while len(ports) < count:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    return ports


def _certificate(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "turn.pem", directory / "turn.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths
