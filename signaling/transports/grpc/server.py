"""gRPC over HTTP/2, at a port of its own: calls come as bytes, so that no input is read twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from signaling.addresses import is_loopback
from signaling.config import Config
from signaling.dialects.grpc_words import unframed
from signaling.origins import bearer, origin_allowed
from signaling.protocol.proto.peerlane.v1.signaling_pb2 import DESCRIPTOR
from signaling.proxies import TrustedProxies
from signaling.transports.door import LinkHost
from signaling.transports.grpc.calls import (
    DETAILS,
    INTERNAL,
    PERMISSION_DENIED,
    UNAUTHENTICATED,
    Failure,
    Method,
    of_turned,
)
from signaling.transports.link import Caller

log = logging.getLogger("signaling.transports.grpc")

CODES = {code.value[0]: code for code in grpc.StatusCode}
SLACK = 1_024
"""Bytes that a message may have around its payload."""
MAX_METADATA_BYTES = 16_384
STREAMS = 1_000
"""At the same time on one connection, which a proxy may share among many clients."""
LOOK = 0.5
"""Seconds between two looks at whether new clients are welcome."""
GRACE = 2.0
"""Seconds that calls get to end when everybody has been told goodbye."""


class ServerCall:
    """One call over HTTP/2."""

    def __init__(self, context: grpc.aio.ServicerContext[bytes, bytes], config: Config) -> None:
        self._context = context
        self._metadata: dict[str, list[str]] = {}
        for name, value in context.invocation_metadata() or ():
            self._metadata.setdefault(str(name), []).append(value if isinstance(value, str) else "")
        proxies = TrustedProxies(config.server.trusted_proxies)
        remote = address_of(context.peer())
        address = proxies.client(remote, self._metadata.get("x-forwarded-for", ()))
        self._origin = self._first("origin")
        self.who = Caller(address, self._origin or "", bearer(self._first("authorization")))
        own = _own_name(config, is_loopback(remote) if remote else False)
        self.name = proxies.host(remote, own, self._first("x-forwarded-host"))

    def why_not(self, host: LinkHost) -> Failure | None:
        config = host.config
        authorization = self._first("authorization")
        verdict = origin_allowed(self._origin, self.name, authorization, config.server, config.auth)
        if not verdict.allowed:
            host.count_refusal("origin")
            code = UNAUTHENTICATED if verdict.wants_token else PERMISSION_DENIED
            return Failure(code, "not-allowed", verdict.reason)
        turned = host.why_not(self.who.address)
        return None if turned is None else of_turned(turned)

    async def read(self) -> bytes | None:
        message = await self._context.read()
        return message if isinstance(message, bytes) else None

    async def write(self, frames: bytes) -> None:
        for message in unframed(frames):
            try:
                await self._context.write(message)
            except (
                grpc.RpcError,
                grpc.aio.UsageError,
                grpc.aio.InternalError,
                asyncio.InvalidStateError,
            ) as error:
                raise ConnectionError("the call has ended") from error

    def _first(self, name: str) -> str | None:
        return next(iter(self._metadata.get(name, ())), None)


class Methods(grpc.GenericRpcHandler):
    """All methods, by their paths: unary or not is the same on the wire."""

    def __init__(self, methods: Mapping[str, Method], host: LinkHost) -> None:
        self._host = host
        self._handlers = {path: self._handler(method) for path, method in methods.items()}

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return self._handlers.get(str(handler_call_details.method))

    def _handler(self, method: Method) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def answer(requests: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
            try:
                await method(ServerCall(context, self._host.config))
                return
            except Failure as error:
                failure = error
            except ConnectionError:
                return
            except Exception:
                log.exception("! a call failed")
                failure = Failure(INTERNAL, "fault", "the server made a mistake; it has been logged")
            trailers = ((DETAILS, failure.details()),)
            await context.abort(CODES[failure.code], failure.text, trailers)

        return grpc.stream_stream_rpc_method_handler(answer)


class GrpcServer:
    """Listens, and says in grpc.health.v1 whether new clients are welcome. ``start`` it, then ``stop`` it."""

    def __init__(
        self,
        host: LinkHost,
        methods: Mapping[str, Method],
        why_not_ready: Callable[[], str | None],
        is_shared: bool,
    ) -> None:
        limits = host.config.limits
        self._why_not_ready = why_not_ready
        self._server = grpc.aio.server(
            handlers=[Methods(methods, host)],
            options=[
                ("grpc.max_receive_message_length", limits.max_message_bytes + SLACK),
                ("grpc.max_metadata_size", MAX_METADATA_BYTES),
                ("grpc.max_concurrent_streams", STREAMS),
                ("grpc.so_reuseport", int(is_shared)),
                # Clients that keep a silent line open say so every half a minute.
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
            maximum_concurrent_rpcs=limits.max_sessions + limits.feed_readers + STREAMS,
        )
        self._health = health_aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._names = [service.full_name for service in DESCRIPTOR.services_by_name.values()]
        known = [*self._names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name]
        reflection.enable_server_reflection([*known, reflection.SERVICE_NAME], self._server)
        self._watching: asyncio.Task[None] | None = None

    async def start(self, hosts: list[str], port: int, pair: tuple[Path, Path | None] | None) -> None:
        """Over TLS with the PEM files of ``pair``. Raises OSError when the port cannot be had."""
        for host in hosts:
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            try:
                if pair is None:
                    self._server.add_insecure_port(address)
                else:
                    self._server.add_secure_port(address, _credentials(*pair))
            except RuntimeError as error:
                raise OSError(f"server.grpc_port: {address} cannot be listened at") from error
        await self._server.start()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await self._health.enter_graceful_shutdown()
        await self._server.stop(GRACE)

    async def _watch(self) -> None:
        states = health_pb2.HealthCheckResponse
        while True:
            is_ready = self._why_not_ready() is None
            state = states.SERVING if is_ready else states.NOT_SERVING
            for name in ("", *self._names):
                await self._health.set(name, state)
            await asyncio.sleep(LOOK)


def address_of(peer: str) -> str:
    """``ipv4:127.0.0.1:1234`` and ``ipv6:%5B::1%5D:1234``, as gRPC writes them."""
    _, _, rest = unquote(peer).partition(":")
    host = rest.rpartition(":")[0]
    return host.removeprefix("[").removesuffix("]").partition("%")[0]


def _own_name(config: Config, is_near: bool) -> str:
    """gRPC does not tell what a client calls its server."""
    if config.cluster.public_url:
        return urlsplit(config.cluster.public_url).hostname or ""
    if is_near:
        return "localhost"
    return "" if config.server.host in ("0.0.0.0", "::") else config.server.host


def _credentials(path: Path, key: Path | None) -> grpc.ServerCredentials:
    def read() -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([_key_and_chain(path, key)])

    kept = [_key_and_chain(path, key)]

    def fetch() -> Any:
        try:
            now = _key_and_chain(path, key)
        except OSError:
            return None
        if now == kept[0]:
            return None
        kept[0] = now
        return read()

    return grpc.dynamic_ssl_server_credentials(read(), fetch)


def _key_and_chain(path: Path, key: Path | None) -> tuple[bytes, bytes]:
    chain = path.read_bytes()
    return chain if key is None else key.read_bytes(), chain
