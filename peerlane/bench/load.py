"""``peerlane bench load``: many members at once, and what became of everything that they said."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Annotated

import msgspec
from cyclopts import Parameter

from peer.errors import PeerlaneError
from peer.signaling_client.address import AddressError, signaling_url
from peerlane.bench.plan import Pattern, Plan, problems
from peerlane.bench.report import as_json, is_clean, live_line, table
from peerlane.bench.run import Run, WorkerError, running
from peerlane.bench.server import at_loopback, limit_of_open_files, require_server, usual_sources
from peerlane.bench.tally import Tally
from peerlane.bench.view import View
from peerlane.console import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, note, run, say_json
from peerlane.nat.screen import screen_of, show


def load(
    url: Annotated[str, Parameter(help="of the server: https://…, http://…, wss://… or ws://…")],
    *more: Annotated[str, Parameter(help="further nodes of it; members are spread over all")],
    rooms: Annotated[int, Parameter(help="how many rooms")] = 10,
    peers: Annotated[int, Parameter(help="members of each room")] = 8,
    rate: Annotated[float, Parameter(help="messages a second, of all together; 0: all are silent")] = 100.0,
    pattern: Annotated[Pattern, Parameter(help="who says what to whom")] = "mesh",
    duration: Annotated[float, Parameter(help="seconds, once all are in")] = 10.0,
    ramp: Annotated[
        float, Parameter(help="links a second at the start; 0: as the server takes them")
    ] = 200.0,
    churn: Annotated[float, Parameter(help="of the pattern churn: visitors a second")] = 10.0,
    bytes: Annotated[int, Parameter(help="length of what a message carries")] = 200,
    wait: Annotated[float, Parameter(help="seconds for what is still on the way at the end")] = 10.0,
    processes: Annotated[int, Parameter(help="of the generator")] = 1,
    sources: Annotated[
        int, Parameter(help="loopback addresses to come from; 0: as many as the server's limits need")
    ] = 0,
    token: Annotated[
        str, Parameter(help="where the server asks programs for one", env_var="PEERLANE_TOKEN")
    ] = "",
    insecure: Annotated[
        bool, Parameter(help="accept a certificate that nobody vouches for", negative=())
    ] = False,
    json: Annotated[bool, Parameter(help="one JSON object instead of the table", negative=())] = False,
) -> int:
    """Load a server, and count exactly what was lost, came twice or was overtaken.

    Messages are sent at their planned moments, whatever the server does; their time is counted from there.

    Patterns: mesh, everybody to everybody in the room. star, one with all others, to and fro. fanout, one
    broadcasts to all. churn, mesh while visitors come and go, and some lose their link. storm, mesh, and all
    lose their link at once.
    """
    if find_spec("picows") is None:
        note("peerlane: this needs a fast WebSocket client: pip install 'peerlane[bench]'")
        return EXIT_ERROR
    try:
        addresses = [signaling_url(each) for each in (url, *more)]
    except AddressError as error:
        note(f"peerlane: {error}")
        return EXIT_USAGE
    plan = Plan(
        addresses, f"load-{secrets.token_hex(4)}", pattern, rooms, peers, rate, duration, ramp, churn,
        processes=processes, sources=sources or 1, payload_bytes=bytes, wait=wait, token=token,
        insecure=insecure,
    )  # fmt: skip
    found = problems(plan, limit_of_open_files())
    if sources > 1 and at_loopback(addresses) is None:
        found.append("--sources are addresses of this machine: the server must be at 127.0.0.1 (Linux only)")
    if found:
        for problem in found:
            note(f"peerlane: {problem}")
        return EXIT_USAGE
    near = at_loopback(addresses)
    if near is not None and (count := sources or usual_sources(plan)) > 1:
        plan = msgspec.structs.replace(plan, urls=near, sources=count)
    return run(_load(plan, json))


async def _load(plan: Plan, with_json: bool) -> int:
    await require_server(plan)
    view = View(sys.stderr)
    interruptions = 0

    def say(current: Run) -> None:
        elapsed = 0.0 if current.began is None else max(0.0, time.monotonic() - current.began)
        view.show(current.phase, live_line(plan, current.phase, current.tally, elapsed))

    async with running(plan, say) as current:
        going = asyncio.create_task(_go(current))

        def interrupt() -> None:
            nonlocal interruptions
            interruptions += 1
            if interruptions < 3:
                current.end()
            else:
                going.cancel()

        _on_interrupt(interrupt)
        try:
            tally = await going
        except WorkerError as error:
            view.clear()
            raise PeerlaneError(f"a process of the generator has failed: {error}") from error
        finally:
            _on_interrupt(None)
    view.clear()
    if with_json:
        say_json(**as_json(plan, tally, interruptions > 0))
    else:
        show(table(plan, tally, screen_of(sys.stdout).is_unicode))
    if interruptions:
        return EXIT_INTERRUPTED
    return EXIT_OK if is_clean(tally) else EXIT_ERROR


async def _go(current: Run) -> Tally:
    await current.ready()
    current.go()
    return await current.done()


def _on_interrupt(then: Callable[[], None] | None) -> None:
    loop = asyncio.get_running_loop()
    try:
        if then is None:
            loop.remove_signal_handler(signal.SIGINT)
        else:
            loop.add_signal_handler(signal.SIGINT, then)
    except NotImplementedError:
        pass  # Windows: the run is broken off, without a table
