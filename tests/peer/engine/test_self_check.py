"""The contract with aiortc and aioice: what we know of their insides, and what would tell us of a change."""

from __future__ import annotations

import inspect

import pytest
from aiortc import RTCPeerConnection, rtcicetransport

from peer.engine import gathering, self_check


def test_the_installed_engine_is_the_one_we_know() -> None:
    assert self_check.problems() == []


def test_another_version_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "version", lambda name: "9.9.9")
    assert len(self_check.problems()) == 2


def test_another_way_to_gather_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(rtcicetransport, "Connection")
    assert any("rtcicetransport.Connection" in problem for problem in self_check.problems())


def test_gatherers_take_our_connection() -> None:
    gathering.install()
    assert self_check.problems() == []
    # The name is looked up when a gatherer is made, not before.
    assert "Connection" in rtcicetransport.RTCIceGatherer.__init__.__code__.co_names


def test_aiortc_still_has_the_trap_of_the_transport_that_all_sections_share() -> None:
    source = inspect.getsource(RTCPeerConnection.setRemoteDescription)
    assert "oldTransports.add(self.__sctp.transport)" in source
