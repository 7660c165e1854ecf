"""``peerlane nat check``: what this network lets through, in a few seconds."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Annotated

import msgspec
from cyclopts import Parameter

from peer.nat.anonymous import anonymized
from peer.nat.build import report as report_of
from peer.nat.plan import Options, Plan, plan
from peer.nat.report import Report
from peer.nat.runner import run as run_plan
from peerlane.console import EXIT_OK, EXIT_USAGE, note, run, say_json
from peerlane.nat.changes import changes
from peerlane.nat.progress import Progress
from peerlane.nat.screen import screen_of, show
from peerlane.nat.text import text_of


def check(
    *servers: Annotated[str, Parameter(help="https://…, stun:…, turn:… or turns:…")],
    username: Annotated[str, Parameter(help="of the TURN servers")] = "",
    password: Annotated[str, Parameter(help="that goes with it", env_var="PEERLANE_TURN_PASSWORD")] = "",
    secret: Annotated[
        str,
        Parameter(
            help="instead: what they share with their signaling server", env_var="PEERLANE_TURN_SECRET"
        ),
    ] = "",
    token: Annotated[str, Parameter(help="of the Peerlane server, where it asks programs for one")] = "",
    hairpin: Annotated[
        bool,
        Parameter(
            help="also send to our own public address; some firewalls take it for an attack", negative=()
        ),
    ] = False,
    lifetime: Annotated[
        bool, Parameter(help="also measure for how long a silent mapping lives; takes minutes", negative=())
    ] = False,
    port_mapping: Annotated[bool, Parameter(help="ask the router for UPnP, NAT-PMP and PCP")] = True,
    hops: Annotated[bool, Parameter(help="look for the routers on the way")] = True,
    insecure: Annotated[
        bool, Parameter(help="accept a certificate that nobody vouches for", negative=())
    ] = False,
    timeout: Annotated[float, Parameter(help="seconds for all of it, without --lifetime")] = 5.0,
    json: Annotated[bool, Parameter(help="one JSON object instead of text", negative=())] = False,
    watch: Annotated[
        float | None, Parameter(help="again after so many seconds; tells what has changed")
    ] = None,
    anonymize: Annotated[
        bool, Parameter(help="without addresses and names, for a bug report", negative=())
    ] = False,
) -> int:
    """Say what this network lets through, and what connections to expect with others.

    A server is a Peerlane server (https://example.org), stun:host:port, turn:host or turns:host. Nothing
    is contacted but these, what a Peerlane server names, and your own router.

    Exit codes: 0 direct with most networks, 3 only by a relay, 4 nothing can be reached, 5 refused.
    """
    planned = plan(
        Options(
            servers=list(servers),
            username=username,
            credential=password,
            secret=secret,
            token=token,
            hairpin=hairpin,
            lifetime=lifetime,
            port_mappers=port_mapping,
            hops=hops,
            insecure=insecure,
            timeout=timeout,
        ),
        unix_now=time.time(),
    )
    problems = [] if isinstance(planned, Plan) else list(planned)
    if watch is not None and not watch > 0:
        problems.append("--watch needs a number of seconds above 0")
    if problems or not isinstance(planned, Plan):
        for problem in problems:
            note(f"peerlane: {problem}")
        return EXIT_USAGE
    checking = Check(planned, is_json=json, is_anonymous=anonymize, has_bar=lifetime)
    return run(checking.once() if watch is None else checking.watch(watch))


class Check:
    """One report, or one after the other."""

    def __init__(self, planned: Plan, *, is_json: bool, is_anonymous: bool, has_bar: bool) -> None:
        self._plan = planned
        self._is_json = is_json
        self._is_anonymous = is_anonymous
        self._has_bar = has_bar
        self._latest: Report | None = None

    async def once(self) -> int:
        """Look, and show the report; its exit code."""
        with Progress(has_bar=self._has_bar) as progress:
            report = report_of(await run_plan(self._plan, progress))
        if self._is_anonymous:
            report = anonymized(report)
        before, self._latest = self._latest, report
        if self._is_json:
            say_json(**msgspec.to_builtins(report))
        elif before is None:
            show(text_of(report, screen_of(sys.stdout)))
        else:
            told = changes(before, report)
            clock = time.strftime("%H:%M:%S")
            for line in told or ["no change"]:
                show(f"{clock}  {line}")
        return report.verdict.exit_code

    async def watch(self, seconds: float) -> int:
        """Until interrupted; then the exit code of the last report, if there is one."""
        code = EXIT_OK
        try:
            while True:
                code = await self.once()
                await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if self._latest is None:
                raise
            return code
