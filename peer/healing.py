"""Watches over one connection: listens for signs of life, and has done what the rules of recovery advise."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Literal

from peer.recovery import SUSPECT_AFTER, Act, Recovery, State

Doing = Literal["restart", "rebuild", "waiting-for-server"]


class Healing:
    """``heard_at`` says when there was a sign of life; ``act`` does what is to be done; ``told`` hears
    each new state."""

    def __init__(
        self,
        *,
        can_restart: bool,
        heard_at: Callable[[], float],
        act: Callable[[Act], None],
        told: Callable[[State], None],
    ) -> None:
        self._recovery = Recovery(random.random, can_restart=can_restart)
        self._heard_at = heard_at
        self._act = act
        self._told = told
        self._is_reachable = True
        self._is_stopped = False
        self._last_act: Act | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def doing(self) -> Doing | None:
        """What is being done about a connection that is silent or gone; None: there is no need."""
        if self._is_stopped or (self._recovery.state == "connected" and self.silence < SUSPECT_AFTER):
            return None
        if not self._is_reachable:
            return "waiting-for-server"
        return None if self._last_act is None else self._last_act.value

    @property
    def silence(self) -> float:
        """Seconds since the last sign of life."""
        self._recovery.heard(self._heard_at())
        return self._recovery.silence(_now())

    def began(self) -> None:
        """A new connection begins."""
        self._recovery.began(_now())
        self.look()

    def connected(self) -> None:
        self._last_act = None
        self._recovery.connected(_now())
        self.look()

    def failed(self) -> None:
        """The connection cannot live any more."""
        self._recovery.failed(_now())
        self.look()

    def restarted(self) -> None:
        """The other side looks for another path, or wishes us to."""
        self._recovery.restarted(_now())
        self.look()

    def network_changed(self, *, is_path_gone: bool) -> None:
        self._recovery.network_changed(is_path_gone=is_path_gone)
        self.look()

    def set_reachable(self, is_reachable: bool) -> None:
        """Whether signals reach the other side now."""
        self._is_reachable = is_reachable
        self._recovery.set_reachable(is_reachable)
        self.look()

    def stop(self) -> None:
        """There is nobody to heal for any more."""
        self._is_stopped = True
        self._recovery.stop()
        self._set_timer()

    def look(self) -> None:
        """Do what is due."""
        if self._is_stopped:
            return
        self._recovery.heard(self._heard_at())
        act = self._recovery.wake(_now())
        if act is not None:
            self._last_act = act
            self._act(act)
        # What was done may have ended everything.
        if not self._is_stopped:
            self._told(self._recovery.state)
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake_at = self._recovery.wake_at
        if wake_at is not None:
            self._timer = asyncio.get_running_loop().call_at(wake_at, self.look)


def _now() -> float:
    return asyncio.get_running_loop().time()
