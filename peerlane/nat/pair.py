"""``peerlane nat pair``: two ends meet in a room, connect, and say how, and how well."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter

from peer.nat.pair.build import report as report_of
from peer.nat.pair.runner import PairOptions
from peer.nat.pair.runner import run as meet
from peer.signaling_client.address import AddressError, signaling_url
from peerlane.console import EXIT_USAGE, note, printable, run, say_json
from peerlane.nat.progress import Progress
from peerlane.nat.screen import screen_of, show
from peerlane.nat.text import document


def pair(
    url: str,
    room: str,
    /,
    *,
    name: Annotated[str, Parameter(help="what the other end sees")] = "",
    token: Annotated[str, Parameter(help="where the server asks programs for one")] = "",
    insecure: Annotated[bool, Parameter(help="accept a certificate that nobody vouches for")] = False,
    relay_only: Annotated[bool, Parameter(help="only over TURN servers, to test those")] = False,
    seconds: Annotated[float, Parameter(help="how long to send for, each way")] = 2.0,
    timeout: Annotated[float, Parameter(help="how many seconds to wait for the other end")] = 300.0,
    json: Annotated[bool, Parameter(help="one JSON object instead of text", negative=())] = False,
) -> int:
    """Connect two ends, and say which path was taken, why not another one, and how good it is.

    Start it on both machines with the same server and the same room; both get a report.

    Exit codes: 0 direct, 3 by a relay, 4 no connection, 5 the server refused the token.
    """
    problems = _problems(url, seconds, timeout)
    for problem in problems:
        note(f"peerlane: {problem}")
    if problems:
        return EXIT_USAGE
    options = PairOptions(
        name=name,
        token=token,
        verify=not insecure,
        relay_only=relay_only,
        seconds=seconds,
        timeout=timeout,
    )

    def waiting() -> None:
        flags = (" --token TOKEN" if token else "") + (" --insecure" if insecure else "")
        note(f"* waiting for the other end in {printable(room)}; start it there with")
        note(f"  peerlane nat pair {printable(shlex.join((url, room)))}{flags}")

    async def test() -> int:
        with Progress() as progress:
            report = report_of(await meet(url, room, options, waiting=waiting, tell=progress))
        if json:
            say_json(**msgspec.to_builtins(report))
        else:
            show(document(report.verdict, report.sections, screen_of(sys.stdout)))
        return report.verdict.exit_code

    return run(test())


def _problems(url: str, seconds: float, timeout: float) -> list[str]:
    problems = []
    try:
        signaling_url(url)
    except AddressError as error:
        problems.append(str(error))
    if not 0.1 <= seconds <= 60:
        problems.append("--seconds is between 0.1 and 60")
    if not timeout > 0:
        problems.append("--timeout is a number of seconds above 0")
    return problems
