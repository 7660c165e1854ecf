"""``peerlane turn up``: a TURN server on this machine, for as long as the command runs."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from peerlane.turn.coturn import INSTALL, Coturn, TurnError, free_port, installed, running, version
from peerlane.turn.here import Here, here
from peerlane.turn.local import REALM, SECRET_FILE, kept_secret, local_settings, local_urls, toml
from peerlane.turn.settings import Settings, problems
from signaling.process import new_loop
from signaling.state_dir import StateDir, state_dir_path

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2

PORT = 3478
TLS_PORT = 5349
"""Not 443: that takes root, and a machine that is tried out has something there already."""


class Wishes(msgspec.Struct, frozen=True):
    """What the command line says."""

    addresses: list[str]
    port: int | None
    domain: str
    certificate: str
    key: str
    tls_port: int | None
    state_dir: str


def up(
    *,
    address: Annotated[
        list[str] | None,
        Parameter(help="of this machine, to listen and relay at; may be repeated", negative=()),
    ] = None,
    port: Annotated[int | None, Parameter(help="UDP and TCP; 3478, or the next free one")] = None,
    domain: Annotated[str, Parameter(help="the name in the certificate")] = "",
    certificate: Annotated[Path | None, Parameter(help="PEM chain, for TURN over TLS")] = None,
    key: Annotated[Path | None, Parameter(help="its key")] = None,
    tls_port: Annotated[int | None, Parameter(help="5349, or the next free one")] = None,
    state_dir: Annotated[str, Parameter(help="where the made secret is kept")] = "",
) -> int:
    """Run a TURN server on this machine: coturn, with every known hole closed, until Ctrl-C.

    Says what to put into the settings of `peerlane serve`, and how to check it. Needs coturn's package.
    """
    wishes = Wishes(
        address or [],
        port,
        domain or REALM,
        str(certificate.absolute()) if certificate else "",
        str(key.absolute()) if key else "",
        tls_port,
        state_dir,
    )
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(_up(wishes))
    except TurnError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename or 'the TURN server'}: {error.strerror or error}")


async def _up(wishes: Wishes) -> int:
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    program = installed()
    if program is None:
        return _failed(f"coturn is not installed. On Debian and Ubuntu: {INSTALL}")
    state = StateDir(state_dir_path(wishes.state_dir, os.environ))
    where = Here(wishes.addresses, wishes.addresses) if wishes.addresses else here()
    settings = _with_tls(wishes, await _settings(wishes, where, program, state))
    wrong = problems(settings)
    if wrong:
        for problem in wrong:
            _failed(problem)
        return EXIT_USAGE
    async with running(program, settings) as coturn:
        _tell(coturn, settings, str(state.path / SECRET_FILE))
        return await _until(asked_to_stop, coturn)


async def _settings(wishes: Wishes, where: Here, program: str, state: StateDir) -> Settings:
    settings = local_settings(
        where, wishes.port or PORT, kept_secret(state), await version(program), next_free=wishes.port is None
    )
    return msgspec.structs.replace(settings, domain=wishes.domain)


def _with_tls(wishes: Wishes, settings: Settings) -> Settings:
    if not (wishes.certificate or wishes.key):
        return settings
    port = wishes.tls_port or free_port(settings.listening_ips, TLS_PORT)
    return msgspec.structs.replace(
        settings, certificate=wishes.certificate, key=wishes.key, tls_port=port or TLS_PORT
    )


async def _until(asked_to_stop: asyncio.Event, coturn: Coturn) -> int:
    asked = asyncio.create_task(asked_to_stop.wait())
    ended = asyncio.create_task(coturn.ended())
    await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
    for task in (asked, ended):
        task.cancel()
    await asyncio.wait({asked, ended})
    if not asked.cancelled():
        return EXIT_OK
    return _failed(ended.result())


def _tell(coturn: Coturn, settings: Settings, secret_file: str) -> None:
    ports = [f"{settings.port} (UDP and TCP)"]
    if settings.certificate:
        ports.append(f"{settings.tls_port} (TLS)")
    rows = [
        ("Listens at", f"{', '.join(settings.listening_ips)}, port {' and '.join(ports)}"),
        ("Relays at", ", ".join(settings.external_ips)),
        ("Secret", secret_file),
    ]
    lines = ["A TURN server for this network. Ctrl-C stops it.", ""]
    lines += [*(f"  {label:<12} {text}" for label, text in rows), ""]
    lines += ["So that clients hear of it, in the file of `peerlane serve --config FILE`:", ""]
    lines += [textwrap.indent(toml(settings, secret_file), "  ")]
    lines += ["Check it, from here and from another machine:", ""]
    lines += [f"  {_audit(url, secret_file)}" for url in local_urls(settings)[:1]]
    for option in coturn.rejected:
        lines += ["", f"! this coturn does not know {option}"]
    print("\n".join(lines), flush=True)


def _audit(url: str, secret_file: str) -> str:
    # Not as an argument, which everybody on this machine could read.
    secret = f'PEERLANE_TURN_SECRET="$(head -n 1 {shlex.quote(secret_file)})"'
    return f"{secret} peerlane turn audit {shlex.quote(url)}"


def _failed(text: str) -> int:
    print(f"peerlane: {text}", file=sys.stderr)
    return EXIT_ERROR
