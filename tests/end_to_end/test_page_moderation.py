"""Who may come in, and who has to go: as people do it, in the page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from playwright.async_api import Browser, Locator, Page

from peer.errors import Refused
from peer.room import JoinOptions, join
from tests.end_to_end.conftest import OpenPage, ServerProcess, StartServer, eventually, until
from tests.end_to_end.looks import connected, is_, me, names

pytestmark = pytest.mark.end_to_end

QUIET = {"camera": "0", "microphone": "0"}
IN_THE_ROOM = "window.peerlane?.room?.state === 'open'"
PASSWORD = "ünlocked & <b>öpen</b> sesame"


def at(page: Page, test_id: str) -> Locator:
    return page.locator(f"[data-testid={test_id}]")


async def people(page: Page) -> None:
    """Open the list of people, where the controls are."""
    if not await at(page, "roster").is_visible():
        await page.click("#people-toggle")


async def told(page: Page, words: str) -> None:
    """In front of the room again, and why."""
    notice = page.locator("#lobby-notice")
    await eventually(lambda: _says(notice.text_content(), words), f"the page says {words!r}")
    assert await page.locator("#join-button").is_visible()
    assert await page.evaluate("window.peerlane.room") is None


async def _says(found: Awaitable[str | None], words: str) -> bool:
    return words in (await found or "")


async def rules(page: Page, words: str) -> None:
    await eventually(lambda: _says(at(page, "rules").text_content(), words), f"the rules say {words!r}")


async def set_password(page: Page, password: str) -> None:
    await people(page)
    await at(page, "room-password").fill(password)
    await at(page, "room-password").press("Enter")
    await rules(page, "password")


async def try_password(page: Page, password: str) -> None:
    await eventually(lambda: page.locator("#password-button:enabled").is_visible(), "it asks")
    # The field has the focus, so that one can begin to type.
    await page.keyboard.type(password)
    await page.keyboard.press("Enter")


async def test_a_password_that_the_owner_sets_is_asked_of_whoever_comes(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana", **QUIET)
    await set_password(ana, PASSWORD)
    assert await at(ana, "room-password").input_value() == ""
    ben = await open_page("garden", "Ben", join="0", **QUIET)
    sent: list[str] = []
    ben.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    ben.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    await ben.click("#join-button")
    await at(ben, "password-dialog").wait_for()
    assert await ben.evaluate("document.activeElement.labels[0].innerText.trim()") == "Password"
    for wrong in ("open sesame", "ÜNLOCKED"):
        await try_password(ben, wrong)
        note = at(ben, "password-note")
        await eventually(lambda note=note: _says(note.text_content(), "that was not it"), "it says so")
        assert await ben.evaluate("window.peerlane.room") is None
    await try_password(ben, PASSWORD)
    await until(ben, IN_THE_ROOM)
    await connected(ana, ben)
    # It stays in the form: not in the address, not in the store, not on the wire, not in the page.
    kept = """JSON.stringify(
      [location.href, { ...localStorage }, { ...sessionStorage }, document.cookie, history.state])"""
    everything = [*sent, await ben.evaluate(kept), await ben.content(), await ben.title()]
    assert any('"proof"' in text for text in sent)
    assert not any("sesame" in text for text in everything)
    assert await at(ben, "password-input").input_value() == ""


async def test_who_does_not_know_the_password_can_turn_round(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana", **QUIET)
    await set_password(ana, "sesame")
    ben = await open_page("garden", "Ben", join="0", **QUIET)
    for turn_round in ("[data-testid=password-cancel]", ""):
        await ben.click("#join-button")
        await at(ben, "password-dialog").wait_for()
        await (ben.click(turn_round) if turn_round else ben.keyboard.press("Escape"))
        await eventually(lambda: ben.locator("#join-button:enabled").is_visible(), "he is in front again")
        assert not await at(ben, "password-dialog").is_visible()
    # And when it is taken away nobody is asked any more.
    await at(ana, "remove-password").click()
    await rules(ana, "Whoever knows the name")
    await ben.click("#join-button")
    await connected(ana, ben)


async def test_a_program_gives_the_password_of_a_room_that_a_page_has_made(
    server: ServerProcess, open_page: OpenPage
) -> None:
    ana = await open_page("garden", "Ana", **QUIET)
    await set_password(ana, PASSWORD)
    with pytest.raises(Refused, match="bad-password"):
        async with join(server.url, "garden", options=JoinOptions(password="another")):
            pass
    async with join(server.url, "garden", name="program", options=JoinOptions(password=PASSWORD)):
        await eventually(lambda: is_(names(ana), {"program"}), "the program is in")


async def test_who_comes_waits_until_the_owner_lets_them_in(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana", **QUIET)
    await people(ana)
    await at(ana, "lobby").check()
    await rules(ana, "waits to be let in")
    ben = await open_page("garden", "Ben", join="0", **QUIET)
    cem = await open_page("garden", "Cem", join="0", **QUIET)
    for page in (ben, cem):
        await page.click("#join-button")
        await at(page, "waiting").wait_for()
        assert await page.evaluate("document.activeElement.id") == "waiting-title"
        assert not await page.locator("#join-button").is_visible()
    admit, refuse = (
        ana.get_by_role("button", name="Let in Ben"),
        ana.get_by_role("button", name="Turn away Cem"),
    )
    await eventually(lambda: admit.is_visible(), "Ben is seen")
    await eventually(lambda: refuse.is_visible(), "Cem is seen")
    assert await ana.locator("#people-toggle .badge").text_content() == "2"
    await admit.click()
    await until(ben, IN_THE_ROOM)
    await connected(ana, ben)
    # Only who may decide is shown who waits.
    assert not await at(ben, "knocks").is_visible()
    await refuse.click()
    await told(cem, "You were not let in")
    await eventually(lambda: is_(at(ana, "knocks").is_visible(), False), "nobody waits")


async def test_a_program_lets_a_page_in_and_without_anybody_inside_nobody_waits(
    server: ServerProcess, open_page: OpenPage
) -> None:
    ana = await open_page("garden", "Ana", join="0", **QUIET)
    async with join(server.url, "garden", name="host", options=JoinOptions(lobby=True)) as room:
        await ana.click("#join-button")
        (waiting,) = await eventually(lambda: list(room.waiting), "she waits")
        await room.moderation.admit(waiting)
        await until(ana, IN_THE_ROOM)
        await ana.click("#leave")
        await told(ana, "You have left")
        await ana.click("#join-button")
        await at(ana, "waiting").wait_for()
    await told(ana, "You were not let in")


async def test_a_full_room_is_said_to_be_full(server: ServerProcess, open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana", join="0", **QUIET)
    async with join(server.url, "garden", options=JoinOptions(capacity=1)):
        await ana.click("#join-button")
        await told(ana, "This room is full")


async def test_who_waits_may_leave_and_is_gone_from_the_list(open_page: OpenPage) -> None:
    ana = await open_page("garden", "Ana", **QUIET)
    await people(ana)
    await at(ana, "lobby").check()
    await rules(ana, "waits")
    ben = await open_page("garden", "Ben", join="0", **QUIET)
    await ben.click("#join-button")
    await at(ana, "knocks").wait_for()
    await at(ben, "waiting-leave").click()
    await eventually(lambda: ben.locator("#join-button:enabled").is_visible(), "he is in front again")
    await eventually(lambda: is_(at(ana, "knocks").is_visible(), False), "nobody waits")
    # Without a waiting room whoever waits comes in.
    await ben.click("#join-button")
    await at(ana, "knocks").wait_for()
    await at(ana, "lobby").uncheck()
    await connected(ana, ben)


async def test_a_locked_room_is_shown_to_all_and_lets_nobody_in(open_page: OpenPage) -> None:
    ana, ben = await open_page("garden", "Ana", **QUIET), await open_page("garden", "Ben", **QUIET)
    await connected(ana, ben)
    await people(ana)
    await people(ben)
    assert not await at(ben, "rules-controls").is_visible()
    assert await at(ben, "kick").count() == 0
    await at(ana, "lock").check()
    await rules(ben, "The room is locked")
    cem = await open_page("garden", "Cem", join="0", **QUIET)
    await cem.click("#join-button")
    await told(cem, "This room is locked")
    await at(ana, "lock").uncheck()
    await rules(ben, "Whoever knows the name")
    await cem.click("#join-button")
    await connected(ana, ben, cem)


async def test_who_is_thrown_out_is_told_and_stays_out(open_page: OpenPage) -> None:
    ana, ben = await open_page("garden", "Ana", **QUIET), await open_page("garden", "Ben", **QUIET)
    await connected(ana, ben)
    await people(ana)
    throw_out = ana.get_by_role("button", name="Throw Ben out")
    await throw_out.click()
    # Not at the first click, nor by an Enter that comes too soon.
    await ana.keyboard.press("Enter")
    assert not await at(ana, "confirm-dialog").is_visible()
    assert await names(ana) == {"Ben"}
    assert await ana.evaluate("document.activeElement.dataset.testid") == "kick"
    opened: list[str] = []
    ben.on("websocket", lambda socket: opened.append(socket.url))
    await throw_out.click()
    await at(ana, "confirm-also").check()
    await at(ana, "confirm-yes").click()
    await told(ben, "You were thrown out of the room")
    await eventually(lambda: is_(names(ana), set()), "Ben is gone")
    # Longer than the page waits before it comes back from a lost link.
    await asyncio.sleep(3.0)
    assert opened == []
    await ben.click("#join-button")
    await told(ben, "This room is locked")


async def test_a_room_that_was_handed_over_obeys_the_new_owner(open_page: OpenPage) -> None:
    ana, ben = await open_page("garden", "Ana", **QUIET), await open_page("garden", "Ben", **QUIET)
    await connected(ana, ben)
    await people(ana)
    await people(ben)
    await ana.get_by_role("button", name="Make Ben the owner").click()
    await at(ana, "confirm-yes").click()
    await at(ben, "rules-controls").wait_for()
    await eventually(lambda: is_(at(ana, "rules-controls").is_visible(), False), "Ana decides no more")
    assert await at(ana, "kick").count() == 0
    await at(ben, "lock").check()
    await rules(ana, "The room is locked")


async def test_two_who_look_alike_are_told_apart(server: ServerProcess, open_page: OpenPage) -> None:
    ana, ben = await open_page("garden", "Ana", **QUIET), await open_page("garden", "Ben", **QUIET)
    # The letters of another alphabet, one that nobody sees, and small ones.
    for name in ("\u0410na", "Be\u200bn", "bEN"):
        async with join(server.url, "garden", name=name):
            alike = {"\u0410na": "\u0410na (2)", "Be\u200bn": "Ben (2)", "bEN": "bEN (2)"}[name]
            await eventually(lambda alike=alike: is_(names(ana), {"Ben", alike}), f"{alike} is marked")
    await eventually(lambda: is_(names(ana), {"Ben"}), "they are gone")
    assert await names(ben) == {"Ana"}


async def test_a_page_that_is_not_secure_says_why_it_has_no_passwords(
    start_server: StartServer, browser: Browser, open_page: OpenPage
) -> None:
    server = start_server(PEERLANE_SERVER_ALLOW_INSECURE="true")
    ana = await open_page("garden", "Ana", server=server, **QUIET)
    await set_password(ana, PASSWORD)
    page = await (await browser.new_context()).new_page()
    await page.goto(f"http://insecure.test:{server.port}/?room=garden&name=Eve&camera=0&microphone=0")
    await page.click("#join-button")
    await try_password(page, PASSWORD)
    await told(page, "HTTPS")


async def test_after_a_restart_of_the_server_both_pages_show_who_decides_now(
    server: ServerProcess, open_page: OpenPage
) -> None:
    ana, ben = await open_page("garden", "Ana", **QUIET), await open_page("garden", "Ben", **QUIET)
    await connected(ana, ben)
    for page in (ana, ben):
        await people(page)
    server.kill()
    for page in (ana, ben):
        await until(page, "window.peerlane.room.state === 'interrupted'")
    server.start()
    # The room is made anew by whoever comes back first.
    for page in (ana, ben):
        await until(page, IN_THE_ROOM)
    owner = "window.peerlane.room.settings.owner"
    await eventually(lambda: _same(ana, ben, owner), "they agree on the owner")
    first, other = (ana, ben) if await ana.evaluate(owner) == await me(ana) else (ben, ana)
    await eventually(lambda: at(first, "rules-controls").is_visible(), "who owns it decides")
    await eventually(lambda: is_(at(other, "rules-controls").is_visible(), False), "nobody else does")
    await at(first, "lock").check()
    await rules(other, "The room is locked")


async def _same(one: Page, other: Page, expression: str) -> bool:
    return bool(await one.evaluate(expression) == await other.evaluate(expression))
