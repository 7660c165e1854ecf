"""Tokens in a real browser: renewed in the middle of a session, or the session ends and says why."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.end_to_end.conftest import OpenPage, ServerProcess, StartServer, eventually, until
from tests.end_to_end.looks import _more
from tests.hostile.test_tokens import KEYS, token

pytestmark = pytest.mark.end_to_end

# As an application's page does it: with a function that asks its back end.
JOIN = """async ([name, asks]) => {
  const { join } = await import("/lib/room.js");
  window.told = [];
  const token = asks ? window.freshToken : await window.freshToken();
  const room = (window.room = await join(location.origin, "garden", { name, token }));
  for (const kind of ["expiring", "permitted", "closed", "interrupted"]) {
    room.on(kind, (detail) => window.told.push([kind, detail.code ?? null]));
  }
}"""


@pytest.fixture
def guarded(start_server: StartServer, tmp_path: Path) -> ServerProcess:
    """A server that lets nobody in without a token, and asks for a fresh one two seconds before its end."""
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KEYS))
    return start_server(
        PEERLANE_AUTH_JWKS_FILE=str(keys),
        PEERLANE_AUTH_LEEWAY="0",
        PEERLANE_AUTH_GRACE="1",
        PEERLANE_AUTH_REFRESH_BEFORE="2",
    )


async def joined(page: Page, name: str, lifetime: int, *, asks: bool) -> list[float]:
    """When each token was fetched."""
    fetched: list[float] = []

    def fresh() -> str:
        fetched.append(time.monotonic())
        return token(sub=name, exp=int(time.time()) + lifetime)

    await page.expose_function("freshToken", fresh)
    await page.evaluate(JOIN, [name, asks])
    return fetched


async def told(page: Page, kind: str) -> list[Any]:
    return [code for each, code in await page.evaluate("window.told") if each == kind]


async def test_a_token_that_ends_is_renewed_and_the_session_goes_on(
    guarded: ServerProcess, open_page: OpenPage
) -> None:
    ana = await open_page("garden", "Ana", server=guarded, join="0", camera="0", microphone="0")
    fetched = await joined(ana, "ana", 4, asks=True)
    me = await ana.evaluate("window.room.me")
    # Past the end of the first two tokens, and of the grace after them.
    await eventually(lambda: len(fetched) >= 4, "it was fetched again and again")
    await until(ana, "window.told.filter(([kind]) => kind === 'permitted').length >= 3")
    assert await ana.evaluate("[window.room.state, window.room.me]") == ["open", me]
    assert await told(ana, "interrupted") == []
    assert await told(ana, "closed") == []
    await ana.evaluate("window.room.close()")


async def test_a_token_that_nobody_renews_ends_the_session_with_a_reason(
    guarded: ServerProcess, open_page: OpenPage
) -> None:
    ana = await open_page("garden", "Ana", server=guarded, join="0", camera="0", microphone="0")
    fetched = await joined(ana, "ana", 3, asks=False)
    await until(ana, "window.told.some(([kind]) => kind === 'closed')")
    assert await told(ana, "expiring") != []
    assert await told(ana, "closed") == ["4506"]
    assert len(fetched) == 1
    opened: list[str] = []
    ana.on("websocket", lambda socket: opened.append(socket.url))
    # It does not come back by itself with what is good no more.
    with pytest.raises(AssertionError):
        await eventually(lambda: opened, "another link", within=2.0)


async def test_the_page_says_so_where_a_token_is_asked_for(
    guarded: ServerProcess, open_page: OpenPage
) -> None:
    ana = await open_page("garden", "Ana", server=guarded, join="0", camera="0", microphone="0")
    await ana.click("#join-button")
    await eventually(lambda: _more(ana.locator("#lobby-notice:visible").count(), 0), "a notice is shown")
    assert "token" in (await ana.locator("#lobby-notice").text_content() or "")
