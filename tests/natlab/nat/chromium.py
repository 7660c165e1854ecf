"""Chromium with our library in one network, and a Python peer in another.

``python -m tests.natlab.nat.matrix`` runs this after the pairs of networks.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from tests.natlab.browser import BrowserPeer, browser_on, chromium
from tests.natlab.nat.internet import Client
from tests.natlab.nat.meetings import Meeting, meet
from tests.natlab.nat.networks import is_direct, network
from tests.natlab.nat.places import Place, World, place_in, world
from tests.natlab.nat.services import Services

SCRIPT = Path(__file__).with_name("meeting_page.js").read_text()
PAIRS = (
    ("open", "port-restricted"),
    ("port-restricted", "port-restricted"),
    ("address-restricted", "symmetric"),
    ("symmetric", "address-restricted"),
    ("symmetric", "symmetric"),
    ("cgnat", "random-ports"),
    ("udp-blocked", "port-restricted"),
    ("only-tcp-443", "only-tcp-443"),
)
"""Where Chromium is, and where Python."""
MOST_TRIES = 12
"""Who offers is chance, and both orders are wanted."""


def trusting(services: Services) -> str:
    """What tells Chromium to trust the certificate of the lab's TURN server."""
    certificate = load_pem_x509_certificate(Path(services.environment["SSL_CERT_FILE"]).read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    told = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return f"--ignore-certificate-errors-spki-list={told}"


@asynccontextmanager
async def page_on(client: Client, services: Services) -> AsyncIterator[BrowserPeer]:
    """A page that obeys, on this client; it may not use the microphone, and hides its addresses."""
    async with browser_on(client, services.url, trusting(services)) as browser:
        peer = BrowserPeer(await browser.new_page())
        await peer.page.goto(services.url)
        await peer.prepare(SCRIPT)
        yield peer


async def met(lab: World, one: str, other: str) -> list[Meeting]:
    """Chromium in the first network and Python in the second, until each has offered once."""
    async with AsyncExitStack() as stack:
        client = lab.internet.place(network(one))
        page = await stack.enter_async_context(page_on(client, lab.services))
        there = network(other)
        python = await place_in(stack, lab, there, lab.internet.place(there))
        await python.peer.do("ready")
        found: dict[bool, Meeting] = {}
        for _ in range(MOST_TRIES):
            meeting = await meet(lab, Place(network(one), client, page, None), python)
            found.setdefault(meeting.first_offers, meeting)
            if len(found) == 2 or not meeting.path:
                break
    return list(found.values())


async def run_all() -> list[dict[str, Any]]:
    """What became of each pair in each order; none where there is no Chromium."""
    if chromium() is None:
        return []
    async with world([]) as lab:
        return [row(pair, meeting) for pair in PAIRS for meeting in await met(lab, *pair)]


def is_right(meeting: Meeting) -> bool:
    """Connected, and directly where that is possible."""
    is_relay_enough = not is_direct(meeting.offerer, meeting.answerer)
    return bool(meeting.path) and (is_relay_enough or meeting.path != "relayed")


def row(pair: tuple[str, str], meeting: Meeting) -> dict[str, Any]:
    return {
        "chromium": pair[0],
        "python": pair[1],
        "offers": "chromium" if meeting.first_offers else "python",
        "predicted": "direct" if is_direct(meeting.offerer, meeting.answerer) else "relay",
        "first_path": meeting.first_path,
        "path": meeting.path,
        "protocols": list(meeting.protocols),
        "milliseconds": round(meeting.milliseconds, 1) if meeting.path else None,
        "outcome": "connected" if meeting.path else "failed",
        "ok": is_right(meeting),
        "why": meeting.why,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """A line for each, with what else is possible."""
    lines = []
    for each in rows:
        pair = f"{each['chromium']} (Chromium) × {each['python']}, {each['offers']} offers"
        told = each["path"] or "not connected"
        if each["first_path"] not in ("", each["path"]):
            told = f"{each['first_path']}, {told}"
        took = "–" if each["milliseconds"] is None else f"{each['milliseconds']:.0f} ms"
        mark = "" if each["ok"] else f"  {each['predicted']} is possible {each['why']}".rstrip()
        lines.append(f"{pair:<70}{told:<22}{took:>8}{mark}")
    return "\n".join(lines)
