"""The whole server, put together: pages, links, status, STUN, and the sockets they are reached at."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from signaling import addresses, certificate, listening
from signaling.config import Config
from signaling.feed import Feed
from signaling.logs import dropped, quiet_bad_requests
from signaling.metrics import Metrics
from signaling.node import Node
from signaling.pages import add_security_headers
from signaling.process import has_compiled_parser
from signaling.reloader import Reloader
from signaling.routes import routes
from signaling.secret_files import read_file, watch
from signaling.stalls import Stalls
from signaling.state_dir import StateDir, state_dir_path
from signaling.stun_server import StunServer, public_pair, start_stun
from signaling.tracing import OFF, traced

log = logging.getLogger("signaling.app")

NODE = web.AppKey("node", Node)
FEED = web.AppKey("feed", Feed)

# Nothing here reads a body.
MAX_BODY_BYTES = 1_024
# The node has said goodbye to its links already; pages under way get this long.
SHUTDOWN_TIMEOUT = 2.0


class ServerError(Exception):
    """This machine or this installation cannot run the server; the text says what to do."""


class Listening(msgspec.Struct, frozen=True):
    """Where a started server is reached."""

    local: str
    """URL for this machine."""
    network: list[str]
    """URLs for other machines, IPv4 first."""
    port: int
    https_port: int | None
    stun_port: int | None
    grpc_port: int | None = None

    @property
    def is_secure(self) -> bool:
        """Other machines come over HTTPS, so their browsers give camera and microphone."""
        return any(url.startswith("https:") for url in self.network)


def create_app(
    config: Config, *, ticket_key: bytes | None = None, metrics: Metrics | None = None
) -> web.Application:
    """The web application; starting it starts the node, shutting it down says goodbye to all.

    Without ``ticket_key`` the configured one is used, or the one in the state directory.
    Raises OSError when the state directory, or a file with secrets of a TURN server, cannot be used.
    """
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    node = Node(config, metrics or Metrics(), ticket_key or ticket_key_of(config, os.environ))
    for path in _secret_files(config):
        node.use_turn_secrets(path, read_file(path))
    app[NODE] = node
    if node.tracer is not OFF:
        app.middlewares.append(traced(node.tracer))
    feed = app[FEED] = Feed(node)
    app.add_routes(routes(node, feed))
    app.on_response_prepare.append(add_security_headers)
    app.cleanup_ctx.append(_run_node)
    # Before aiohttp cuts the connections: last words need them.
    app.on_shutdown.append(_drain)

    async def end_feed(app: web.Application) -> None:
        await feed.close()

    app.on_shutdown.append(end_feed)
    return app


async def _run_node(app: web.Application) -> AsyncIterator[None]:
    node = app[NODE]
    node.start()
    watching = asyncio.create_task(watch(_secret_files(node.config), node.use_turn_secrets))
    yield
    await _end(watching)
    await node.stop()


def _secret_files(config: Config) -> list[str]:
    return list(dict.fromkeys(turn.secret_file for turn in config.ice.turn if turn.secret_file))


async def _drain(app: web.Application) -> None:
    await app[NODE].drain()


def ticket_key_of(config: Config, environ: Mapping[str, str]) -> bytes:
    """The configured ticket key, or the one kept in the state directory."""
    return config.server.ticket_key.encode() or _state(config, environ).ticket_key()


def _state(config: Config, environ: Mapping[str, str]) -> StateDir:
    return StateDir(state_dir_path(config.server.state_dir, environ))


class Sharing(msgspec.Struct, frozen=True):
    """Of several processes that listen at the same ports."""

    finds_ports: bool
    """The first one; for the others they are known."""
    answers_stun: bool
    """One of them does."""
    stun_port: int | None = None
    """Where, for the others to tell their clients."""
    own_port: int | None = None
    """At this machine's loopback, where this very process is reached."""


class Server:
    """A server with its sockets. ``start`` it, and ``stop`` it when it has started.

    Of ``movable`` settings (``server.port``, ``server.https_port``) a port in use is passed over for
    the next free one. ``reread`` makes the configuration anew, for :meth:`reload`; ``sharing`` is for
    one of several processes.
    """

    def __init__(
        self,
        config: Config,
        *,
        movable: Collection[str] = (),
        environ: Mapping[str, str] = os.environ,
        reread: Callable[[], Config] | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        self.config = config
        self._sharing = sharing
        self.metrics = Metrics()
        self._movable = movable
        self._environ = environ
        self._asked_to_reload = asyncio.Event()
        self._reread = reread
        self._reloader: Reloader | None = None
        self._closing = contextlib.AsyncExitStack()

    async def start(self) -> Listening:
        """Listen and serve. Raises ServerError, or OSError for sockets and files, and leaves nothing open."""
        if not has_compiled_parser():
            self._complain_about_parser()
        quiet_bad_requests()
        config = self.config
        key = ticket_key_of(config, self._environ)
        async with contextlib.AsyncExitStack() as stack:
            context = await self._tls(stack) if config.server.https else None
            http, https = self._listen(stack)
            app = create_app(config, ticket_key=key, metrics=self.metrics)
            stun = await self._start_stun(stack)
            stun_port = self._stun_port_elsewhere() if stun is None else stun.port
            app[NODE].stun_port = stun_port
            app[NODE].stun_alternates = [] if stun is None else stun.alternates
            runner = web.AppRunner(
                app,
                access_log=None,
                # aiohttp's own is an hour, and bounds a request that never becomes whole too.
                keepalive_timeout=config.limits.header_timeout,
                lingering_time=config.limits.header_timeout,
                shutdown_timeout=SHUTDOWN_TIMEOUT,
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            for sockets, tls in ((http, None), (https, context)):
                await self._accept(stack, runner, sockets, tls)
            await self._start_grpc(stack, app)
            await self._watch_over(stack, app[NODE])
            # Runs first when the stack is closed: the listeners still tell newcomers to go elsewhere.
            stack.push_async_callback(app[NODE].drain)
            self._closing = stack.pop_all()
        return self._where(http, https, stun_port)

    async def stop(self) -> None:
        """Refuse new links, say goodbye to all, and close everything. Takes a few seconds at the most."""
        await self._closing.aclose()

    def reload(self) -> None:
        """Look at the settings, and at the files of the certificate, now."""
        self._asked_to_reload.set()
        if self._reloader is not None:
            self._reloader.ask()

    async def _watch_over(self, stack: contextlib.AsyncExitStack, node: Node) -> None:
        self.metrics.log_dropped = dropped
        stalls = Stalls(self.metrics)
        stalls.start(asyncio.get_running_loop())
        stack.callback(stalls.stop)
        if self._reread is not None:
            self._reloader = Reloader(node, self._reread, lambda config: ticket_key_of(config, self._environ))
            stack.push_async_callback(_end, asyncio.create_task(self._reloader.run()))

    def _complain_about_parser(self) -> None:
        text = "aiohttp's compiled HTTP parser is missing; the one in Python is slow and accepts too much"
        if not self.config.server.allow_python_parser:
            raise ServerError(
                f"{text}. Unset AIOHTTP_NO_EXTENSIONS and install aiohttp from a wheel, "
                "or set server.allow_python_parser = true."
            )
        log.warning("! %s", text)

    async def _tls(self, stack: contextlib.AsyncExitStack) -> ssl.SSLContext:
        server = self.config.server
        if server.certificate:
            path, key = Path(server.certificate), Path(server.key)
            renew: Callable[[], object] = bool
        else:
            path, key = self._keep_own_certificate(), None
            renew = self._keep_own_certificate
        known = certificate.read_pair(path, key)
        context = certificate.file_context(path, key)
        keeping = asyncio.create_task(
            certificate.keep_current(context, path, key, known, self._asked_to_reload, renew)
        )
        stack.push_async_callback(_end, keeping)
        return context

    def _keep_own_certificate(self) -> Path:
        names = addresses.certificate_names(addresses.lan_addresses())
        return certificate.keep_own(_state(self.config, self._environ), names, time.time())

    def _listen(self, stack: contextlib.AsyncExitStack) -> tuple[list[socket.socket], list[socket.socket]]:
        server = self.config.server
        hosts = listening.bind_hosts(server.host)
        wanted = [("server.port", listening.loopback_hosts() if server.https else hosts, server.port)]
        if server.https:
            wanted.append(("server.https_port", hosts, server.https_port))
        opened: list[list[socket.socket]] = []
        for setting, addresses_to_bind, port in wanted:
            sockets = listening.listen(
                addresses_to_bind,
                port,
                next_free=setting in self._movable,
                is_shared=self._sharing is not None,
                joins=self._sharing is not None and not self._sharing.finds_ports,
            )
            opened.append(sockets)
            for each in sockets:
                stack.callback(each.close)
        http, https = opened[0], opened[1] if server.https else []
        if self._sharing is not None and self._sharing.own_port is not None:
            own = listening.listen(listening.loopback_hosts(), self._sharing.own_port)
            for each in own:
                stack.callback(each.close)
            http = [*http, *own]
        return http, https

    async def _accept(
        self,
        stack: contextlib.AsyncExitStack,
        runner: web.AppRunner,
        sockets: list[socket.socket],
        tls: ssl.SSLContext | None,
    ) -> None:
        assert runner.server is not None
        loop = asyncio.get_running_loop()
        timeout = self.config.limits.header_timeout if tls is not None else None
        for each in sockets:
            # Not a web.SockSite: it leaves a silent TLS client 60 seconds.
            server = await loop.create_server(
                runner.server, sock=each, ssl=tls, backlog=listening.BACKLOG, ssl_handshake_timeout=timeout
            )
            stack.callback(server.close)

    async def _start_grpc(self, stack: contextlib.AsyncExitStack, app: web.Application) -> None:
        server, node = self.config.server, app[NODE]
        if server.grpc_port == 0:
            return
        try:
            # Only who wants it needs the packages.
            from signaling.grpc_api import methods
            from signaling.transports.grpc.server import GrpcServer
        except ImportError as error:
            raise ServerError("server.grpc_port needs: pip install 'peerlane[grpc]'") from error
        grpc = GrpcServer(node, methods(node, app[FEED]), node.why_not_ready, self._sharing is not None)
        stack.push_async_callback(grpc.stop)
        # Readers of the feed would wait for the end of the application, which comes later.
        stack.push_async_callback(app[FEED].close)
        pair = None
        if server.https:
            chain = Path(server.certificate) if server.certificate else self._keep_own_certificate()
            pair = (chain, Path(server.key) if server.certificate else None)
        await grpc.start(listening.bind_hosts(server.host), server.grpc_port, pair)

    async def _start_stun(self, stack: contextlib.AsyncExitStack) -> StunServer | None:
        server = self.config.server
        if server.stun_port == 0 or (self._sharing is not None and not self._sharing.answers_stun):
            return None
        hosts = listening.bind_hosts(server.host)
        is_alone = server.host in ("0.0.0.0", "::") and not server.stun_alternate
        alternates = public_pair(addresses.lan_addresses()) if is_alone else server.stun_alternate
        stun = await start_stun(hosts, server.stun_port, self.metrics, alternates)
        stack.callback(stun.close)
        return stun

    def _stun_port_elsewhere(self) -> int | None:
        return None if self._sharing is None else self._sharing.stun_port

    def _where(
        self, http: list[socket.socket], https: list[socket.socket], stun_port: int | None
    ) -> Listening:
        server = self.config.server
        port = listening.port_of(http)
        only_here = addresses.is_loopback(server.host)
        if server.https or only_here or server.host in ("0.0.0.0", "::"):
            local = f"http://localhost:{port}/"
        else:
            local = f"http://{addresses.url_host(server.host)}:{port}/"
        https_port = listening.port_of(https) if https else None
        scheme, network_port = ("http", port) if https_port is None else ("https", https_port)
        hosts = [] if only_here else _reachable(server.host)
        network = [f"{scheme}://{addresses.url_host(host)}:{network_port}/" for host in hosts]
        return Listening(local, network, port, https_port, stun_port, server.grpc_port or None)


def _reachable(host: str) -> list[str]:
    """What other machines call a server that listens at this host."""
    if host not in ("0.0.0.0", "::"):
        return [host]
    return [address for address in addresses.lan_addresses() if host == "::" or ":" not in address]


async def serve(
    config: Config,
    *,
    movable: Collection[str] = (),
    announce: Callable[[Listening], None] = lambda where: None,
    reread: Callable[[], Config] | None = None,
    sharing: Sharing | None = None,
) -> None:
    """Run a server until SIGTERM or SIGINT, then leave within ``server.grace`` seconds.

    ``announce`` is told where it listens; ``movable``, ``reread`` (for SIGHUP) and ``sharing`` are as for
    :class:`Server`.
    A second signal ends the process at once. Raises as :meth:`Server.start`.
    """
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _first_signal, loop, asked_to_stop)
    server = Server(config, movable=movable, reread=reread, sharing=sharing)
    where = await server.start()
    if sys.platform != "win32":
        loop.add_signal_handler(signal.SIGHUP, server.reload)
    try:
        log.info("= listening", extra={"event": "listening", **msgspec.structs.asdict(where)})
        announce(where)
        await asked_to_stop.wait()
        log.info("x leaving: clients are told to come back elsewhere", extra={"event": "leaving"})
    finally:
        try:
            async with asyncio.timeout(config.server.grace):
                await server.stop()
        except TimeoutError:
            log.warning("! not everything was closed within server.grace (%s s)", config.server.grace)
    log.info("x stopped", extra={"event": "stopped"})


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _first_signal(loop: asyncio.AbstractEventLoop, asked_to_stop: asyncio.Event) -> None:
    asked_to_stop.set()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        # Whoever asks twice does not want to wait for goodbyes.
        signal.signal(number, signal.SIG_DFL)
