"""The page in real browsers: people see, hear and write to each other, whatever happens to devices."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.end_to_end.conftest import OpenPage, StartServer, eventually, until
from tests.end_to_end.looks import _differs, _more, connected, hears, is_, me, names, reads, sees, write

pytestmark = pytest.mark.end_to_end


async def test_two_people_see_hear_and_write_to_each_other(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    for here, there in ((ana, bob), (bob, ana)):
        await sees(here, await me(there))
        await hears(here, await me(there))
    await write(ana, "hello, Bob")
    await reads(bob, "hello, Bob")
    await write(bob, "grüße 🎲")
    await reads(ana, "grüße 🎲")
    assert await names(ana) == {"Bob"}
    assert await ana.locator("video[data-peer=me]").count() == 1


async def test_names_and_messages_are_text_and_never_markup(open_page: OpenPage) -> None:
    poison = "<img src=x onerror=alert(1)>"
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", poison)
    await connected(ana, bob)
    await write(bob, poison)
    await reads(ana, poison)
    assert await names(ana) == {poison}
    assert await ana.locator("img").count() == 0


async def test_the_content_policy_stops_what_a_poisoned_page_would_try(
    open_page: OpenPage, faults: list[str]
) -> None:
    ana = await open_page("garden", "Ana", camera="0", microphone="0")
    stopped = await ana.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return false } catch { return true } }"
    )
    assert stopped
    assert any("TrustedHTML" in fault for fault in faults)
    faults.clear()


async def test_whoever_comes_without_devices_adds_them_later(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana", camera="0", microphone="0")
    bob = await open_page("garden", "Bob", camera="0", microphone="0")
    await connected(ana, bob)
    # Both ways: one of the two makes the offers, the other has to ask for one.
    for here, there in ((ana, bob), (bob, ana)):
        await here.click("#camera")
        await sees(there, await me(here))
        await here.click("#microphone")
        await hears(there, await me(here))


async def test_mute_and_camera_off_are_seen_and_undone(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    of_ana = await me(ana)
    await sees(bob, of_ana)
    await ana.keyboard.press("m")
    muted = f"window.peerlane.room.peer('{of_ana}').media.get('microphone')?.state === 'muted'"
    await until(bob, muted)
    await until(
        bob, f"document.querySelector('[data-peer=\"{of_ana}\"]').parentElement.ariaLabel.includes('muted')"
    )
    await ana.keyboard.press("v")
    await until(bob, f"!window.peerlane.room.peer('{of_ana}').media.has('camera')")
    await ana.keyboard.press("m")
    await ana.keyboard.press("v")
    await sees(bob, of_ana)
    await hears(bob, of_ana)


async def test_another_camera_takes_over_in_the_call(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    await sees(bob, await me(ana))
    await ana.click("#settings")
    picker = ana.locator("#call-pickers select[data-device=camera]")
    await eventually(lambda: _more(picker.locator("option").count(), 1), "both cameras are listed")
    running = (
        "document.querySelector('video[data-peer=me]').srcObject.getVideoTracks()[0].getSettings().deviceId"
    )
    # Chromium's second fake camera has a picture for its own page only, so the way back is looked at.
    for index in (1, 0):
        before = await ana.evaluate(running)
        await picker.select_option(index=index)
        await eventually(
            lambda before=before: _differs(ana.evaluate(running), before), "the other camera runs"
        )
    await sees(bob, await me(ana))


async def test_a_shared_screen_has_a_picture_of_its_own(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob", camera="0")
    await connected(ana, bob)
    await bob.click("#share")
    await sees(ana, await me(bob), "screen")
    await bob.click("#share")
    await eventually(lambda: is_(ana.locator("[data-slot=screen]").count(), 0), "the screen is gone")
    await ana.click("#share")
    await sees(bob, await me(ana), "screen")
    await sees(bob, await me(ana), "camera")


async def test_three_people_form_a_mesh_and_one_leaves(open_page: OpenPage) -> None:
    pages = {name: await open_page("garden", name) for name in ("Ana", "Bob", "Cem")}
    ana, bob, cem = pages.values()
    await connected(ana, bob, cem)
    for here in pages.values():
        for there in pages.values():
            if here is not there:
                await sees(here, await me(there))
    await cem.click("#leave")
    for page, other in ((ana, "Bob"), (bob, "Ana")):
        await eventually(lambda page=page, other=other: is_(names(page), {other}), "the list is right", 2.0)
    assert await cem.evaluate("window.peerlane.room") is None
    await cem.click("#join-button")
    await connected(ana, bob, cem)


async def test_a_page_that_is_reloaded_is_back_and_leaves_nobody_behind(open_page: OpenPage) -> None:
    ana, bob = await open_page("garden", "Ana"), await open_page("garden", "Bob")
    await connected(ana, bob)
    before = await me(bob)
    await bob.reload()
    await until(bob, "window.peerlane?.room?.state === 'open'")
    await connected(ana, bob)
    assert await ana.evaluate("window.peerlane.room.roster.map((peer) => peer.id)") == [await me(bob)]
    assert await me(bob) != before
    await sees(ana, await me(bob))


async def test_the_lobby_shows_the_way_in(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana", join="0")
    await until(ana, "document.querySelector('#preview-video').videoWidth > 0")
    level = "Number(document.querySelector('#level-bars').ariaValueNow)"
    await eventually(lambda: _more(ana.evaluate(level), 20), "the level meter moves")
    assert await ana.evaluate("window.peerlane.room") is None
    await ana.click("#preview-camera")
    await ana.click("#join-button")
    await until(ana, "window.peerlane.room?.state === 'open'")
    assert await ana.locator("#alone").is_visible()
    await ana.click("#copy-link")
    link = await eventually(lambda: ana.evaluate("navigator.clipboard.readText()"), "a link is copied")
    assert link.endswith("/?room=garden")


async def test_a_page_that_is_not_secure_says_so_and_still_joins(
    start_server: StartServer, browser: Browser, open_page: OpenPage
) -> None:
    server = start_server(PEERLANE_SERVER_ALLOW_INSECURE="true")
    page = await (await browser.new_context()).new_page()
    await page.goto(f"http://insecure.test:{server.port}/?room=garden&name=Eve")
    await eventually(lambda: page.locator("#access-note").is_visible(), "the page explains")
    assert "https" in (await page.locator("#access-note").text_content() or "")
    await page.click("#join-button")
    ana = await open_page("garden", "Ana", server=server)
    await connected(ana, page)
    await write(page, "I am here all the same")
    await reads(ana, "I am here all the same")


async def test_keys_work_outside_of_text_fields_only(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana")
    await ana.keyboard.press("?")
    assert await ana.locator("#keys-dialog").is_visible()
    await ana.keyboard.press("Escape")
    await ana.keyboard.press("c")
    await ana.keyboard.type("mvdc?")
    assert await ana.locator("[data-testid=chat-input]").input_value() == "mvdc?"
    await ana.evaluate("document.activeElement.blur()")
    # Off after this, and not on again, as they would be had they been switched before.
    for key, device in (("m", "#microphone"), ("v", "#camera")):
        await ana.keyboard.press(key)
        pressed = ana.locator(device)
        await eventually(lambda pressed=pressed: is_(pressed.get_attribute("aria-pressed"), "false"), device)
