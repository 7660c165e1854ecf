"""What was asked of the server, and who waits for the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from peer.errors import Closed, Refused
from peer.requests import Requests


def asking(requests: Requests, request: int) -> asyncio.Task[None]:
    return asyncio.create_task(requests.ask(request, list))


async def test_each_is_answered_by_its_own_number() -> None:
    requests = Requests(lambda effects: None)
    first, second = asking(requests, 1), asking(requests, 2)
    await asyncio.sleep(0)
    assert requests.answer(2)
    assert requests.answer(1, Refused("not-allowed", "ask the owner"))
    await second
    with pytest.raises(Refused, match="ask the owner"):
        await first


async def test_an_answer_that_nobody_waits_for_is_known_as_such() -> None:
    requests = Requests(lambda effects: None)
    asked = asking(requests, 1)
    await asyncio.sleep(0)
    assert 1 in requests
    assert requests.answer(1)
    assert not requests.answer(1)
    assert not requests.answer(7)
    assert not requests.answer(None)
    await asked
    assert 1 not in requests


async def test_what_cannot_be_asked_leaves_nobody_waiting() -> None:
    def perform(effects: list[Any]) -> None:
        raise ValueError("too large")

    requests = Requests(perform)
    with pytest.raises(ValueError, match="too large"):
        await requests.ask(1, list)
    assert 1 not in requests


async def test_at_the_end_nobody_waits_for_ever() -> None:
    requests = Requests(lambda effects: None)
    asked = asking(requests, 1)
    await asyncio.sleep(0)
    requests.end(Closed("you have left the room"))
    with pytest.raises(Closed):
        await asked
