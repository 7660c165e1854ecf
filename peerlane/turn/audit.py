"""``peerlane turn audit``: whether a TURN server lets anybody in who must stay out."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter

from peer.nat.audit.build import report as report_of
from peer.nat.audit.plan import Options, Plan, plan
from peer.nat.audit.runner import run as run_plan
from peer.nat.audit.visits import insecure as insecure_context
from peerlane.console import EXIT_USAGE, note, run, say_json
from peerlane.nat.progress import Progress
from peerlane.nat.screen import screen_of, show
from peerlane.turn.audit_text import text_of


def audit(
    server: str,
    /,
    *,
    username: Annotated[str, Parameter(help="of the TURN server")] = "",
    password: Annotated[str, Parameter(help="that goes with it", env_var="PEERLANE_TURN_PASSWORD")] = "",
    secret: Annotated[
        str,
        Parameter(
            help="instead: what the TURN server shares with the signaling server",
            env_var="PEERLANE_TURN_SECRET",
        ),
    ] = "",
    insecure: Annotated[bool, Parameter(help="do not look whose certificate it is", negative=())] = False,
    timeout: Annotated[float, Parameter(help="seconds to wait for an answer")] = 5.0,
    json: Annotated[bool, Parameter(help="one JSON object instead of text", negative=())] = False,
) -> int:
    """Ask a TURN server for what it must refuse, and say what is wrong with it and which line mends it.

    A server is turn:HOST[:PORT][?transport=tcp], turns:HOST[:PORT], or just a host. Only permissions are
    asked for: nothing is ever sent through the server to the addresses that it must not reach.

    Exit codes: 0 nothing is wrong, 3 something is, 4 no TURN server answers, 5 the credentials are refused.
    """
    planned = plan(
        Options(server=server, username=username, password=password, secret=secret, timeout=timeout)
    )
    if not isinstance(planned, Plan):
        for problem in planned:
            note(f"peerlane: {problem}")
        return EXIT_USAGE
    return run(_audit(planned, is_insecure=insecure, is_json=json))


async def _audit(planned: Plan, *, is_insecure: bool, is_json: bool) -> int:
    tls = insecure_context() if is_insecure else None
    with Progress(has_bar=True) as progress:
        report = report_of(await run_plan(planned, tls=tls, progress=progress))
    if is_json:
        say_json(**msgspec.to_builtins(report))
    else:
        show(text_of(report, screen_of(sys.stdout)))
    return report.verdict.exit_code
