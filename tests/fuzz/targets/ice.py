"""What comes to the sockets of ICE: checks of the other side, answers, relays, names of the local network."""

from __future__ import annotations

import asyncio
import hmac
import struct
from typing import Any

import dns.message
import dns.name
from aioice import Candidate, stun
from aioice.ice import StunProtocol
from aioice.turn import TurnClientMixin

from peer.engine.ice.connection import IceConnection
from peer.engine.ice.mdns import _Questions
from peer.engine.ice.policy import IcePolicy
from peer.engine.ice.relay import TcpAllocation, UdpAllocation
from peer.engine.ice.servers import ServerAddress
from peer.engine.ice.sockets import HostProtocol
from tests.fuzz.mutation import in_pieces, joined, pieces, repaired, stun_repaired
from tests.fuzz.target import Target
from tests.fuzz.targets.stun import ANSWERS, ID, KINDS, REQUESTS, Wire, message

LOOP = asyncio.new_event_loop()
POLICY = IcePolicy(addresses=("192.0.2.0/24",))
NAME, PASSWORD = "ourufrag", "o" * 22
THEIRS, THEIR_PASSWORD = "them", "t" * 22
REMOTES = (("192.0.2.9", 9_000), ("192.0.2.10", 9_001), ("127.0.0.1", 9), ("2001:db8::9", 9_002))
faults: list[dict[str, Any]] = []
LOOP.set_exception_handler(lambda loop, context: faults.append(context))


def signed(data: bytes, password: str) -> bytes:
    """With a MESSAGE-INTEGRITY and a FINGERPRINT that fit, so that more than the door is tried."""
    if len(data) < stun.HEADER_LENGTH:
        return data
    data = stun_repaired(data)
    key = password.encode()
    covered = stun.set_body_length(data, len(data) - stun.HEADER_LENGTH + stun.INTEGRITY_LENGTH)
    data = covered + struct.pack("!HH", 0x0008, 20) + hmac.digest(key, covered, "sha1")
    return stun_repaired(data + struct.pack("!HHI", 0x8028, 4, 0))


def _received(datagram: bytes) -> None:
    assert datagram, "aiortc ends DTLS with an empty datagram, whoever has sent it"


async def _hear_peer(data: bytes) -> None:
    ice = IceConnection(
        (),
        POLICY,
        ice_controlling=bool(data) and data[0] % 2 == 0,
        received=_received,
        found=lambda generation, candidate: None,
        troubled=lambda trouble: None,
    )
    ice._local_username, ice._local_password, ice._tie_breaker = NAME, PASSWORD, 2**63
    protocol = HostProtocol(ice)
    protocol.connection_made(Wire())  # type: ignore[arg-type]
    protocol.local_candidate = Candidate("f", 1, "udp", 1, "192.0.2.1", 5_000, "host")
    ice._protocols.append(protocol)
    ice._local_candidates.append(protocol.local_candidate)
    ice._local_candidates_start = ice._local_candidates_end = True
    ice._hosts = asyncio.ensure_future(asyncio.sleep(0))
    ice.remote_username, ice.remote_password = THEIRS, THEIR_PASSWORD
    await ice.add_remote_candidate(Candidate("r", 1, "udp", 1, *REMOTES[0], "host"))
    connecting = asyncio.ensure_future(ice.connect())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for part in pieces(data, most=16):
        _receive(protocol, part)
        await asyncio.sleep(0)
    assert len(ice._remote_candidates) <= POLICY.max_remote_candidates + 32
    connecting.cancel()
    await asyncio.wait([connecting])
    # Nobody tells this socket that it has been closed.
    protocol.connection_lost(None)
    await ice.close()


def _receive(protocol: HostProtocol, part: bytes) -> None:
    """One datagram. Its first byte says from whom, whether signed, and whether in answer to our last."""
    how, datagram = part[:1] or b"\0", part[1:]
    source = REMOTES[how[0] & 3]
    if how[0] & 4:
        datagram = signed(datagram, PASSWORD)
    if how[0] & 8 and protocol.transactions:
        datagram = datagram[:8] + list(protocol.transactions)[-1] + datagram[20:]
        datagram = signed(datagram, THEIR_PASSWORD)
    try:
        # What is above it swallows everything, and would swallow faults of ours too.
        StunProtocol.datagram_received(protocol, datagram, source)
    except struct.error:
        pass  # aioice's parser, of attributes that are too short
    protocol.datagram_received(datagram, source)


def hear_peer(data: bytes) -> None:
    """Checks, answers and data from anybody, while a connection is being made."""
    _without_faults(_hear_peer(data))


def _without_faults(work: Any) -> None:
    faults.clear()
    LOOP.run_until_complete(work)
    assert not faults, faults[0].get("exception") or faults[0]


SERVER = ServerAddress("turn:192.0.2.2:3478", True, "192.0.2.2", 3478, "udp", "user", "password")


class Above(asyncio.DatagramProtocol):
    """What a relay would hand its data to."""


async def _hear_relay(data: bytes) -> None:
    for kind in (UdpAllocation, TcpAllocation):
        allocation = kind(SERVER, ("192.0.2.2", 3478))
        allocation.connection_made(Wire())  # type: ignore[arg-type]
        allocating = asyncio.ensure_future(allocation.allocate())
        for part in pieces(data, most=16):
            await asyncio.sleep(0)
            for transaction in list(allocation.transactions)[-1:]:
                part = part[:8] + transaction + part[20:] if part[8:20] == ID else part
            if allocation.integrity_key is not None and part[:1] < b"\x40" and len(part) >= 20:
                part = _signed_with(part, allocation.integrity_key)
            _take(allocation, part)
        if isinstance(allocation, TcpAllocation):
            allocation.data_received(data)
        if allocation.relayed_address is not None:
            allocation.receiver = Above()
            allocation.send_now(b"out", REMOTES[0])
            await asyncio.sleep(0)
            for part in pieces(data, most=16):
                _take(allocation, part)
        allocating.cancel()
        await asyncio.wait([allocating])
        if not allocating.cancelled():
            _ = allocating.exception()
        allocation.receiver = None
        allocation.connection_lost(None)
        await asyncio.gather(*allocation._working(), return_exceptions=True)


def _take(allocation: UdpAllocation | TcpAllocation, part: bytes) -> None:
    try:
        TurnClientMixin.datagram_received(allocation, part, allocation.server)
    except struct.error:
        pass  # as above
    if isinstance(allocation, TcpAllocation):
        allocation.data_received(part)
    else:
        allocation.datagram_received(part, allocation.server)


def _signed_with(data: bytes, key: bytes) -> bytes:
    data = stun_repaired(data)
    covered = stun.set_body_length(data, len(data) - stun.HEADER_LENGTH + stun.INTEGRITY_LENGTH)
    return covered + struct.pack("!HH", 0x0008, 20) + hmac.digest(key, covered, "sha1")


def hear_relay(data: bytes) -> None:
    """Whatever the TURN server of a relay says, over datagrams and over a stream."""
    _without_faults(_hear_relay(data))


async def _hear_network(data: bytes) -> None:
    questions = _Questions()
    questions.connection_made(Wire())  # type: ignore[arg-type]
    waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    questions.queries[dns.name.from_text("a.local")] = {waiting}
    for part in pieces(data):
        questions.datagram_received(part, REMOTES[0])
    if waiting.done():
        assert waiting.result()


def hear_network(data: bytes) -> None:
    """Whatever somebody in the local network says when a name is asked for."""
    _without_faults(_hear_network(data))


def _check(how: int, **attributes: object) -> bytes:
    made = message(stun.Method.BINDING, stun.Class.REQUEST, USERNAME=f"{NAME}:{THEIRS}", **attributes)
    return bytes((how,)) + made


CHECKS = (
    _check(4, PRIORITY=1, ICE_CONTROLLED=5),
    _check(5, PRIORITY=2**31, ICE_CONTROLLING=2**64 - 1, USE_CANDIDATE=None),
    _check(6, PRIORITY=1),
    _check(7),
    b"\x08" + ANSWERS[0],
    b"\x08" + message(stun.Method.BINDING, stun.Class.ERROR, ERROR_CODE=(487, "Role Conflict")),
    b"\x00\x16\xfe\xff data",
    b"\x00" + REQUESTS[1],
)
NAMED = dns.message.make_query("a.local", "A")
NAMES = (
    NAMED.to_wire(),
    b"\0\0\x84\0\0\0\0\1\0\0\0\0\1a\5local\0\0\1\x80\1\0\0\0\x78\0\4\xc0\0\2\7",
    b"\0\0\x84\0\0\0\0\1\0\0\0\0\1a\5local\0\0\x1c\x80\1\0\0\0\x78\0\x10" + bytes(15) + b"\1",
    b"\0\0\0\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1",
)

TARGETS = [
    Target(
        "ice",
        hear_peer,
        (*(joined(each) for each in CHECKS), joined(*CHECKS), b"\0\0" + joined(*CHECKS[::-1]), *ANSWERS),
        (*KINDS, f"{NAME}:{THEIRS}".encode()),
        in_pieces(repaired(lambda data: data[:1] + stun_repaired(data[1:]))),
    ),
    Target(
        "relay",
        hear_relay,
        (joined(*ANSWERS[3:]), joined(ANSWERS[3], ANSWERS[5], ANSWERS[6], ANSWERS[7]), *ANSWERS),
        KINDS,
        in_pieces(repaired(stun_repaired)),
        stretched_bytes=262_144,
    ),
    Target(
        "mdns",
        hear_network,
        (*(joined(each) for each in NAMES), joined(*NAMES)),
        (b"\x05local\0", b"\xc0\x0c"),
    ),
]
