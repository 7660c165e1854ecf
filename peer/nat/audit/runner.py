"""Asks a TURN server all that a plan has, and writes down what it says."""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
import time
from collections.abc import Callable

from peer.nat.audit.evidence import (
    GRANTED,
    Binding,
    Evidence,
    How,
    Login,
    Permission,
    Quota,
    Relay,
    Tls,
)
from peer.nat.audit.plan import (
    CREDENTIAL_LIFETIME,
    EXPIRED_FOR,
    MAX_QUOTA,
    USER,
    Plan,
    addresses_for,
    end_of,
    rest_credentials,
)
from peer.nat.audit.questions import binding, login, permissions, quota
from peer.nat.audit.visits import Found, Problem, Visit, code_of, knock, old_versions
from peer.nat.endpoints import host_of
from peer.nat.observations import Family
from peer.nat.turn_client import TCP, Credentials, TurnClient
from peer.nat.turn_line import endpoint_text

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""What is being done, and how much of all is done, 0 to 1."""
LONG_LIFETIME = 864_000
"""Seconds, ten days: what no server should keep a relay for."""
QUOTA_PAUSE = 1.2
"""Servers count an allocation for about a second after it has been given back."""
USED_UP = 486
LIMIT = 20
"""Times the timeout of one question: after that the rest is left unasked."""
FAMILIES: tuple[Family, ...] = (4, 6)


async def run(plan: Plan, *, tls: ssl.SSLContext | None = None, progress: Progress | None = None) -> Evidence:
    """Never raises for what the network or the server does. ``tls`` replaces the system's certificates."""
    audit = _Audit(plan, tls, progress or (lambda doing, fraction: None))
    began = time.monotonic()
    try:
        async with asyncio.timeout(LIMIT * plan.timeout):
            await audit.run()
    except TimeoutError:
        log.debug("the audit of %s was not done in time", plan.server)
    return audit.evidence(time.monotonic() - began)


class _Audit:
    def __init__(self, plan: Plan, tls: ssl.SSLContext | None, progress: Progress) -> None:
        self._plan = plan
        self._tls = tls
        self._progress = progress
        self._user = f"{USER}-{secrets.token_hex(4)}"
        self._unix_now = time.time()
        self._found: list[Found] = []
        self._logins: list[Login] = []
        self._relays: list[Relay] = []
        self._permissions: list[Permission] = []
        self._tls_seen: list[Tls] = []
        self._tcp_relay: int | None = None
        self._binding: Binding | None = None
        self._quota: Quota | None = None

    def evidence(self, took: float) -> Evidence:
        return Evidence(
            server=self._plan.server,
            unix_now=self._unix_now,
            took=took,
            has_credentials=self._has_credentials,
            has_secret=bool(self._plan.secret),
            valid_until=end_of(self._plan.username),
            doors=[each.door for each in self._found],
            logins=self._logins,
            relays=self._relays,
            permissions=self._permissions,
            tcp_relay=self._tcp_relay,
            quota=self._quota,
            binding=self._binding,
            tls=self._tls_seen,
        )

    async def run(self) -> None:
        self._progress("looking for the server", 0.0)
        await self._knock()
        visits = [each.visit for each in self._found if each.visit is not None]
        if not visits:
            return
        async with asyncio.TaskGroup() as tasks:
            # Where nothing is wrong these two wait for answers that do not come.
            tasks.create_task(self._ask_for_binding(visits))
            tasks.create_task(self._ask_for_old_tls(visits))
            self._progress("trying passwords that are wrong", 0.1)
            await self._log_in(visits[0])
            if self._has_credentials or self._is_open:
                await self._ask_inside(visits)
        self._progress("done", 1.0)

    async def _ask_inside(self, visits: list[Visit]) -> None:
        for number, visit in enumerate(visits):
            self._progress(f"asking for permissions, {visit.door.url}", 0.2 + 0.5 * number / len(visits))
            for family in FAMILIES:
                await self._ask_for_permissions(visit, family, is_whole=number == 0)
        self._progress("asking for a relay of TCP", 0.7)
        await self._ask_for_tcp(visits)
        if any(relay.code == GRANTED for relay in self._relays):
            self._progress("counting what one user may have", 0.8)
            await self._count(visits[0])

    @property
    def _has_credentials(self) -> bool:
        return bool(self._plan.username or self._plan.secret)

    @property
    def _is_open(self) -> bool:
        return any(each.anonymous == GRANTED for each in self._found)

    def _credentials(self, user: str = "", valid_for: float = CREDENTIAL_LIFETIME) -> Credentials | None:
        """Those that were given, or fresh ones; None where there are none."""
        if self._plan.secret:
            end = int(self._unix_now + valid_for)
            return Credentials(*rest_credentials(self._plan.secret, user or self._user, end))
        return Credentials(self._plan.username, self._plan.password) if self._plan.username else None

    async def _knock(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            knocking = [
                tasks.create_task(knock(door, self._plan.timeout, self._tls)) for door in self._plan.doors
            ]
        self._found = [each.result() for each in knocking]
        codes = {each.anonymous for each in self._found if each.door.is_turn}
        if codes:
            code = GRANTED if GRANTED in codes else next(iter(codes))
            self._logins.append(Login("nobody", code))
        self._tls_seen = [each.tls for each in self._found if each.tls is not None and each.door.is_turn]

    async def _log_in(self, visit: Visit) -> None:
        right = self._credentials()
        if right is not None:
            wrong = Credentials(right.username, f"{right.password}-wrong")
            self._logins.append(Login("wrong-password", await login(visit, wrong)))
        if self._plan.secret:
            past = self._credentials(valid_for=-EXPIRED_FOR)
            assert past is not None
            self._logins.append(Login("expired", await login(visit, past)))

    async def _ask_for_permissions(self, visit: Visit, family: Family, *, is_whole: bool) -> None:
        url = visit.door.url
        try:
            async with visit.client(self._credentials()) as client:
                relay = await self._relay(client, url, family)
                self._relays.append(relay)
                if relay.code != GRANTED:
                    return
                own = host_of(relay.relayed)
                others = addresses_for(family, {own, host_of(client.line.remote)}, is_whole=is_whole)
                ways: tuple[How, ...] = ("permission", "channel") if is_whole else ("permission",)
                self._permissions += await permissions(visit, client, family, [own, *others], ways)
        except Problem as problem:
            log.debug("%s could not be asked for permissions", url, exc_info=True)
            self._relays.append(Relay(url=url, family=family, code=code_of(problem)))

    async def _relay(self, client: TurnClient, url: str, family: Family) -> Relay:
        # Without the attribute it is IPv4, also for servers that do not know it.
        wanted = None if family == 4 else family
        for pause in (min(QUOTA_PAUSE, self._plan.timeout), 0.0):
            try:
                async with asyncio.timeout(self._plan.timeout):
                    given = await client.allocate(family=wanted, lifetime=LONG_LIFETIME)
            except Problem as problem:
                if code_of(problem) == USED_UP and pause:
                    await asyncio.sleep(pause)
                    continue
                return Relay(url=url, family=family, code=code_of(problem))
            return Relay(
                url=url,
                family=family,
                code=GRANTED,
                relayed=endpoint_text(*given.relayed),
                lifetime=given.lifetime,
            )
        raise AssertionError("the last try has returned")

    async def _ask_for_tcp(self, visits: list[Visit]) -> None:
        """RFC 6062, which is only there over a stream."""
        visit = next((each for each in visits if each.door.transport != "udp"), None)
        if visit is None:
            return
        try:
            async with asyncio.timeout(self._plan.timeout), visit.client(self._credentials()) as client:
                await client.allocate(protocol=TCP, lifetime=60)
                self._tcp_relay = GRANTED
        except Problem as problem:
            if self._tcp_relay is None:
                self._tcp_relay = code_of(problem)

    async def _ask_for_binding(self, visits: list[Visit]) -> None:
        visit = next((each for each in visits if each.door.transport == "udp"), None)
        if visit is not None:
            self._binding = await binding(visit)

    async def _ask_for_old_tls(self, visits: list[Visit]) -> None:
        by_url = {each.door.url: each for each in visits}
        for number, seen in enumerate(self._tls_seen):
            spoken = await old_versions(by_url[seen.url])
            self._tls_seen[number] = Tls(
                url=seen.url,
                is_verified=seen.is_verified,
                untrusted=seen.untrusted,
                valid_until=seen.valid_until,
                old_versions=spoken or [],
                is_old_known=spoken is not None,
            )

    async def _count(self, visit: Visit) -> None:
        if not self._plan.secret:
            await asyncio.sleep(min(QUOTA_PAUSE, self._plan.timeout))
        self._quota = await quota(visit, self._credentials(f"{self._user}-quota"), MAX_QUOTA)
