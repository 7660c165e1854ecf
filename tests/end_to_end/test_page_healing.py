"""What the page shows while connections heal, and of how they do."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import OpenPage, ServerProcess, until
from tests.end_to_end.looks import connected

pytestmark = pytest.mark.end_to_end


async def test_the_table_of_connections_opens_with_s_and_tells_the_route(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    await ana.keyboard.press("s")
    row = "#connections-rows tr"
    await until(ana, f"document.querySelector('{row}')?.innerText.includes('kbit/s')")
    text = await ana.inner_text(row)
    assert "Bob" in text
    assert "direct" in text
    assert "UDP" in text
    assert "opus" in text
    await ana.keyboard.press("s")
    assert await ana.is_hidden("#connections")


async def test_each_tile_says_how_good_its_connection_is(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    dot = ".tile:not(.is-me) .quality"
    await until(ana, f"document.querySelector('{dot}')?.dataset.quality === 'good'")
    assert await ana.get_attribute(dot, "aria-label") == "Good connection"
    assert await ana.is_hidden(".tile.is-me .quality")


async def test_a_server_that_is_away_is_told_over_the_pictures_until_it_is_back(
    open_page: OpenPage, server: ServerProcess
) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    assert await ana.is_hidden("#banner")
    server.kill()
    await until(ana, "document.getElementById('banner-words').textContent.includes('the call goes on')")
    assert await ana.is_visible("#banner")
    server.restart()
    await until(ana, "document.getElementById('banner-words').textContent === 'The server is back'")
    await until(ana, "document.getElementById('banner').hidden")
