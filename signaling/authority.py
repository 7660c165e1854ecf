"""Who may come in with what they present: the one judge of tokens, asked at every hello and every renewal."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import msgspec

from signaling.auth import SpentTokens, Verified, looks_like_a_token, read_token
from signaling.config import Config
from signaling.grants import OPEN, Grants
from signaling.key_sets import KeySets
from signaling.protocol.permissions import Permission

log = logging.getLogger("signaling.authority")

MAX_CALLS = 64
"""Of the back end at once; whoever comes then is refused, and may try again."""
MAX_ANSWER_BYTES = 65_536


class Asking(msgspec.Struct, frozen=True):
    """What a back end is told of somebody who comes."""

    subject: str
    token: str
    address: str
    origin: str
    can: list[Permission]
    """What they would be granted without it."""


Authorize = Callable[[Asking], Awaitable[Grants | None]]
"""An application's own word: other grants, or None for nobody."""


class Answer(msgspec.Struct, frozen=True):
    """Of the back end. ``allow`` false: nobody; what is left out stays as the token has it."""

    allow: bool
    subject: str | None = None
    app: str | None = None
    rooms: list[str] | None = None
    role: str | None = None
    can: list[Permission] | None = None
    metadata: dict[str, Any] | None = None
    expires: float | None = None


class Authority:
    """``authorize`` is the application's own, if it has one."""

    def __init__(self, config: Config, authorize: Authorize | None = None) -> None:
        self._auth = config.auth
        self._tokens = [token.encode() for token in config.server.tokens]
        self._authorize = authorize
        self._keys = KeySets(config.auth)
        self._keys.load()
        self._calls = 0
        self.spent = SpentTokens()

    def renewed(self, config: Config) -> Authority:
        """One that knows this configuration, and which tokens have been spent. Raises UnusableKeys."""
        other = Authority(config, self._authorize)
        other.spent = self.spent
        return other

    async def judge(self, token: str, address: str = "", origin: str = "") -> Verified | str:
        """What somebody with this token (or with none) is granted, or a sentence that says why nothing.

        Never raises for what a client presents.
        """
        found = await self._of_token(token)
        if isinstance(found, str) or (self._authorize is None and not self._auth.authorize_url):
            return found
        if self._calls >= MAX_CALLS:
            return "too many are being judged; try again"
        self._calls += 1
        try:
            return await self._of_application(token, found, address, origin)
        finally:
            self._calls -= 1

    async def _of_token(self, token: str) -> Verified | str:
        presented = token.encode()
        # All of them are compared, so that the time taken does not tell which one was close.
        if sum(hmac.compare_digest(presented, known) for known in self._tokens):
            return Verified(OPEN)
        if not self._auth.is_on:
            return Verified(OPEN)
        if not token:
            guests = frozenset(self._auth.guests)
            asks_others = self._authorize is not None or self._auth.authorize_url
            return Verified(Grants(can=guests)) if guests or asks_others else "a token is needed"
        if not looks_like_a_token(token):
            return "it is not a JSON Web Token"
        keys = await self._keys.keys_for(token, time.monotonic())
        return read_token(token, keys, self._auth, time.time())

    async def _of_application(self, token: str, found: Verified, address: str, origin: str) -> Verified | str:
        asking = Asking(found.grants.subject, token, address, origin, sorted(found.grants.can))
        try:
            if self._authorize is not None:
                grants = await self._authorize(asking)
            else:
                grants = await self._ask(asking, found.grants)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, ValueError) as error:
            log.warning("! the application could not be asked who may come in (%s)", type(error).__name__)
            return "the application could not be asked; try again"
        except Exception:
            # The application's own function: nobody comes in by its mistakes, and nobody else suffers.
            log.exception("! the application's authorize failed")
            return "the application could not be asked; try again"
        return "the application says no" if grants is None else Verified(grants, found.token_id)

    async def _ask(self, asking: Asking, before: Grants) -> Grants | None:
        timeout = aiohttp.ClientTimeout(total=self._auth.authorize_timeout)
        headers = {"Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.post(
                self._auth.authorize_url,
                data=msgspec.json.encode(asking),
                headers=headers,
                allow_redirects=False,
            ) as response,
        ):
            if response.status in (401, 403):
                return None
            if response.status != 200:
                raise ValueError("the back end answers neither 200 nor 403")
            body = await response.content.read(MAX_ANSWER_BYTES)
        answer = msgspec.json.decode(body, type=Answer)
        return _merged(before, answer) if answer.allow else None


def _merged(before: Grants, answer: Answer) -> Grants:
    changes: dict[str, Any] = {
        name: getattr(answer, name)
        for name in ("subject", "app", "role", "metadata", "expires")
        if getattr(answer, name) is not None
    }
    if answer.rooms is not None:
        changes["rooms"] = tuple(answer.rooms)
    if answer.can is not None:
        changes["can"] = frozenset(answer.can)
    return msgspec.structs.replace(before, **changes)
