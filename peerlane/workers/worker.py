"""One of several processes that serve together: it does what it is told on its standard input.

When that ends, the process that started it is gone, and it leaves.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
import threading

from peerlane.workers.orders import ORDERS, SETTINGS, line
from signaling.app import Listening, serve
from signaling.config import Config
from signaling.logs import configure
from signaling.process import new_loop, raise_open_files

EXIT_ERROR = 1


def main() -> int:
    """Serve until told to leave: 0 then, 1 when it cannot."""
    # Unbuffered: a thread that waits in a buffer would be in the way when the program ends.
    told = io.FileIO(sys.stdin.fileno(), closefd=False)
    order = ORDERS.decode(told.readline())
    configure(order.config.log)
    raise_open_files(order.config.limits.max_sessions)
    current = [order.config]

    def follow() -> None:
        for text in told:
            current[0] = SETTINGS.decode(text)
            os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)

    def reread() -> Config:
        return current[0]

    def announce(where: Listening) -> None:
        sys.stdout.buffer.write(line(where))
        sys.stdout.buffer.flush()
        # Not before: until then these signals have nobody who handles them.
        threading.Thread(target=follow, daemon=True).start()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        try:
            runner.run(
                serve(
                    order.config,
                    movable=order.movable,
                    announce=announce,
                    reread=reread,
                    sharing=order.sharing,
                )
            )
        except OSError as error:
            print(f"peerlane: cannot serve: {error.strerror or error}", file=sys.stderr)
            return EXIT_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
