"""A real TURN server on loopback: coturn, with a certificate of its own and a few users."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aioice import Candidate, Connection
from aioice.stun import Class, Message, Method

from peer.engine.ice.allocation import relayed
from peer.engine.ice.relay import RelayProtocol
from peer.engine.ice.servers import ServerAddress, parse_server
from peer.facts import UNREACHABLE, Trouble
from signaling.certificate import make_certificate
from signaling.turn import password
from tests import needs

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

    def url(self, transport: str = "udp") -> str:
        """How it is asked over ``udp``, ``tcp`` or ``tls``."""
        if transport == "tls":
            return f"turns:localhost:{self.tls_port}"
        return f"turn:127.0.0.1:{self.port}?transport={transport}"

    async def kill(self) -> None:
        """At once, without a goodbye to anybody."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def coturn(directory: Path, *options: str, secret: bool = False) -> AsyncIterator[Coturn]:
    """Run one, in a directory of its own; ``secret``: with ``static-auth-secret``, and no fixed user."""
    program = needs.program("turnserver")
    certificate = directory / "turn.pem"
    certificate.write_bytes(make_certificate(["localhost", "127.0.0.1"], time.time()))
    port, tls_port = _free_ports(2)
    auth = (
        [f"--static-auth-secret={SECRET}", "--use-auth-secret"] if secret else [f"--user={USER}:{PASSWORD}"]
    )
    process = await asyncio.create_subprocess_exec(
        program, "-n", "--no-cli", "--lt-cred-mech", "--allow-loopback-peers", "--log-file=stdout",
        f"--realm={REALM}", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}",
        f"--tls-listening-port={tls_port}", f"--cert={certificate}", f"--pkey={certificate}",
        "--simple-log", "--no-dtls",
        f"--pidfile={directory / 'pid'}", f"--userdb={directory / 'db'}", *auth, *options,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    server = Coturn(port, tls_port, certificate, process)
    try:
        await _until_it_listens(server)
        await _until_it_knows_users(server, *_login(secret))
        yield server
    finally:
        await server.kill()


async def given_back(answer: tuple[Candidate, RelayProtocol] | Trouble) -> Candidate | Trouble:
    """The relay that was allocated, which is not needed for long; or why there is none."""
    if isinstance(answer, Trouble):
        return answer
    candidate, protocol = answer
    await protocol.close()
    return candidate


async def _until_it_listens(server: Coturn) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not await asyncio.to_thread(_answers, server):
        assert server.process.returncode is None, "coturn has ended"
        assert time.monotonic() < deadline, "coturn does not come up"
        await asyncio.sleep(0.02)


def _login(secret: bool) -> tuple[str, str]:
    if not secret:
        return USER, PASSWORD
    username = f"{int(time.time()) + 60}:start"
    return username, password(SECRET, username)


async def _until_it_knows_users(server: Coturn, username: str, credential: str) -> None:
    """It answers before it has read who may have a relay."""
    deadline = time.monotonic() + START_TIMEOUT
    # Of a relay over TCP, coturn gives the quota back at once.
    address = parse_server(server.url("tcp"), username, credential)
    assert isinstance(address, ServerAddress)
    while True:
        answer = await relayed(Connection(ice_controlling=True), address, 0.5, lost=lambda _: None)
        if not isinstance(answer, Trouble):
            await answer[1].close()
            return
        if answer.code not in (401, UNREACHABLE):
            return  # a refusal of its own, as its options want it
        assert time.monotonic() < deadline, "coturn knows nobody"


def _answers(server: Coturn) -> bool:
    """Over TCP, TLS and UDP, which it opens one after the other."""
    try:
        for port in (server.port, server.tls_port):
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        with socket.socket(type=socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.5)
            asking.connect(("127.0.0.1", server.port))
            asking.send(bytes(Message(Method.BINDING, Class.REQUEST)))
            return bool(asking.recv(1000))
    except OSError:
        return False


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
