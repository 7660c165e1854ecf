"""What the page /network says in Chromium behind real NATs, of which it sees the mapping and the ways out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from peer.nat.report import Report
from tests.end_to_end.conftest import until
from tests.natlab.browser import browser_on
from tests.natlab.nat.internet import Internet
from tests.natlab.nat.networks import network
from tests.natlab.nat.services import Services, services

pytestmark = [pytest.mark.end_to_end, pytest.mark.needs("internet", "chromium")]

LIMIT = 5.0
"""Seconds that a whole run may take."""


@pytest.fixture
async def lab() -> AsyncIterator[tuple[Internet, Services]]:
    with Internet() as internet, services(internet) as started:
        yield internet, started


def trusting(started: Services) -> str:
    """What tells Chromium to trust the certificate of the lab's TURN server."""
    certificate = load_pem_x509_certificate(Path(started.environment["SSL_CERT_FILE"]).read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    told = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return f"--ignore-certificate-errors-spki-list={told}"


async def report_in(lab: tuple[Internet, Services], name: str, *, permitted: bool = False) -> Report:
    """``permitted``: the page may use the microphone, and so it is shown the addresses of the machine."""
    internet, started = lab
    client = internet.place(network(name))
    async with browser_on(client, started.url, trusting(started)) as browser:
        page = await (await browser.new_context(permissions=["microphone"] if permitted else [])).new_page()
        await page.goto(f"{started.url}/network#run")
        await until(page, "window.peerlane?.report != null")
        written = await page.evaluate("JSON.stringify(window.peerlane.report)")
    said = msgspec.json.decode(written, type=Report)
    assert said.observations.took <= LIMIT
    return said


@pytest.mark.parametrize("permitted", [False, True], ids=["hidden addresses", "shown addresses"])
@pytest.mark.parametrize(
    ("name", "mapping", "code"),
    [
        ("open", "endpoint-independent", "direct"),
        ("port-restricted", "endpoint-independent", "direct"),
        ("symmetric", "endpoint-dependent", "relay-needed"),
    ],
)
async def test_two_addresses_of_one_server_tell_what_a_nat_does(
    lab: tuple[Internet, Services], name: str, mapping: str, code: str, permitted: bool
) -> None:
    said = await report_in(lab, name, permitted=permitted)
    assert [each.mapping for each in said.behaviour if each.family == 4] == [mapping]
    assert said.verdict.code == code
    if permitted:
        assert said.behaviour[0].is_translated is (name != "open")


async def test_where_only_tcp_443_is_open_the_relay_over_tls_is_found(
    lab: tuple[Internet, Services],
) -> None:
    said = await report_in(lab, "only-tcp-443")
    assert said.verdict.code == "relay-only"
    assert "TURN over TLS works" in said.verdict.sentence
