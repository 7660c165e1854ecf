"""``peerlane turn config``: the files of a hardened TURN server."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from peerlane.turn import files
from peerlane.turn.rendering import rendered
from peerlane.turn.settings import Settings, mappings, problems
from peerlane.turn.values import marks, values
from signaling.addresses import lan_addresses

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2

CERTIFICATE = "/etc/coturn/tls/fullchain.pem"
KEY = "/etc/coturn/tls/privkey.pem"
GROUP = "turnserver"
"""What coturn of Debian's package runs as; root lets it read what it needs."""
MAX_SECRET_FILE = 4_096


class ConfigError(ValueError):
    """The settings make no server; ``problems`` has one sentence for each thing that is wrong."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("\n".join(found))
        self.problems = found


def render(settings: Settings, name: str = files.CONF) -> str:
    """One of the files for this server, by default ``turnserver.conf``.

    Raises ConfigError with everything that is wrong.
    """
    found = problems(settings)
    if found:
        raise ConfigError(found)
    return rendered(files.template(name), values(settings), marks(settings))


def config(
    *,
    domain: Annotated[str, Parameter(help="the server's name, such as turn.example.org")],
    secret_file: Annotated[
        Path, Parameter(help="what it shares with the signaling server, one secret a line")
    ],
    external_ip: Annotated[
        list[str] | None,
        Parameter(help="its address, PUBLIC or behind a router PUBLIC/PRIVATE; may be repeated", negative=()),
    ] = None,
    coturn: Annotated[
        Literal["4.6", "4.13"], Parameter(help="4.6 as in Debian 12, or 4.13 and later")
    ] = "4.6",
    tls: Annotated[bool, Parameter(help="TURN over TLS on port 443")] = True,
    certificate: Annotated[str, Parameter(help="PEM chain, where coturn finds it")] = CERTIFICATE,
    key: Annotated[str, Parameter(help="its key")] = KEY,
    email: Annotated[str, Parameter(help="whom the certificate authority tells of trouble")] = "",
    allow: Annotated[
        list[str] | None,
        Parameter(help="a private address, or FIRST-LAST, that it may reach; may be repeated", negative=()),
    ] = None,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="a folder for the whole set of files")
    ] = None,
) -> int:
    """Write the configuration of a TURN server: coturn, with every known hole closed.

    Prints turnserver.conf; with --output writes it into a folder with all that goes with it: a systemd
    unit, a compose file, firewall rules, a hook for the certificate, and a README.
    """
    try:
        secrets = read_secrets(secret_file)
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not text"
        return _unusable([f"The secret file {secret_file} cannot be read: {what}."])
    settings = Settings(
        domain=domain,
        secrets=secrets,
        coturn=coturn,
        external_ips=external_ip or [],
        certificate=certificate if tls else "",
        key=key if tls else "",
        email=email,
        allowed_peers=allow or [],
    )
    try:
        written = {file: render(settings, file.name) for file in files.SET}
    except ConfigError as error:
        return _unusable(error.problems)
    _warn(settings, secret_file)
    if output is None:
        sys.stdout.write(written[files.SET[0]])
        return EXIT_OK
    return _write(output, written)


def read_secrets(path: Path) -> list[str]:
    """One secret a line, the first signs. Raises OSError or UnicodeDecodeError."""
    with path.open("rb") as file:
        return [line.strip() for line in file.read(MAX_SECRET_FILE).decode().splitlines() if line.strip()]


def _write(folder: Path, written: dict[files.File, str]) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in written.items():
            _put(folder / file.name, file.mode, text)
    except OSError as error:
        _say(f"cannot write into {folder}: {error.strerror}")
        return EXIT_ERROR
    names = ", ".join(file.name for file in written)
    _say(f"wrote {names} into {folder}; {folder / 'README.md'} says what next")
    return EXIT_OK


def _put(path: Path, mode: int, text: str) -> None:
    """Whole or not at all, and never readable by more than in the end."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        if path.name == files.CONF and os.geteuid() == 0 and is_group(GROUP):
            shutil.chown(unfinished, group=GROUP)
            mode |= stat.S_IRGRP
        os.fchmod(file.fileno(), mode)
    os.replace(unfinished, path)


def is_group(name: str) -> bool:
    """Whether this machine has such a group of users."""
    import grp

    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _warn(settings: Settings, secret_file: Path) -> None:
    """About what can be right, and mostly is not."""
    if secret_file.stat().st_mode & stat.S_IROTH:
        _say(f"! everybody on this machine can read {secret_file}: chmod 600 {secret_file}")
    if not settings.external_ips:
        _say("! no address is named: it listens and relays on all of its machine; --external-ip names one")
    here = lan_addresses()
    for each in mappings(settings):
        if each.public == each.own and str(each.own) not in here:
            _say(
                f"! this machine is not {each.own}; where a router or the cloud translates it, write "
                f"{each.public}/PRIVATE with the address that the TURN server has itself"
            )
    for text in settings.allowed_peers:
        _say(f"! everybody with credentials can reach {text} through this server")


def _unusable(found: list[str]) -> int:
    for problem in found:
        _say(problem)
    return EXIT_USAGE


def _say(text: str) -> None:
    print(f"peerlane: {text}", file=sys.stderr)
