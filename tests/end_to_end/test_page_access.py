"""The page is for everybody: no rule of axe is broken, light or dark, alone or in company."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.end_to_end.conftest import OpenPage
from tests.end_to_end.looks import connected, reads, write
from tests.needs import lacking

pytestmark = pytest.mark.end_to_end

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"

VIOLATIONS = """async () => {
  const { violations } = await axe.run();
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => [id, node.html, node.failureSummary]));
}"""


async def violations(page: Page) -> list[list[str]]:
    if not AXE.exists():
        lacking("axe-core is missing: run 'npm ci' in the checkout", is_package=False)
    await page.evaluate(AXE.read_text() + "; 0")
    return list(await page.evaluate(VIOLATIONS))


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_stands_in_the_way_of_anybody(open_page: OpenPage, scheme: str) -> None:
    ana = await open_page("garden", "Ana", join="0")
    # Colours that still fade from one scheme to the other have no contrast to be judged.
    await ana.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await ana.evaluate("document.querySelector('#devices').open = true")
    assert await violations(ana) == []
    await ana.click("#join-button")
    await ana.locator("#alone").wait_for()
    assert await violations(ana) == []
    bob = await open_page("garden", "Bob")
    await connected(ana, bob)
    await write(ana, "hello")
    await reads(bob, "hello")
    assert await violations(ana) == []
    await ana.click("#people-toggle")
    assert await violations(ana) == []
    for dialog in ("#settings", "#keys", "[data-testid=kick]"):
        await ana.click(dialog)
        assert await violations(ana) == []
        await ana.keyboard.press("Escape")
    await at_the_door(open_page, ana, scheme)


async def at_the_door(open_page: OpenPage, ana: Page, scheme: str) -> None:
    """Where a password is asked for, where people wait, and where they are let in."""
    cem = await open_page("garden", "Cem", join="0")
    await cem.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await ana.check("[data-testid=lobby]")
    await ana.fill("[data-testid=room-password]", "sesame")
    await ana.press("[data-testid=room-password]", "Enter")
    await ana.locator("[data-testid=remove-password]").wait_for()
    await cem.click("#join-button")
    for password in ("wrong", "sesame"):
        await cem.locator("#password-button:enabled").wait_for()
        assert await violations(cem) == []
        await cem.fill("[data-testid=password-input]", password)
        await cem.keyboard.press("Enter")
    await cem.locator("[data-testid=waiting]").wait_for()
    assert await violations(cem) == []
    await ana.locator("[data-testid=admit]").wait_for()
    assert await violations(ana) == []


async def test_a_phone_shows_everything_without_scrolling_sideways(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana", join="0")
    await ana.set_viewport_size({"width": 360, "height": 740})
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not await ana.evaluate(wide)
    await ana.click("#join-button")
    await ana.locator("#leave").wait_for()
    assert not await ana.evaluate(wide)
    box = await ana.locator("#leave").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 360
    assert box["y"] + box["height"] <= 740
    assert await violations(ana) == []
    await ana.click("#people-toggle")
    assert not await ana.evaluate(wide)
    assert await violations(ana) == []
