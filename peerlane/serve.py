"""``peerlane serve``: the server on a command line."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from peerlane.announcement import announcement
from signaling.app import Listening, ServerError
from signaling.app import serve as serve_until_told
from signaling.config import Config, TurnServers
from signaling.listening import PortTaken
from signaling.logs import configure
from signaling.process import calm_collector, new_loop, raise_open_files
from signaling.settings import Flag, Settings, SettingsError, describe, load
from signaling.state_dir import StateDir, state_dir_path

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

log = logging.getLogger("peerlane.serve")


def serve(
    *,
    port: Annotated[int | None, Parameter(help="of HTTP; 8080, or the next free one")] = None,
    host: Annotated[
        str | None, Parameter(help="who may connect: 127.0.0.1, 0.0.0.0, :: or one address")
    ] = None,
    config: Annotated[Path | None, Parameter(help="a TOML file with settings")] = None,
    dev: Annotated[bool | None, Parameter(help="let programs connect without a token")] = None,
    allow_insecure: Annotated[
        bool | None, Parameter(help="let --dev hold for other machines too", negative=())
    ] = None,
    https: Annotated[
        bool | None, Parameter(help="let other machines in, over HTTPS; this one stays HTTP")
    ] = None,
    https_port: Annotated[int | None, Parameter(help="8443, or the next free one")] = None,
    stun_port: Annotated[int | None, Parameter(help="UDP; 3478, or the next free one; 0 for none")] = None,
    turn: Annotated[
        bool, Parameter(help="run coturn beside it, if it is installed: a relay for all")
    ] = False,
    token: Annotated[
        list[str] | None, Parameter(help="programs with this token may connect; may be repeated", negative=())
    ] = None,
    origin: Annotated[
        list[str] | None, Parameter(help="pages of this origin may connect; may be repeated", negative=())
    ] = None,
    workers: Annotated[
        int | None, Parameter(help="so many processes at the same ports; needs --backplane")
    ] = None,
    backplane: Annotated[
        str | None, Parameter(help="the bus that nodes talk over: redis://HOST or nats://HOST")
    ] = None,
    state_dir: Annotated[str | None, Parameter(help="where the made key and certificate are kept")] = None,
    log_format: Annotated[Literal["text", "json"] | None, Parameter(help="for people or programs")] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None, Parameter(help="what is worth a line")
    ] = None,
    check_config: Annotated[
        bool, Parameter(help="say whether the settings are in order", negative=())
    ] = False,
    show_config: Annotated[bool, Parameter(help="print all settings and where from", negative=())] = False,
) -> int:
    """Run the signaling server, its page and its STUN responder.

    Every flag is also a setting of a file and the environment; flags win. Ends with SIGTERM or Ctrl-C,
    after it has said goodbye to everybody.
    """
    given = {
        "server.port": Flag("--port", port),
        "server.host": Flag("--host", host),
        "server.dev": Flag("--dev", dev),
        "server.allow_insecure": Flag("--allow-insecure", allow_insecure),
        "server.https": Flag("--https", https),
        "server.https_port": Flag("--https-port", https_port),
        "server.stun_port": Flag("--stun-port", stun_port),
        "server.tokens": Flag("--token", token),
        "server.origins": Flag("--origin", origin),
        "server.workers": Flag("--workers", workers),
        "cluster.backplane": Flag("--backplane", backplane),
        "server.state_dir": Flag("--state-dir", state_dir),
        "log.format": Flag("--log-format", log_format),
        "log.level": Flag("--log-level", log_level),
    }
    flags = {key: flag for key, flag in given.items() if flag.value is not None}
    try:
        settings = _load(config, flags)
    except SettingsError as error:
        for problem in error.problems:
            print(f"peerlane: {problem}", file=sys.stderr)
        return EXIT_USAGE
    if show_config:
        sys.stdout.write(describe(settings))
    if check_config:
        print("The settings are in order.", file=sys.stderr if show_config else sys.stdout)
    return (
        EXIT_OK if show_config or check_config else _run(settings, turn, lambda: _load(config, flags).config)
    )


def _load(path: Path | None, flags: dict[str, Flag]) -> Settings:
    settings = load(path, os.environ, flags)
    if settings.config.server.https and settings.origins["server.host"] == "default":
        # HTTPS is for other machines; without a word about which ones, it is for all.
        settings = load(path, os.environ, {"server.host": Flag("--https", "0.0.0.0"), **flags})
    return settings


def _run(settings: Settings, with_turn: bool, reread: Callable[[], Config]) -> int:
    config = settings.config
    configure(config.log)
    _prepare_process(config)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        try:
            runner.run(_serve(settings, with_turn, reread))
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
        except PortTaken as error:
            return _failed(f"{error.strerror}; choose another one with {_flag_of(error.port, config)}")
        except (ServerError, OSError) as error:
            return _failed(f"cannot serve: {error}")
    return EXIT_OK


async def _serve(settings: Settings, with_turn: bool, reread: Callable[[], Config]) -> None:
    # Who names a port wants that one; who names none wants a server.
    movable = [key for key in ("server.port", "server.https_port") if settings.origins[key] == "default"]
    async with _relayed(settings.config, with_turn) as (with_relay, about_turn):
        config = with_relay(settings.config)

        def announce(where: Listening) -> None:
            if config.log.format == "text":
                _print(announcement(where, config, _command(), turn=about_turn))

        def read_again() -> Config:
            return with_relay(reread())

        if config.server.workers == 1:
            await serve_until_told(config, movable=movable, announce=announce, reread=read_again)
            return
        # Most servers are one process.
        from peerlane.workers.supervisor import supervise

        await supervise(config, movable, announce, read_again)


@asynccontextmanager
async def _relayed(config: Config, with_turn: bool) -> AsyncIterator[tuple[Callable[[Config], Config], str]]:
    """What adds a TURN server of our own to a configuration, and what is announced of it."""
    if not with_turn:
        yield _as_it_is, ""
        return
    # Most servers run without.
    from peerlane.turn import beside
    from peerlane.turn.coturn import INSTALL, TurnError, installed

    if installed() is None:
        log.info("= no TURN server: coturn is not installed", extra={"event": "not-relaying"})
        yield _as_it_is, f"none: coturn is not installed ({INSTALL})"
        return
    state = StateDir(state_dir_path(config.server.state_dir, os.environ))
    relay = beside.Beside(config.server.host, state)
    try:
        told = await relay.start()
    except (TurnError, OSError) as error:
        log.warning("! no TURN server: %s", error)
        yield _as_it_is, "none: coturn did not start, as the log says"
        return
    try:
        log.info("= relaying", extra={"event": "relaying", "port": told.port})
        ours = TurnServers(told.urls, told.secrets, region=config.cluster.region)

        def with_relay(config: Config) -> Config:
            ice = msgspec.structs.replace(config.ice, turn=[ours, *config.ice.turn])
            return msgspec.structs.replace(config, ice=ice)

        yield with_relay, f"UDP and TCP {told.port}"
    finally:
        await relay.stop()


def _as_it_is(config: Config) -> Config:
    return config


def _command() -> str:
    """How this program is called from here: a virtual environment is seldom on the path."""
    program = Path(sys.argv[0])
    if shutil.which("peerlane") or program.name != "peerlane":
        return "peerlane"
    return os.path.relpath(program)


def _prepare_process(config: Config) -> None:
    calm_collector()
    possible = raise_open_files(config.limits.max_sessions)
    if possible is not None and possible < config.limits.max_sessions:
        log.warning(
            "! this process may open %d links only, fewer than limits.max_sessions (%d); raise 'ulimit -n'",
            possible,
            config.limits.max_sessions,
        )


def _flag_of(port: int, config: Config) -> str:
    return "--https-port" if config.server.https and port == config.server.https_port else "--port"


def _failed(text: Any) -> int:
    print(f"peerlane: {text}", file=sys.stderr)
    return EXIT_ERROR


def _print(text: str) -> None:
    """To stdout, whatever its encoding; a reader that has gone does not end the server."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # Nothing more will be written there; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
