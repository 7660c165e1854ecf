"""What our engine takes for granted of aiortc and aioice; each that fails names what has to be looked at."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from aioice import Candidate, Connection, stun
from aioice.ice import CandidatePair, StunProtocol
from aioice.turn import TurnClientMixin
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceGatherer,
    RTCIceTransport,
    RTCPeerConnection,
    rtcpeerconnection,
)

from peer.engine.contracts import DELIVERY, DTLS, ICE, SCTP, SOURCES, Contract, broken
from tests.peer.engine.two import Two, transport_of

ALL = [pytest.param(each, id=each.owner.__name__) for each in (*ICE, *SCTP, *DELIVERY, *DTLS, *SOURCES)]


@pytest.mark.parametrize("contract", ALL)
def test_every_name_that_we_use_is_there(contract: Contract) -> None:
    assert broken((contract,)) == []
    assert contract.why


def test_a_name_that_is_gone_is_noticed() -> None:
    assert broken((Contract(Connection, ("_nobody_has_this", "connect"), ""),)) == [
        "Connection._nobody_has_this"
    ]


def bundled() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


async def test_aiortc_asks_for_one_transport_for_all_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    name = "_RTCPeerConnection__createDtlsTransport"
    original = getattr(RTCPeerConnection, name)

    def counting(self: RTCPeerConnection) -> object:
        made.append(self)
        return original(self)

    monkeypatch.setattr(RTCPeerConnection, name, counting)
    offerer, answerer = bundled(), bundled()
    offerer.addTransceiver("audio")
    offerer.addTransceiver("video")
    offerer.createDataChannel("lane")
    await offerer.setLocalDescription(await offerer.createOffer())
    await answerer.setRemoteDescription(offerer.localDescription)
    await answerer.setLocalDescription(await answerer.createAnswer())
    await offerer.setRemoteDescription(answerer.localDescription)
    assert made == [offerer, answerer]
    await asyncio.gather(offerer.close(), answerer.close())


async def test_a_description_says_that_gathering_is_done_when_the_gatherer_does() -> None:
    two = Two()
    assert "a=end-of-candidates" in await two.offer()
    gatherer = transport_of(two.offerer).iceGatherer
    getattr(gatherer, "_RTCIceGatherer__setState")("gathering")  # noqa: B009 # not ours to name
    assert "a=end-of-candidates" not in await two.offerer.make_offer()
    await two.close()


def test_aiortc_starts_nothing_while_there_is_no_local_candidate() -> None:
    source = inspect.getsource(getattr(RTCPeerConnection, "_RTCPeerConnection__connect"))  # noqa: B009 # mangled for another class
    assert source.count("iceGatherer.getLocalCandidates()") == 2


def test_aiortc_has_the_trap_of_the_transport_that_all_sections_share() -> None:
    source = inspect.getsource(RTCPeerConnection.setRemoteDescription)
    assert "oldTransports.add(self.__sctp.transport)" in source
    assert "iceCandidates[iceTransport] = media" in source, "only the last section's candidates are taken"


def test_aiortc_sets_the_role_on_the_connection_that_the_transport_has_then() -> None:
    for method in (RTCPeerConnection.setLocalDescription, RTCPeerConnection.setRemoteDescription):
        assert "iceTransport._connection.ice_controlling = " in inspect.getsource(method)


def test_aiortc_reads_candidates_and_credentials_from_the_gatherers_connection() -> None:
    for method in (RTCIceGatherer.getLocalCandidates, RTCIceGatherer.getLocalParameters):
        assert "self._connection.local_" in inspect.getsource(method)
    assert "getLocalParameters()" in inspect.getsource(rtcpeerconnection.add_transport_description)


def test_aiortc_takes_remote_candidates_to_the_connection_that_the_transport_has_then() -> None:
    source = inspect.getsource(RTCIceTransport.addRemoteCandidate)
    assert "self._connection.add_remote_candidate" in source


def test_dtls_sends_and_receives_by_two_attributes_of_the_transport() -> None:
    source = inspect.getsource(rtcpeerconnection.RTCDtlsTransport)
    assert "self.transport._recv()" in source
    assert "self.transport._send(data)" in source


async def test_aioice_hands_answers_to_whatever_waits_among_the_transactions() -> None:
    class Waiting:
        heard: tuple[stun.Message, object] | None = None

        def response_received(self, message: stun.Message, addr: object) -> None:
            self.heard = (message, addr)

    protocol = StunProtocol(Connection(ice_controlling=True))
    waiting = Waiting()
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)
    protocol.transactions[answer.transaction_id] = waiting  # type: ignore[assignment] # that is the contract
    protocol.datagram_received(bytes(answer), ("192.0.2.1", 9))
    assert waiting.heard is not None
    assert waiting.heard[1] == ("192.0.2.1", 9)


async def test_aioice_nominates_and_completes_when_a_check_says_so() -> None:
    connection = Connection(ice_controlling=True)
    protocol = StunProtocol(connection)
    protocol.local_candidate = Candidate("f", 1, "udp", 1, "192.0.2.1", 1, "host")
    pair = CandidatePair(protocol, Candidate("f", 1, "udp", 1, "192.0.2.2", 2, "host"))
    pair.state = CandidatePair.State.SUCCEEDED
    connection.check_complete(pair)
    assert connection._nominated == {}
    pair.nominated = True
    connection.check_complete(pair)
    assert connection._nominated == {1: pair}
    assert connection._check_list_done


def test_aioice_asks_whether_more_candidates_may_come_before_it_fails() -> None:
    for method in (Connection._check_list_maybe_fail, Connection._check_periodic):
        assert "self._remote_candidates_expected()" in inspect.getsource(method)


def test_aioices_relays_are_kept_alive_by_a_method_that_may_be_another() -> None:
    assert "create_task(self.refresh(" in inspect.getsource(TurnClientMixin.connect)


def test_aioices_relays_find_out_who_speaks_in_two_tables() -> None:
    source = inspect.getsource(TurnClientMixin.datagram_received)
    assert "self.channel_to_peer.get(channel)" in source
    assert "peer in self.peer_to_channel" in source
    assert "self.receiver.datagram_received(" in source


def test_aioices_relays_tell_their_receiver_when_the_connection_is_lost() -> None:
    assert "self.receiver.connection_lost(exc)" in inspect.getsource(TurnClientMixin.connection_lost)


async def test_aioice_closes_a_protocol_by_its_transport_and_waits_until_it_is_lost() -> None:
    class Transport(asyncio.DatagramTransport):
        def close(self) -> None:
            protocol.connection_lost(None)

    protocol = StunProtocol(Connection(ice_controlling=True))
    protocol.connection_made(Transport())
    async with asyncio.timeout(1):
        await protocol.close()
        await protocol.close()


def test_aioice_answers_every_question_in_one_place() -> None:
    source = inspect.getsource(StunProtocol.datagram_received)
    assert "self.receiver.request_received(message, addr, self)" in source
