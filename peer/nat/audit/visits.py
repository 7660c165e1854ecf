"""The ways to a TURN server: which of them are open, and new lines through those that are."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aioice.stun import TransactionFailed, TransactionTimeout
from cryptography import x509

from peer.engine.ice.allocation import AddressInfo, look_up
from peer.engine.ice.servers import ServerAddress
from peer.engine.ice.troubles import WORDS, trouble_of
from peer.nat.audit.evidence import GRANTED, Door, Tls
from peer.nat.turn_client import Credentials, TurnClient, turn_client
from peer.nat.turn_line import NotTurnError, open_line

log = logging.getLogger(__name__)

STRANGE = (400, 404, 405, 420)
"""Answers to an allocation of who knows STUN, and not TURN."""
OLD = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}
HANDSHAKE_TIMEOUT = 2.0
MAX_PATIENCE = 2.5

Problem = (TransactionFailed, TransactionTimeout, NotTurnError, OSError, TimeoutError)
"""All that a question to a server can end with, ssl.SSLError among them."""


def code_of(problem: BaseException) -> int | None:
    """What the server has said; None when it has not."""
    return (problem.response.error_code or 500) if isinstance(problem, TransactionFailed) else None


class Visit:
    """A way that is open."""

    def __init__(
        self,
        door: ServerAddress,
        addresses: Sequence[AddressInfo],
        tls: ssl.SSLContext | None,
        patience: float,
    ) -> None:
        self.door = door
        self.addresses = addresses
        self.patience = patience
        """Seconds for the answer to one question."""
        self._tls = tls

    @asynccontextmanager
    async def client(
        self, credentials: Credentials | None, *, is_checking: bool = True
    ) -> AsyncIterator[TurnClient]:
        """On a line of its own. Raises OSError and ssl.SSLError."""
        line = await open_line(self.door, self.addresses, self._tls)
        async with turn_client(line, credentials, is_checking=is_checking) as client:
            yield client


class Found:
    """What a way has turned out to be."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.visit: Visit | None = None
        self.anonymous: int | None = None
        """What an allocation without credentials has come to, as in Permission."""
        self.tls: Tls | None = None


async def knock(door: ServerAddress, timeout: float, tls: ssl.SSLContext | None) -> Found:
    """Ask for an allocation without credentials; takes ``timeout`` seconds at the most, and never raises."""
    found = Found(Door(url=door.url, transport=door.transport))
    try:
        async with asyncio.timeout(timeout):
            addresses = await look_up(door, timeout)
            if door.transport == "tls":
                if tls is None:
                    tls = await asyncio.to_thread(ssl.create_default_context)
                found.tls, tls = await _handshake(door, addresses, tls)
            for ways in _ways(door, addresses):
                await _ask(found, Visit(door, ways, tls, min(timeout / 2, MAX_PATIENCE)))
                if found.visit is not None:
                    break
    except Exception as error:
        log.debug("%s could not be asked", door.url, exc_info=True)
        _explain(found, door, error)
    return found


async def _ask(found: Found, visit: Visit) -> None:
    door, address, software = visit.door, "", ""
    try:
        async with asyncio.timeout(visit.patience), visit.client(None) as client:
            address = client.line.remote
            try:
                await client.allocate(lifetime=60)
                found.anonymous = GRANTED
            except TransactionFailed as failure:
                found.anonymous = code_of(failure)
            software = client.software
    except Problem as error:
        log.debug("%s did not answer at one of its addresses", door.url, exc_info=True)
        _explain(found, door, error, address)
        return
    is_turn = found.anonymous not in STRANGE
    found.door = Door(
        url=door.url,
        transport=door.transport,
        address=address,
        is_turn=is_turn,
        software=software,
        code=0 if is_turn else 400,
        trouble="" if is_turn else WORDS[400],
    )
    if is_turn:
        found.visit = visit


def _ways(door: ServerAddress, addresses: Sequence[AddressInfo]) -> list[Sequence[AddressInfo]]:
    """Over UDP one address after the other; a stream finds by itself which can be reached."""
    return [[each] for each in addresses] if door.transport == "udp" else [addresses]


def _explain(found: Found, door: ServerAddress, error: Exception, address: str = "") -> None:
    said = trouble_of(door, error, time.time())
    found.door = Door(
        url=door.url, transport=door.transport, address=address, code=said.code, trouble=said.text
    )


# TLS


async def _handshake(
    door: ServerAddress, addresses: Sequence[AddressInfo], tls: ssl.SSLContext
) -> tuple[Tls, ssl.SSLContext]:
    """What is wrong with the certificate, and a context with which the audit can go on all the same."""
    is_verified = tls.verify_mode is not ssl.CERT_NONE
    untrusted = ""
    try:
        valid_until = await _valid_until(door, addresses, tls)
    except ssl.SSLCertVerificationError as error:
        untrusted = getattr(error, "verify_message", "") or "not trusted"
        tls = insecure()
        valid_until = await _valid_until(door, addresses, tls)
    seen = Tls(url=door.url, is_verified=is_verified, untrusted=untrusted, valid_until=valid_until)
    return seen, tls


async def _valid_until(
    door: ServerAddress, addresses: Sequence[AddressInfo], tls: ssl.SSLContext
) -> float | None:
    line = await open_line(door, addresses, tls)
    try:
        certificate = line.tls.getpeercert(True) if line.tls is not None else None
        if certificate is None:
            return None
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except ValueError:
        return None  # a certificate that cannot be read
    finally:
        line.close()


async def old_versions(visit: Visit) -> list[str] | None:
    """Those of TLS 1.0 and 1.1 that the server speaks; None when this machine cannot speak them."""
    if not (ssl.HAS_TLSv1 and ssl.HAS_TLSv1_1):
        return None
    async with asyncio.TaskGroup() as tasks:
        trying = {name: tasks.create_task(_speaks(visit, version)) for name, version in OLD.items()}
    return [name for name, task in trying.items() if task.result()]


async def _speaks(visit: Visit, version: ssl.TLSVersion) -> bool:
    # coturn does not even answer to versions that it does not speak.
    try:
        async with asyncio.timeout(min(HANDSHAKE_TIMEOUT, visit.patience)):
            (await open_line(visit.door, visit.addresses, insecure(version))).close()
    except (OSError, TimeoutError):
        log.debug("%s does not speak %s", visit.door.url, version, exc_info=True)
        return False
    return True


def insecure(only: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A context that asks nobody whose certificate it is; of one version alone, whatever that is worth."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if only is not None:
        with warnings.catch_warnings():
            # That they are old is why they are asked for.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = only
            context.maximum_version = only
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context
