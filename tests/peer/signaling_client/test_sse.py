"""Event streams as they arrive: in any pieces, with anything in between."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from peer.signaling_client import sse
from peer.signaling_client.dialling import may_be_blocked
from peer.signaling_client.sse import Fields, events

TEXT = b':   \n\nevent: link\ndata: {"link":"x"}\n\n:\n\nid: e-1\ndata: W10=\n\ndata: half'


async def read(parts: list[bytes]) -> list[Fields]:
    async def come() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return [event async for event in events(come())]


async def test_events_are_read_however_they_are_cut() -> None:
    expected = [Fields("link", b'{"link":"x"}'), Fields("", b"W10=")]
    assert await read([TEXT]) == expected
    assert await read([TEXT[at : at + 1] for at in range(len(TEXT))]) == expected


async def test_an_event_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    with pytest.raises(aiohttp.ClientPayloadError):
        await read([b"x" * 600, b"x" * 600])


def test_who_was_answered_by_our_server_asks_in_no_other_way() -> None:
    assert may_be_blocked(TimeoutError())
    assert may_be_blocked(aiohttp.ServerDisconnectedError())
    for status, is_blocked in ((403, True), (426, True), (502, True), (429, False), (503, False)):
        error = aiohttp.ClientResponseError(None, (), status=status)  # type: ignore[arg-type]
        assert may_be_blocked(error) is is_blocked
