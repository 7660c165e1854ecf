"""``peerlane drain``: a node sends its clients to the others, and this command waits until it is empty."""

from __future__ import annotations

import asyncio
import ssl
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import msgspec
from cyclopts import Parameter

from peer.errors import PeerlaneError
from peer.signaling_client.address import signaling_url
from peerlane.console import EXIT_OK, SERVER_TIMEOUT, note, run, say_json
from signaling.answers import DrainState

STEP = 0.5
"""Seconds between two looks at how far it is."""
ADVICE = {
    401: "the token is none of the server's server.admin_tokens",
    404: "the server has no admin API: give it server.admin_tokens, and let no proxy keep /v1/admin away",
    429: "too many wrong tokens from here; try again in a minute",
}


class DrainError(PeerlaneError):
    """The node cannot be asked to leave."""


def drain(
    url: str,
    /,
    *,
    token: Annotated[str, Parameter(help="one of server.admin_tokens", env_var="PEERLANE_ADMIN_TOKEN")],
    timeout: Annotated[float, Parameter(help="for how many seconds to wait")] = 120.0,
    wait: Annotated[bool, Parameter(help="do not come back before everybody has gone")] = True,
    json: Annotated[bool, Parameter(help="one JSON object a line, for programs")] = False,
    insecure: Annotated[bool, Parameter(help="accept a certificate that nobody vouches for")] = False,
) -> int:
    """Make one node leave: nobody new comes in, and its clients go to the other nodes.

    The process goes on without clients; stop it when this command is done.
    """

    async def leave() -> int:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SERVER_TIMEOUT)) as http:
            node = Node(http, url, token, verify=not insecure)
            state = await node.ask("POST")
            report(state, json)
            try:
                async with asyncio.timeout(timeout):
                    while wait and state.state != "left":
                        await asyncio.sleep(STEP)
                        before, state = state, await node.ask("GET")
                        if state != before:
                            report(state, json)
            except TimeoutError:
                raise DrainError(f"after {timeout:g} s {_left(state)} left; the node goes on") from None
        return EXIT_OK

    return run(leave())


class Node:
    """The admin API of one node."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str, *, verify: bool) -> None:
        parts = urlsplit(signaling_url(url))
        scheme = "https" if parts.scheme == "wss" else "http"
        base = parts.path.removesuffix("/v1/ws").rstrip("/")
        self._http = http
        self._url = urlunsplit((scheme, parts.netloc, f"{base}/v1/admin/drain", "", ""))
        self._headers = {"Authorization": f"Bearer {token}"}
        self._tls: ssl.SSLContext | bool = verify

    async def ask(self, method: str) -> DrainState:
        """How far it is. Raises DrainError."""
        try:
            async with self._http.request(
                method, self._url, headers=self._headers, ssl=self._tls, allow_redirects=False
            ) as answer:
                body = await answer.content.read(65_536)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DrainError(f"the node cannot be reached: {str(error) or type(error).__name__}") from error
        if answer.status not in (200, 202):
            raise DrainError(ADVICE.get(answer.status, f"the node answers with status {answer.status}"))
        try:
            return msgspec.json.decode(body, type=DrainState)
        except msgspec.MsgspecError as error:
            raise DrainError("what answers there is no Peerlane server of this version") from error


def report(state: DrainState, is_json: bool) -> None:
    told: dict[str, Any] = msgspec.structs.asdict(state)
    if is_json:
        say_json(event="drain", **told)
    elif state.state == "left":
        note("everybody has gone; the process may be stopped now")
    else:
        others = f"{state.nodes} other nodes take them" if state.nodes else "no other node is there"
        note(f"leaving: {_left(state)} left; {others}")


def _left(state: DrainState) -> str:
    return f"{state.links} links and {state.sessions} sessions are"
