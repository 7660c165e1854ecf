"""What a room has asked the server for, and whoever waits for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from peer.errors import PeerlaneError
from peer.signaling_client.effects import Effect


class Requests:
    """``perform`` does what asking comes to. ``end`` it, so that nobody waits for ever."""

    def __init__(self, perform: Callable[[list[Effect]], None]) -> None:
        self._perform = perform
        self._answers: dict[int, asyncio.Future[None]] = {}

    def __contains__(self, request: int | None) -> bool:
        """Whether somebody waits for the answer to this one."""
        return request in self._answers

    async def ask(self, request: int, act: Callable[[], list[Effect]]) -> None:
        """Until it has been granted. Raises what it was answered with otherwise."""
        answer = asyncio.get_running_loop().create_future()
        self._answers[request] = answer
        try:
            self._perform(act())
            await answer
        finally:
            self._answers.pop(request, None)

    def answer(self, request: int | None, error: PeerlaneError | None = None) -> bool:
        """It is granted, or refused with this error. False when nobody waits for it."""
        answer = self._answers.get(request) if request is not None else None
        if answer is None or answer.done():
            return False
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)
        return True

    def end(self, error: PeerlaneError) -> None:
        """Nothing is answered any more."""
        for request in list(self._answers):
            self.answer(request, error)
