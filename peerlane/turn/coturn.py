"""A coturn of our own: a child process with a configuration of ours, that never outlives us."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import shutil
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT, Process
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import msgspec

from peerlane.turn.config import ConfigError, render
from peerlane.turn.readiness import until_ready
from peerlane.turn.settings import Settings

INSTALL = "sudo apt-get install coturn"
"""On Debian and what comes from it."""
USER = "turnserver"
"""Debian's package makes this user for it."""
START_TIMEOUT = 10.0
STOP_TIMEOUT = 3.0
LOG_LINES = 200
"""Of its log that are kept; the last ones say why it has ended."""
TOLD_LINES = 8

_LAUNCHER = Path(__file__).with_name("launcher.py")
_REJECTED = "Bad configuration format"


class TurnError(Exception):
    """There is no TURN server here; the text says why."""


def installed() -> str | None:
    """The path of coturn's program, or None."""
    return shutil.which("turnserver")


async def version(program: str) -> Literal["4.6", "4.13"]:
    """Which of our configurations is for it. Raises TurnError when it does not say."""
    try:
        process = await asyncio.create_subprocess_exec(program, "--version", stdout=PIPE, stderr=STDOUT)
        async with asyncio.timeout(START_TIMEOUT):
            said, _ = await process.communicate()
    except (OSError, TimeoutError) as error:
        raise TurnError(f"{program} cannot be run: {error}") from error
    found = re.search(rb"(\d+)\.(\d+)", said)
    if found is None:
        raise TurnError(f"{program} is no coturn: it does not tell its version")
    return "4.13" if (int(found[1]), int(found[2])) >= (4, 13) else "4.6"


class Coturn:
    """One that runs."""

    def __init__(self, process: Process, settings: Settings) -> None:
        self.settings = settings
        self._process = process
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def rejected(self) -> list[str]:
        """Options that this version does not know."""
        found = (line.rpartition(":")[2].strip() for line in self._log if _REJECTED in line)
        return sorted(set(found))

    async def ended(self) -> str:
        """Wait until it has ended by itself; how, and its last words."""
        code = await self._process.wait()
        # Who no longer waits for the end must not end the reading.
        await asyncio.shield(self._reading)
        how = f"was ended by signal {-code}" if code < 0 else f"has ended with code {code}"
        return self._with_last_words(f"coturn {how}")

    def _with_last_words(self, text: str) -> str:
        last = [line for line in self._log if line.strip(" :0123456789=")][-TOLD_LINES:]
        return "\n".join([f"{text}; the end of its log:", *(f"  {line}" for line in last)])

    async def listens(self) -> None:
        """Wait until it gives relays. Raises TurnError when it does not."""
        ended = asyncio.create_task(self.ended())
        ready = asyncio.create_task(until_ready(self.settings))
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise TurnError(ended.result())
            ready.result()
        except TimeoutError:
            text = f"coturn runs, but has given no relay for {START_TIMEOUT:.0f} s"
            raise TurnError(self._with_last_words(text)) from None
        finally:
            for task in (ended, ready):
                task.cancel()
            await asyncio.wait({ended, ready})

    async def stop(self) -> None:
        """Ask it to end, and see to it."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        """All that it says, or it would wait for somebody to read it."""
        assert self._process.stdout is not None
        rest = b""
        while piece := await self._process.stdout.read(4_096):
            *lines, rest = (rest + piece).split(b"\n")
            self._log += (line.decode(errors="replace").rstrip() for line in lines)
            rest = rest[-4_096:]


@asynccontextmanager
async def running(program: str, settings: Settings) -> AsyncIterator[Coturn]:
    """One that gives relays, until the end of the block; its files are gone then too.

    As root it runs as the user ``turnserver``, where there is one. Raises TurnError.
    """
    user = USER if os.geteuid() == 0 and is_user(USER) else ""
    with tempfile.TemporaryDirectory(prefix="peerlane-turn-", ignore_cleanup_errors=True) as folder:
        try:
            settings = _prepare(Path(folder), settings, user)
        except ConfigError as error:
            raise TurnError(" ".join(error.problems)) from error
        except OSError as error:
            raise TurnError(f"{error.filename}: {error.strerror}") from error
        # No users but those with credentials, and no file that stays when we are killed.
        arguments = ["-c", f"{folder}/turnserver.conf", "--pidfile=", "--userdb=:memory:"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), user, program, *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=STDOUT,
            # Ctrl-C is for us: coturn goes when we say so, after the goodbyes.
            start_new_session=True,
        )  # fmt: skip
        coturn = Coturn(process, settings)
        try:
            await coturn.listens()
            # It has read everything; if we are killed nobody clears up, and secrets must not lie about.
            shutil.rmtree(folder)
            yield coturn
        finally:
            await coturn.stop()


def free_port(addresses: Sequence[str], first: int, tries: int = 20) -> int | None:
    """The first port from ``first`` on that is free at all these addresses, for UDP and TCP; or None.

    Raises TurnError for an address or a port that we cannot have.
    """
    for port in range(first, min(first + tries, 65_536)):
        if all(_is_free(address, port) for address in addresses):
            return port
    return None


def _is_free(address: str, port: int) -> bool:
    # coturn shares its ports with whoever has them already, and would not notice.
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tcp, socket.socket(family, socket.SOCK_DGRAM) as udp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            for each in (tcp, udp):
                each.bind((address, port))
            tcp.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise TurnError(f"cannot listen at {address} port {port}: {error.strerror}") from error
    return True


def _prepare(folder: Path, settings: Settings, user: str) -> Settings:
    """Put into the folder what coturn reads, for the one that it runs as. Raises OSError and ConfigError."""
    if settings.certificate:
        for name, source in (("chain.pem", settings.certificate), ("key.pem", settings.key)):
            _write(folder / name, Path(source).read_bytes())
        settings = msgspec.structs.replace(
            settings, certificate=f"{folder}/chain.pem", key=f"{folder}/key.pem"
        )
    _write(folder / "turnserver.conf", render(settings).encode())
    if user:
        for path in (*folder.iterdir(), folder):
            shutil.chown(path, user)
    return settings


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def is_user(user: str) -> bool:
    """Whether this machine has such a user."""
    import pwd

    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
