"""What is said, and what is left out, where the engine is another one than we know."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import aioice
import pytest
from aiortc import RTCSctpTransport, rtcsctptransport

from peer.engine import self_check
from peer.engine.peer_connection import PeerConnection


@pytest.fixture(autouse=True)
def _checked_again() -> Iterator[None]:
    checks = (
        self_check.has_own_ice,
        self_check.has_own_sctp,
        self_check.knows_delivery,
        self_check.prepare,
    )
    for check in checks:
        check.cache_clear()
    yield
    for check in checks:
        check.cache_clear()


def test_the_installed_engine_is_the_one_we_know() -> None:
    assert self_check.problems() == []
    assert self_check.prepare()


def test_another_version_in_which_all_is_in_its_place_is_used_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(self_check, "version", lambda name: "9.9.9")
    with caplog.at_level(logging.WARNING):
        assert self_check.prepare()
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "aiortc 9.9.9 is installed, 1.16.x is known",
        "aioice 9.9.9 is installed, 0.13.x is known",
    ]


def test_without_what_restarts_are_built_on_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(aioice.Connection, "_pair_remote_candidate")
    assert not self_check.prepare()
    assert self_check.problems() == ["Connection._pair_remote_candidate is gone; ICE cannot be restarted"]


def test_without_its_queues_nobody_waits_for_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_queues(self: RTCSctpTransport) -> None:
        pass

    monkeypatch.setattr(RTCSctpTransport, "__init__", without_queues)
    assert self_check.has_own_ice()
    assert not self_check.knows_delivery()
    assert any("_sent_queue" in problem for problem in self_check.problems())


async def test_without_what_our_sctp_is_built_on_aiortcs_own_carries_the_channels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(RTCSctpTransport, "_receive_sack_chunk")
    assert self_check.has_own_ice()
    assert not self_check.has_own_sctp()
    pc = PeerConnection([], changed=lambda state: None, lane_made=lambda lane: None)
    try:
        assert type(pc.make_control().transport) is RTCSctpTransport
    finally:
        await pc.close()


def test_what_is_lost_is_sent_again_soon() -> None:
    self_check.prepare()
    assert (rtcsctptransport.SCTP_RTO_INITIAL, rtcsctptransport.SCTP_RTO_MIN) == (1.0, 0.3)
    # The limits are looked up when they are needed, not before.
    names = {name for each in vars(RTCSctpTransport).values() for name in _names(each)}
    assert {"SCTP_RTO_INITIAL", "SCTP_RTO_MIN"} <= names


def _names(function: object) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return () if code is None else code.co_names
