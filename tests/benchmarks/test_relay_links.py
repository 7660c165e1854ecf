from __future__ import annotations

import json

import pytest

from benchmarks.relay_links import PAYLOAD_BYTES, OurLink, PeerLink, Tally, WsLink


def pair(kind: type[WsLink] | type[PeerLink] | type[OurLink]) -> tuple[WsLink, WsLink]:
    tally = Tally()
    one, two = kind("r0p0-a", tally), kind("r0p0-b", tally)
    one.partner, two.partner = two, one
    return one, two  # type: ignore[return-value]  # only what all kinds share is used


def test_a_payload_is_json_of_the_size_that_is_promised() -> None:
    one, _ = pair(WsLink)
    payload = one.next_payload()
    assert len(payload) == PAYLOAD_BYTES
    assert json.loads(payload)["count"] == "00000001"


def test_what_the_partner_sent_is_accepted_in_order() -> None:
    one, two = pair(WsLink)
    for _ in range(3):
        two.arrived(one.next_payload())
    assert two.received == 3


@pytest.mark.parametrize("fault", ["lost", "doubled", "changed"])
def test_a_signal_that_is_lost_doubled_or_changed_ends_the_benchmark(fault: str) -> None:
    one, two = pair(WsLink)
    first, second, third = one.next_payload(), one.next_payload(), one.next_payload()
    two.arrived(first)
    wrong = {"lost": third, "doubled": first, "changed": second.replace(b"v=0", b"v=1")}[fault]
    with pytest.raises(RuntimeError, match="out of order"):
        two.arrived(wrong)


def test_our_link_reads_batches_and_refuses_a_gap() -> None:
    one, two = pair(OurLink)
    signals = [
        b'{"type":"signal","from":"x","n":%d,"payload":%b}' % (n, one.next_payload()) for n in (1, 2, 3)
    ]
    two.read(b"[%b,%b]" % (signals[0], signals[1]))
    assert two.received == 2
    with pytest.raises(RuntimeError, match="expected signal 3 and got 4"):
        two.read(signals[2].replace(b'"n":3', b'"n":4'))
