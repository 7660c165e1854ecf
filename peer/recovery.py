"""When a connection looks for another path, when it is rebuilt, and when its application is told.

    silence of 1.25 s   look for another path (ICE restart), again and again at growing intervals
    silence of 4 s      the connection is interrupted
    silence of 30 s     the path cannot be found: begin a new connection, if three restarts have not helped

Time and signs of life come in, the advice goes out. ``tests/vectors/recovery.json`` binds the twin in
the browser.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Literal

from peer.backoff import delay

CONNECT_TIMEOUT = 20.0
"""A connection that does not stand by then will not stand by itself; aiortc's own limit is 63 s."""
TICK = 0.25
SUSPECT_AFTER = 1.25
"""Two probes and a half without an answer. A restart that was not needed costs three signals."""
LOST_AFTER = 4.0
"""A round trip of 2 s, or a program that is blocked for 3 s, is not a loss."""
REBUILD_AFTER = 30.0
"""As long as consent lasts (RFC 7675 section 5.1)."""
RESTARTS_BEFORE_REBUILD = 3
LATE = 0.5
"""A timer that is later than this: it was us who did not listen."""
STEADY_AFTER = 10.0
"""A connection that has stood for so long has recovered, and the next trouble is a new one."""
RESTART_PAUSE = 2.0
LONGEST_RESTART_PAUSE = 8.0
SHORTEST_RESTART_PAUSE = 1.0

State = Literal["connecting", "connected", "interrupted"]


class Act(StrEnum):
    RESTART = "restart"
    REBUILD = "rebuild"


class Recovery:
    """``random`` gives fractions from 0 up to 1; ``can_restart``: both engines can restart ICE."""

    def __init__(self, random: Callable[[], float], *, can_restart: bool = True) -> None:
        self.state: State = "connecting"
        self._random = random
        self._can_restart = can_restart
        self._is_reachable = True
        self._is_stopped = False
        self._rebuilds = 0
        self._rebuild_at = math.inf
        self._tick_at = math.inf
        self._heard_at = -math.inf
        self._steady_since = math.inf
        self._restarts = 0
        self._restarted_at = -math.inf
        self._restart_at = -math.inf
        self._tries = 0
        self._wants_restart = False

    @property
    def wake_at(self) -> float | None:
        """When :meth:`wake` is due; None: there is nothing to wait for."""
        at = min(self._tick_at, self._rebuild_at if self._is_reachable else math.inf)
        return None if at == math.inf or self._is_stopped else at

    def silence(self, now: float) -> float:
        """Seconds since the last sign of life of a connection that has stood."""
        return 0.0 if self._heard_at == -math.inf else max(0.0, now - self._heard_at)

    def began(self, now: float) -> None:
        """A new connection begins; one that stood has ended."""
        if self.state == "connected":
            self.state = "interrupted"
        self._rebuild_at = now + CONNECT_TIMEOUT
        self._tick_at = math.inf
        self._wants_restart = False

    def connected(self, now: float) -> None:
        """The new connection stands."""
        self.state = "connected"
        self._rebuild_at = math.inf
        self._tick_at = now + TICK
        self._steady_since = self._heard_at = now
        self._tries = 0

    def heard(self, at: float) -> None:
        """There was a sign of life at this time."""
        if at > self._heard_at:
            self._heard_at = at
            self._tries = 0

    def failed(self, now: float) -> None:
        """The connection cannot live any more. The first rebuild follows soon, the others ever later."""
        if self.state == "connected":
            self.state = "interrupted"
        at = now + delay(self._rebuilds, self._random())
        self._rebuild_at = min(self._rebuild_at, at)
        self._tick_at = math.inf
        self._rebuilds += 1

    def network_changed(self, *, is_path_gone: bool) -> None:
        """This machine's addresses have changed; :meth:`wake` is due now."""
        if is_path_gone:
            self._wants_restart = True
        else:
            # Another path may work: the next attempt need not wait for its turn.
            self._restart_at = -math.inf

    def restarted(self, now: float) -> None:
        """A restart has begun, whoever wished for it."""
        self._wants_restart = False
        self._restarted_at = now
        pause = min(LONGEST_RESTART_PAUSE, RESTART_PAUSE * 2.0 ** min(self._restarts, 16))
        self._restart_at = now + pause * (0.5 + 0.5 * self._random())
        self._restarts += 1

    def set_reachable(self, is_reachable: bool) -> None:
        """Whether signals reach the other side now; without them nothing can be done but to listen."""
        self._is_reachable = is_reachable

    def stop(self) -> None:
        """The connection ends for good, or there is nobody to rebuild it for."""
        self._is_stopped = True

    def wake(self, now: float) -> Act | None:
        """What to do now, if anything; :attr:`state` may have changed."""
        if self._is_stopped:
            return None
        if self._is_reachable and now >= self._rebuild_at:
            return self._rebuild(now)
        if self._tick_at == math.inf:
            return None
        self._tick(now)
        silence = now - self._heard_at
        self.state = "interrupted" if silence >= LOST_AFTER else "connected"
        if silence >= SUSPECT_AFTER:
            self._steady_since = now
        elif now - self._steady_since >= STEADY_AFTER:
            self._restarts = self._rebuilds = 0
        return self._advice(now, silence) if self._is_reachable else None

    def _tick(self, now: float) -> None:
        late = now - self._tick_at
        if late > LATE:
            # What came meanwhile has not been read yet.
            self._heard_at = min(now, self._heard_at + late)
        if late >= 0:
            self._tick_at = now + TICK

    def _advice(self, now: float, silence: float) -> Act | None:
        if not self._can_restart:
            return self._rebuild(now) if self._wants_restart or silence >= LOST_AFTER else None
        if silence >= REBUILD_AFTER and self._tries >= RESTARTS_BEFORE_REBUILD:
            return self._rebuild(now)
        is_wanted = self._wants_restart and now >= self._restarted_at + SHORTEST_RESTART_PAUSE
        if is_wanted or (silence >= SUSPECT_AFTER and now >= self._restart_at):
            self._tries += 1
            self.restarted(now)
            return Act.RESTART
        return None

    def _rebuild(self, now: float) -> Act:
        self.began(now)
        return Act.REBUILD
