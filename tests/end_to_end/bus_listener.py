"""A node in a process of its own, which can be frozen: ``python -m tests.end_to_end.bus_listener URL INBOX``.

Prints a line for each change of its bus. The message ``end`` ends it, and then it prints what it has heard.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from signaling.backplane.buses import make_backplane


async def main(url: str, inbox: str) -> None:
    ended = asyncio.Event()
    numbers: list[int] = []

    def hear(_: str, body: bytes) -> None:
        if body == b"end":
            ended.set()
        else:
            numbers.append(int(body[:10]))

    def change(usable: bool) -> None:
        print(json.dumps(usable), flush=True)  # noqa: T201  # this is how it tells

    run = asyncio.create_task(make_backplane(url).run([inbox], hear, change))
    await ended.wait()
    run.cancel()
    await asyncio.wait([run])
    print(json.dumps({"numbers": numbers, "most_mib": most_mib()}))  # noqa: T201


def most_mib() -> float:
    """The most memory of this process; ``ru_maxrss`` begins with what the one that started it had."""
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in each)
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
