"""What can be seen, heard and read in a page, asked of the browser itself."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from tests.end_to_end.conftest import eventually

# Frames decoded in one slot, from the browser's own statistics.
FRAMES = """async ([id, slot]) => {
  const peer = window.peerlane.room.peer(id);
  const track = peer?.media.get(slot)?.track;
  if (!track) return 0;
  let frames = 0;
  (await peer.stats()).forEach((report) => {
    if (report.type === "inbound-rtp" && report.trackIdentifier === track.id) frames = report.framesDecoded;
  });
  return frames;
}"""

# A number that changes when the picture does: the sum over what a video element shows now.
PICTURE = """([id, slot]) => {
  const which = slot === "screen" ? '[data-slot="screen"]' : ":not([data-slot])";
  const video = document.querySelector(`video[data-peer="${id}"]${which}`);
  if (!video || video.videoWidth === 0) return 0;
  const canvas = new OffscreenCanvas(64, 36);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 64, 36);
  const { data } = context.getImageData(0, 0, 64, 36);
  return data.reduce((sum, byte, index) => (sum + byte * index) % 1000003, 1);
}"""

# The loudest moment of half a second of what a video element plays.
LOUDNESS = """async (id) => {
  const video = document.querySelector(`video[data-peer="${id}"]:not([data-slot])`);
  const tracks = video?.srcObject?.getAudioTracks() ?? [];
  if (tracks.length === 0) return 0;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(new MediaStream(tracks)).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    analyser.getFloatTimeDomainData(samples);
    for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
  }
  await context.close();
  return loudest;
}"""


async def me(page: Page) -> str:
    return str(await page.evaluate("window.peerlane.room.me"))


async def states(page: Page) -> list[str]:
    return list(await page.evaluate("window.peerlane.room.roster.map((peer) => peer.state)"))


async def names(page: Page) -> set[str]:
    """The other people in the list, as a person reads it."""
    lines = await page.locator("[data-testid=roster] .who").all_text_contents()
    return set(lines[1:])


async def connected(*pages: Page) -> None:
    expected = ["connected"] * (len(pages) - 1)
    for page in pages:
        await eventually(lambda page=page: is_(states(page), expected), "everybody is connected")


async def is_(found: Any, expected: Any) -> bool:
    return bool(await found == expected)


async def sees(page: Page, other: str, slot: str = "camera") -> None:
    """Frames are decoded, and the picture in the element moves."""
    before = await page.evaluate(FRAMES, [other, slot])
    await eventually(
        lambda: _more(page.evaluate(FRAMES, [other, slot]), before + 5), f"frames of {slot} are decoded"
    )
    shown = await eventually(lambda: page.evaluate(PICTURE, [other, slot]), f"{slot} is shown")
    await eventually(
        lambda: _differs(page.evaluate(PICTURE, [other, slot]), shown), f"the picture of {slot} moves"
    )


async def _more(found: Any, than: float) -> bool:
    return bool(await found > than)


async def _differs(found: Any, before: Any) -> bool:
    return await found not in (0, before)


async def hears(page: Page, other: str) -> None:
    await eventually(lambda: _more(page.evaluate(LOUDNESS, other), 0.01), "sound arrives")


async def write(page: Page, text: str) -> None:
    if not await page.locator("[data-testid=chat-input]").is_visible():
        await page.click("#chat-toggle")
    await page.fill("[data-testid=chat-input]", text)
    await page.press("[data-testid=chat-input]", "Enter")


async def reads(page: Page, text: str) -> None:
    lines = page.locator("[data-testid=chat-log] li span")
    await eventually(lambda: _contains(lines.all_text_contents(), text), f"{text!r} is in the chat")


async def _contains(found: Any, text: str) -> bool:
    return text in await found
