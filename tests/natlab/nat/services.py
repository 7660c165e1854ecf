"""What stands in the middle of the lab's internet: our server with its STUN responder, and a TURN server.

Signaling and TURN over TLS are at port 443, which is all that some networks let out.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from peerlane.turn.config import render
from peerlane.turn.settings import Settings
from signaling.certificate import make_certificate
from tests.natlab.namespaces import LabError
from tests.natlab.nat.internet import SERVERS, SERVERS_V6, TURN, TURN_V6, Internet
from tests.natlab.servers import running

SECRET = "0123456789abcdef" * 4
NOBODY = "203.0.113.99"
"""An address that nobody has."""
TURN_NAME = "turn.lab.test"
PATHS = "/usr/sbin:/usr/bin:/sbin:/bin"
START_TIMEOUT = 10.0


class Services(msgspec.Struct, frozen=True):
    """Where they are, and what programs of clients need in their environment."""

    url: str
    url_v6: str
    stun: str
    turn: list[str]
    """Over UDP, and over TLS."""
    environment: dict[str, str]


@contextmanager
def services(internet: Internet, *, silent: bool = False) -> Iterator[Services]:
    """All of them, until the end of the block; ``silent``: and some more that never answer.

    Raises LabError when one does not come up.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate = folder / "certificate.pem"
        certificate.write_bytes(make_certificate([TURN_NAME, TURN, TURN_V6], time.time()))
        with _turn(internet, folder, certificate), _signaling(internet, folder, silent):
            yield Services(
                f"http://{SERVERS[0]}:443",
                f"http://[{SERVERS_V6[0]}]:443",
                f"stun:{SERVERS[0]}",
                TURN_URLS,
                {"PATH": PATHS, "SSL_CERT_FILE": str(certificate)},
            )


TURN_URLS = [f"turn:{TURN}:3478", f"turns:{TURN}:443?transport=tcp"]
TURN_URLS_V6 = [f"turn:[{TURN_V6}]:3478", f"turns:[{TURN_V6}]:443?transport=tcp"]


@contextmanager
def _turn(internet: Internet, folder: Path, certificate: Path) -> Iterator[None]:
    program = shutil.which("turnserver")
    if program is None:
        raise LabError("coturn is missing: apt-get install coturn")
    configuration = folder / "turnserver.conf"
    configuration.write_text(
        render(
            Settings(
                domain=TURN_NAME,
                secrets=[SECRET],
                external_ips=[TURN],
                listening_ips=[TURN, TURN_V6],
                certificate=str(certificate),
                key=str(certificate),
                # Addresses for documentation, which nobody has elsewhere.
                allowed_peers=["203.0.113.0-203.0.113.255"],
            )
        )
    )
    command = internet.turn.command(
        program, "-c", str(configuration), f"--pidfile={folder / 'pid'}", f"--userdb={folder / 'db'}",
        "--log-file=stdout",
    )  # fmt: skip
    with running(command) as server:
        deadline = time.monotonic() + START_TIMEOUT
        while not _listens(internet):
            if time.monotonic() > deadline:
                raise LabError(f"coturn does not come up: {server.log[-2000:]}")
            time.sleep(0.05)
        yield


def _listens(internet: Internet) -> bool:
    """At the last of the ports that it opens: TLS over IPv6."""
    return f"[{TURN_V6}]:443" in internet.turn.run("ss", "-Hltn")


@contextmanager
def _signaling(internet: Internet, folder: Path, silent: bool) -> Iterator[None]:
    silent_urls = [f"turn:{NOBODY}:3478", f"turns:{NOBODY}:443?transport=tcp"] if silent else []
    turn = [{"urls": [*silent_urls, *TURN_URLS, *TURN_URLS_V6], "secrets": [SECRET]}]
    environment = {
        "PATH": PATHS,
        "PEERLANE_SERVER_STATE_DIR": str(folder),
        "PEERLANE_SERVER_STUN_ALTERNATE": f"{SERVERS[1]},{SERVERS_V6[1]}",
        "PEERLANE_ICE_TURN": json.dumps(turn),
        "PEERLANE_ICE_SERVERS": json.dumps([{"urls": [f"stun:{NOBODY}"]}] if silent else []),
        "PEERLANE_LIMITS_LINKS_PER_SECOND_PER_ADDRESS": "1000",
    }
    arguments = ["--dev", "--allow-insecure", "--host", "::", "--port", "443", "--log-format", "json"]
    command = internet.server.command(sys.executable, "-m", "peerlane", "serve", *arguments)
    with running(command, {**os.environ, **environment}) as server:
        server.wait_for('"listening"')
        yield
