"""A real coturn under our configuration: alone, with ``peerlane turn up``, and beside ``peerlane serve``."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aioice import Candidate, Connection

from peer.channels.kinds import RELIABLE
from peer.engine.ice.allocation import relayed
from peer.engine.ice.policy import IcePolicy
from peer.engine.ice.servers import ServerAddress, parse_server
from peer.facts import Trouble
from peer.room import JoinOptions, RemotePeer, Room, join
from peerlane.turn.config import render
from peerlane.turn.coturn import USER, Coturn, TurnError, free_port, is_user, running, version
from peerlane.turn.here import LOOPBACK, here
from peerlane.turn.settings import Settings
from signaling.certificate import make_certificate
from tests import needs
from tests.end_to_end.commands import Command, command
from tests.end_to_end.conftest import PATIENCE, eventually
from tests.end_to_end.coturn import given_back

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which coturn is whose"),
]

OLD, NEW = "0123456789abcdef" * 4, "fedcba9876543210" * 4
TIMEOUT = 5.0


@pytest.fixture
def program() -> str:
    return needs.program("turnserver")


def credentials(secret: str, ends_in: float = 600.0) -> tuple[str, str]:
    """As the signaling server makes them."""
    username = f"{int(time.time() + ends_in)}:ana"
    digest = hmac.digest(secret.encode(), username.encode(), "sha1")
    return username, base64.b64encode(digest).decode()


async def ask(
    url: str, secret: str, ends_in: float = 600.0, trust: ssl.SSLContext | None = None
) -> Candidate | Trouble:
    """Allocate a relay and give it back."""
    server = parse_server(url, *credentials(secret, ends_in))
    assert isinstance(server, ServerAddress)
    lost: list[Trouble] = []
    answer = await relayed(Connection(ice_controlling=True), server, TIMEOUT, lost=lost.append, tls=trust)
    return await given_back(answer)


@asynccontextmanager
async def configured(program: str, folder: Path) -> AsyncIterator[Coturn]:
    """With all that the template has: TLS, two secrets, an address of each family."""
    where = here()
    port = free_port(where.listening, 13_478)
    tls_port = free_port(where.listening, 15_349)
    assert port is not None
    assert tls_port is not None
    certificate = folder / "turn.pem"
    certificate.write_bytes(make_certificate(["localhost", *where.listening], time.time()))
    settings = Settings(
        "turn.example.org",
        [NEW, OLD],
        coturn=await version(program),
        external_ips=where.relaying,
        listening_ips=where.listening,
        certificate=str(certificate),
        key=str(certificate),
        port=port,
        tls_port=tls_port,
    )
    async with running(program, settings) as coturn:
        yield coturn


async def test_coturn_understands_every_line(program: str, tmp_path: Path) -> None:
    async with configured(program, tmp_path) as coturn:
        if await version(program) == "4.6":
            assert coturn.rejected == []
        else:
            # Not every build has it, and the file says so.
            assert all(option.startswith("prometheus") for option in coturn.rejected)


async def test_both_secrets_are_good_and_no_other(program: str, tmp_path: Path) -> None:
    async with configured(program, tmp_path) as coturn:
        url = f"turn:{coturn.settings.listening_ips[0]}:{coturn.settings.port}"
        for secret in (NEW, OLD):
            assert isinstance(await ask(url, secret), Candidate)
        for secret, ends_in in ((NEW[::-1] + "x", 600.0), (NEW, -10.0)):
            answer = await ask(url, secret, ends_in)
            assert isinstance(answer, Trouble)
            assert answer.code == 401


async def test_the_secret_does_not_lie_about_while_it_runs(program: str, tmp_path: Path) -> None:
    async with configured(program, tmp_path) as coturn:
        arguments = arguments_of(coturn.pid)
        assert NEW not in " ".join(arguments)
        assert not is_file(arguments[arguments.index("-c") + 1])


async def test_a_coturn_that_gives_no_relay_says_why(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peerlane.turn.coturn.START_TIMEOUT", 1.0)
    # An address of others: it tries again and again to have it.
    settings = Settings("turn.example.org", [NEW], external_ips=["198.51.100.77"], port=13_500)
    with pytest.raises(
        TurnError, match=r"(?s)has given no relay for 1 s; the end of its log:.*assign requested"
    ):
        async with running(program, settings):
            pass


def test_the_firewall_lets_relays_reach_peers_and_nothing_private(program: str, tmp_path: Path) -> None:
    needs.program("nft")
    if os.geteuid() != 0 or not is_user(USER):
        needs.lacking("needs root, and the user that coturn's package makes", is_package=False)
    rules = tmp_path / "firewall.nft"
    settings = Settings("turn.example.org", [NEW], external_ips=["192.88.98.7/10.0.0.7"])
    rules.write_text(render(settings, "firewall.nft"))
    probe = Path(__file__).with_name("firewall_probe.py")
    done = subprocess.run(
        ["unshare", "--net", sys.executable, str(probe), str(rules)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    seen = json.loads(done.stdout)
    bindings, sends = seen.pop("bindings"), seen.pop("sends")
    assert {name for name, is_sent in seen.items() if is_sent} == {
        "to a peer",
        "to a client",
        "to another relay",
    }
    # Questions in a false name are bounded, relayed media is not.
    assert 200 <= bindings < 300
    assert sends == 500


@asynccontextmanager
async def turn_up(state: Path, *arguments: str) -> AsyncIterator[tuple[Command, list[str]]]:
    """``peerlane turn up`` and the urls that it names."""
    async with command("turn", "up", "--state-dir", str(state), *arguments) as up:
        said = [""]
        while not said[-1].startswith("  secret_file"):
            said.append(await up.line())
            assert said[-1] or up.errors == [], up.errors
        (entry,) = tomllib.loads("\n".join(said[said.index("  [[ice.turn]]") :]))["ice"]["turn"]
        assert entry["secret_file"] == str(state / "turn.secret")
        yield up, entry["urls"]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def arguments_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def is_file(path: str) -> bool:
    return Path(path).exists()


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def test_turn_up_gives_relays_until_it_is_told_to_end(program: str, tmp_path: Path) -> None:
    async with turn_up(tmp_path) as (up, urls):
        secret = (tmp_path / "turn.secret").read_text().strip()
        for url in urls:
            assert isinstance(await ask(url, secret), Candidate)
        (coturn,) = children(up.pid)
        up.interrupt(signal.SIGTERM)
        assert await up.ended() == 0
        assert not is_alive(coturn)


async def test_turn_up_with_a_certificate_gives_relays_over_tls(program: str, tmp_path: Path) -> None:
    certificate = tmp_path / "turn.pem"
    certificate.write_bytes(make_certificate(["localhost", LOOPBACK], time.time()))
    tls = ("--certificate", str(certificate), "--key", str(certificate), "--domain", "localhost")
    async with turn_up(tmp_path, "--address", LOOPBACK, *tls) as (_, urls):
        assert urls[-1].startswith("turns:localhost:")
        trust = ssl.create_default_context(cafile=str(certificate))
        secret = (tmp_path / "turn.secret").read_text().strip()
        assert isinstance(await ask(urls[-1], secret, trust=trust), Candidate)


async def test_turn_up_tells_what_it_cannot_do(program: str, tmp_path: Path) -> None:
    for arguments, code, problem in (
        (("--domain", "no name"), 2, "is not the name of a machine"),
        (("--certificate", str(tmp_path / "a.pem")), 2, "name both, or neither"),
        (("--address", "198.51.100.77"), 1, "cannot listen at 198.51.100.77"),
        (("--certificate", str(tmp_path / "a.pem"), "--key", str(tmp_path / "b.pem")), 1, "a.pem: No such"),
    ):
        async with command("turn", "up", "--state-dir", str(tmp_path), *arguments) as up:
            assert await up.ended() == code
            assert problem in up.errors[0]


async def test_coturn_does_not_outlive_a_command_that_is_killed(program: str, tmp_path: Path) -> None:
    async with turn_up(tmp_path) as (up, _):
        (coturn,) = children(up.pid)
        assert is_alive(coturn)
        up.interrupt(signal.SIGKILL)
        await up.ended()
        await eventually(lambda: not is_alive(coturn), "coturn ends too")


async def test_a_coturn_that_dies_is_told_with_its_last_words(program: str, tmp_path: Path) -> None:
    async with turn_up(tmp_path, "--address", LOOPBACK) as (up, urls):
        assert urls[0].startswith(f"turn:{LOOPBACK}:")
        os.kill(children(up.pid)[0], signal.SIGKILL)
        assert await up.ended() == 1
        assert "coturn was ended by signal 9; the end of its log:" in up.errors[0]
        assert len(up.errors) > 2


async def test_without_coturn_the_install_line_is_told(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "peerlane", "turn", "up",
        env={**os.environ, "PATH": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode() == (
        "peerlane: coturn is not installed. On Debian and Ubuntu: sudo apt-get install coturn\n"
    )


@asynccontextmanager
async def serving(state: Path, path: str | None = None) -> AsyncIterator[tuple[Command, str]]:
    """``peerlane serve --dev --turn`` and its address."""
    arguments = ["serve", "--dev", "--turn", "--port", "0", "--stun-port", "0", "--log-format", "json"]
    environment = {} if path is None else {"PATH": path}
    async with command(*arguments, "--state-dir", str(state), **environment) as server:
        await server.noted('"listening"')
        told = next(json.loads(line) for line in server.errors if '"listening"' in line)
        yield server, told["local"]


async def message_arrives(url: str, room: str) -> None:
    """Two peers who may use nothing but relays meet, and one hears the other."""
    options = JoinOptions(policy=IcePolicy(relay_only=True))
    async with (
        asyncio.timeout(PATIENCE),
        join(url, room, options=options) as ana,
        join(url, room, options=options) as ben,
    ):
        channel = await (await first_peer(ana)).open("talk", RELIABLE)
        await channel.send("through the relay")
        heard = await (await first_peer(ben)).open("talk", RELIABLE)
        assert await anext(aiter(heard)) == "through the relay"


async def first_peer(room: Room) -> RemotePeer:
    return await anext(room.peers())


async def test_peers_of_a_server_with_turn_meet_at_its_relay(program: str, tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, url):
        (coturn,) = children(server.pid)
        await message_arrives(url, "first")
        os.kill(coturn, signal.SIGKILL)
        await server.noted("the TURN server runs again")
        await message_arrives(url, "second")
        (coturn,) = children(server.pid)
        server.interrupt(signal.SIGTERM)
        assert await server.ended() == 0
        assert not is_alive(coturn)


async def test_a_server_without_coturn_goes_on_and_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path, path=str(tmp_path)) as (server, url):
        assert url.startswith("http://")
        assert any("coturn is not installed" in line for line in server.errors)
