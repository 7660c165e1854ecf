"""Channels over real data channels: browser to browser in one page, and browser to Python."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page

from peer.channels.channel import Channel
from peer.channels.kinds import BULK, LATEST, RELIABLE, UNRELIABLE
from peer.room import join
from tests.end_to_end.bots import the_peer
from tests.end_to_end.conftest import PATIENCE, OpenPage, ServerProcess, until

pytestmark = pytest.mark.end_to_end

TWO_ENDS = (Path(__file__).parent / "two_ends.js").read_text()


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: OpenPage) -> Page:
    """A page with both ends of a connection in it, as ``window.two``."""
    opened = await open_page("", "", join="0")
    await opened.evaluate(TWO_ENDS)
    return opened


async def test_messages_arrive_once_and_in_order_whatever_is_rebuilt_under_them(page: Page) -> None:
    heard = await page.evaluate("""async () => {
      const { kinds, pair, rebuild, sleep } = window.two;
      const channels = [...(await pair("r", kinds.RELIABLE)), ...(await pair("b", kinds.BULK))];
      const heard = channels.map(() => []);
      channels.forEach((channel, index) => channel.on("message", (text) => heard[index].push(Number(text))));
      const counts = [1000, 300, 60, 60];
      const done = () => heard.every((numbers, index) => numbers.length >= counts[index ^ 1]);
      const sending = channels.map(async (channel, index) => {
        for (let n = 0; n < counts[index]; n += 1) {
          await channel.send(String(n).padEnd(n % 20 === 0 ? 60_000 : 10));
          if (n % 3 === 0) await sleep(0);
        }
      });
      for (let n = 0; n < 3; n += 1) {
        await sleep(200);
        await rebuild();
      }
      await Promise.all(sending);
      while (!done()) await sleep(10);
      return heard;
    }""")
    assert heard == [list(range(count)) for count in (300, 1000, 60, 60)]
    assert await page.evaluate("window.two.violations()") == []


@pytest.mark.parametrize("closing", [0, 1], ids=["offerer", "answerer"])
async def test_what_was_sent_before_closing_arrives(page: Page, closing: int) -> None:
    outcome = await page.evaluate(
        """async (closing) => {
          const { kinds, pair } = window.two;
          const ends = await pair("file", kinds.BULK);
          let bytes = 0;
          ends[1 - closing].on("message", (message) => (bytes += message.length));
          const closed = new Promise((resolve) => ends[1 - closing].on("close", () => resolve()));
          for (let n = 0; n < 10; n += 1) ends[closing].sendNow(new Uint8Array(300_000));
          ends[closing].close();
          await closed;
          const again = await pair("file", kinds.RELIABLE);
          return [bytes, again.map((channel) => channel.state)];
        }""",
        closing,
    )
    assert outcome == [3_000_000, ["open", "open"]]


async def test_a_file_on_its_way_delays_nobody(page: Page) -> None:
    delays = await page.evaluate("""async () => {
      const { kinds, pair, sleep } = window.two;
      const [file] = await pair("file", kinds.BULK);
      const delays = [];
      const channels = [];
      for (const kind of [kinds.UNRELIABLE, kinds.LATEST, kinds.RELIABLE]) {
        const [mine, theirs] = await pair(kind.name, kind);
        theirs.on("message", (sentAt) => delays.push(performance.now() - Number(sentAt)));
        channels.push(mine);
      }
      let isSending = true;
      const sending = (async () => {
        while (isSending) await file.send(new Uint8Array(256 * 1024));
      })();
      for (let n = 0; n < 100; n += 1) {
        for (const channel of channels) channel.sendNow(String(performance.now()));
        await sleep(10);
      }
      isSending = false;
      await sending;
      return [file.statistics().sentBytes, delays.sort((a, b) => a - b)];
    }""")
    sent_bytes, sorted_ms = delays
    assert sent_bytes > 4 * 1024 * 1024
    assert len(sorted_ms) > 250
    # All of it happens in one thread of a busy machine: what is measured is mostly that.
    assert sorted_ms[len(sorted_ms) // 2] < 50


async def received(channel: Channel, count: int) -> list[str | bytes]:
    async with asyncio.timeout(PATIENCE):
        return [await anext(channel) for _ in range(count)]


async def test_python_and_browser_send_each_other_every_kind(
    server: ServerProcess, open_page: OpenPage
) -> None:
    page = await open_page("garden", "Ana", camera="0", microphone="0")
    async with join(server.url, "garden", name="bot") as room:
        ana = await the_peer(room, "Ana")
        # The browser sends back what it gets, from the first message on.
        await page.evaluate(
            """async (id) => {
              const { RELIABLE, BULK, UNRELIABLE, LATEST } = await import("/lib/channels/kinds.js");
              for (const kind of [RELIABLE, BULK, UNRELIABLE, LATEST]) {
                const channel = window.peerlane.room.peer(id).open(kind.name, kind);
                channel.on("message", (message) => channel.send(message));
              }
            }""",
            room.me,
        )
        for kind in (RELIABLE, BULK):
            messages = ["grüße", bytes(range(256)) * 8192, "", b"", "x" * 1_000_000]
            channel = await ana.open(kind.name, kind)
            answers = asyncio.create_task(received(channel, len(messages)))
            for message in messages:
                await channel.send(message)
            assert await answers == messages
        for kind in (UNRELIABLE, LATEST):
            channel = await ana.open(kind.name, kind)
            await channel.send("now")
            assert await received(channel, 1) == ["now"]


@pytest.mark.parametrize("by_browser", [True, False])
async def test_closing_ends_a_channel_between_python_and_browser(
    server: ServerProcess, open_page: OpenPage, by_browser: bool
) -> None:
    page = await open_page("garden", "Ana", camera="0", microphone="0")
    async with join(server.url, "garden", name="bot") as room:
        ana = await the_peer(room, "Ana")
        channel = await ana.open("file", BULK)
        await page.evaluate(
            """async (id) => {
              const { BULK } = await import("/lib/channels/kinds.js");
              window.file = window.peerlane.room.peer(id).open("file", BULK);
              window.arrived = 0;
              window.file.on("message", (message) => (window.arrived += message.length));
              await window.file.waitOpen();
            }""",
            room.me,
        )
        if by_browser:
            await page.evaluate("window.file.send(new Uint8Array(1_000_000)).then(() => window.file.close())")
            async with asyncio.timeout(PATIENCE):
                assert sum([len(message) async for message in channel]) == 1_000_000
        else:
            await channel.send(bytes(1_000_000))
            channel.close()
            await until(page, "window.file.state === 'closed'")
            assert await page.evaluate("window.arrived") == 1_000_000
