"""The clients of the relay benchmark, one class for each server's own protocol.

All of them play the same game: two members of a pair keep a fixed number of signals on the way in
each direction, and whoever gets one sends one. Every signal carries the same payload and a count,
and every one that arrives is checked against what was expected: none lost, none doubled, in order.
"""

from __future__ import annotations

import time
from asyncio import Event

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from signaling.protocol.messages import (
    Acked,
    Bye,
    Hello,
    Join,
    Joined,
    PeerJoined,
    PeerLeft,
    PeerUpdated,
    Ping,
    Pong,
    Refused,
    Signalled,
    Ticket,
    Welcome,
)

PAYLOAD_BYTES = 1200
ACK_EVERY = 16
CONFIRM_EVERY = 128
SAMPLE_EVERY = 16
COUNT_DIGITS = 8


def _payload_head() -> bytes:
    """Everything of a payload but its count: an offer as a peer would make it, cut to size."""
    lines = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0"]
    lines += ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:0"]
    lines += ["a=ice-ufrag:kM3f", "a=ice-pwd:7dT9qXk2LwzYv0bN5sRc1uHe", "a=setup:actpass"]
    lines += [f"a=fingerprint:sha-256 {':'.join(f'{byte:02X}' for byte in range(32))}"]
    lines += [f"a=candidate:{n} 1 udp 2130706431 192.168.1.{n} 5{n:04} typ host" for n in range(1, 20)]
    sdp = "".join(line + "\r\n" for line in lines)
    head = b'{"kind":"description","generation":1,"type":"offer","sdp":%b,"count":"'
    tail_bytes = COUNT_DIGITS + len(TAIL)
    while len(whole := head % msgspec.json.encode(sdp)) + tail_bytes > PAYLOAD_BYTES:
        sdp = sdp[:-1]
    return whole


TAIL = b'"}'
HEAD = _payload_head()
WHOLE_PAYLOAD_BYTES = len(HEAD) + COUNT_DIGITS + len(TAIL)

_payloads: list[bytes] = []


def payload_of(count: int) -> bytes:
    """The payload of every sender's signal number ``count``, made once: the generator must stay fast."""
    while len(_payloads) <= count:
        _payloads.append(b"%b%08d%b" % (HEAD, len(_payloads), TAIL))
    return _payloads[count]


class Tally:
    """What all links of one round have seen together."""

    def __init__(self) -> None:
        self.delivered = 0
        self.latencies: list[float] = []
        self.is_measuring = False
        self.is_open = True
        """False: arrivals are no longer answered, so that what is on the way can run out."""


class Link(WSListener):
    """One member of a pair. Subclasses say how their server wants it said."""

    def __init__(self, name: str, tally: Tally) -> None:
        self.name = name
        self.tally = tally
        self.partner: Link = self
        self.ready = Event()
        self.lost = False
        self.sent = 0
        self.received = 0
        self._sent_at: dict[int, float] = {}
        self._due = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.greet()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.lost = True
        self.ready.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            self.read(frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.CLOSE:
            self.lost = True
            transport.disconnect()
        if self._due and frame.last_in_buffer and self.tally.is_open:
            due, self._due = self._due, 0
            self.send(due)

    def arrived(self, payload: bytes | memoryview) -> None:
        """Check one signal. Raises RuntimeError when it is not the one that was expected."""
        if payload != payload_of(self.received + 1):
            raise RuntimeError(
                f"signal {self.received + 1} of {self.partner.name} came changed or out of order"
            )
        self.count(1)

    def count(self, arrived: int) -> None:
        """Count signals that have been checked, and owe as many to the partner."""
        before = self.received
        self.received += arrived
        self._due += arrived
        tally = self.tally
        if tally.is_measuring:
            tally.delivered += arrived
            sampled = self.received - self.received % SAMPLE_EVERY
            if sampled > before:
                sent_at = self.partner._sent_at.pop(sampled, None)
                if sent_at is not None:
                    tally.latencies.append(time.perf_counter() - sent_at)

    def next_payload(self) -> bytes:
        self.sent += 1
        if self.sent % SAMPLE_EVERY == 0:
            self._sent_at[self.sent] = time.perf_counter()
        return payload_of(self.sent)

    def greet(self) -> None:
        raise NotImplementedError

    def read(self, data: bytes) -> None:
        raise NotImplementedError

    def send(self, count: int) -> None:
        raise NotImplementedError

    def tick(self) -> None:
        """Called every 100 ms."""


class WsLink(Link):
    """Of ``ws_relay.js``: ``{to, payload}`` out, ``{from, payload}`` in."""

    def greet(self) -> None:
        self.ready.set()

    def read(self, data: bytes) -> None:
        self.arrived(data[-WHOLE_PAYLOAD_BYTES - 1 : -1])

    def send(self, count: int) -> None:
        for _ in range(count):
            frame = b'{"to":"%b","payload":%b}' % (self.partner.name.encode(), self.next_payload())
            self.transport.send(WSMsgType.TEXT, frame)


class PeerLink(Link):
    """Of PeerServer: the OFFER of its own protocol, as PeerJS sends it."""

    def greet(self) -> None:
        pass

    def read(self, data: bytes) -> None:
        if data.startswith(b'{"type":"OFFER"'):
            self.arrived(data[-WHOLE_PAYLOAD_BYTES - 1 : -1])
        elif data.startswith(b'{"type":"OPEN"'):
            self.ready.set()
        else:
            raise RuntimeError(f"PeerServer said {data[:200]!r}")

    def send(self, count: int) -> None:
        for _ in range(count):
            values = (self.next_payload(), self.partner.name.encode())
            self.transport.send(WSMsgType.TEXT, b'{"type":"OFFER","payload":%b,"dst":"%b"}' % values)


_EventHere = (
    Signalled
    | Acked
    | Ping
    | Pong
    | Welcome
    | Joined
    | PeerJoined
    | PeerUpdated
    | PeerLeft
    | Refused
    | Ticket
    | Bye
)
_decode = msgspec.json.Decoder(_EventHere | list[_EventHere]).decode
_encode = msgspec.json.Encoder().encode
_UNNUMBERED = (Welcome, Ticket, Ping, Pong, Bye)


class OurLink(Link):
    """Of our server, with every duty of ``docs/protocol.md``: counts, acknowledgements, confirmations."""

    batches = True

    def __init__(self, name: str, tally: Tally) -> None:
        super().__init__(name, tally)
        self.id = ""
        self._head = b""
        self._events = 0
        self._confirmed = 0
        self._acked = 0
        self._confirmed_by_partner = 0
        self._extra: list[bytes] = []

    def greet(self) -> None:
        room = self.name.rpartition("-")[0]
        hello = _encode(Hello())
        self._write([hello, _encode(Join(request=1, room=room, name=self.name))])

    def read(self, data: bytes) -> None:
        position = self._read_expected(data)
        if position < len(data):
            # Something else than the next signals: an acknowledgement, a ping, or a fault to find.
            self._read_any(data if position <= 1 else b"[" + data[position:])
        if self.received - self._acked >= ACK_EVERY:
            self._ack()
        if self._events - self._confirmed >= CONFIRM_EVERY:
            self._confirmed = self._events
            self._extra.append(_encode(Ping(received=self._events)))
        if self._extra and not self._due:
            self._write([])

    def _read_expected(self, data: bytes) -> int:
        """Take the signals that a frame begins with, as long as they are exactly those that must come.

        Returns where it stopped. Comparing is three times as fast as parsing, and checks as much.
        """
        head, expected, length = self._head, self.received, len(data)
        position = 1 if data.startswith(b"[") else 0
        while position < length:
            message = b'%b%d,"payload":%b}' % (head, expected + 1, payload_of(expected + 1))
            end = position + len(message)
            if data[position:end] != message:
                break
            expected += 1
            # Behind it is a comma, the end of the batch, or nothing.
            position = length if end + 1 >= length else end + 1
        if arrived := expected - self.received:
            self._events += arrived
            self.count(arrived)
        return position

    def _read_any(self, data: bytes) -> None:
        events = _decode(data)
        for event in events if isinstance(events, list) else (events,):
            if type(event) is Signalled:
                self._events += 1
                if event.n != self.received + 1:
                    raise RuntimeError(f"{self.name} expected signal {self.received + 1} and got {event.n}")
                self.arrived(memoryview(event.payload))
            else:
                self._hear(event)

    def _hear(self, event: object) -> None:
        match event:
            case Acked(n=n):
                self._confirmed_by_partner = n
            case Welcome(you=you):
                self.id = you
                if isinstance(self.partner, OurLink):
                    self.partner._head = b'{"type":"signal","from":"%b","n":' % you.encode()
            case Joined():
                self.ready.set()
            case Ping():
                self._extra.append(_encode(Pong(received=self._events)))
            case Refused() | Bye() | PeerLeft():
                if self.tally.is_open:
                    raise RuntimeError(f"the server said {event}")
        if not isinstance(event, _UNNUMBERED):
            self._events += 1

    def send(self, count: int) -> None:
        messages = []
        for _ in range(count):
            payload = self.next_payload()
            values = (self._partner_id(), self.sent, payload)
            messages.append(b'{"type":"signal","to":"%b","n":%d,"payload":%b}' % values)
        self._write(messages)

    def tick(self) -> None:
        if self.received > self._acked:
            self._ack()
            self._write([])

    def _partner_id(self) -> bytes:
        assert isinstance(self.partner, OurLink)
        return self.partner.id.encode()

    def _ack(self) -> None:
        assert isinstance(self.partner, OurLink)
        self._acked = self.received
        self._extra.append(b'{"type":"ack","to":"%b","n":%d}' % (self._partner_id(), self.received))

    def _write(self, messages: list[bytes]) -> None:
        messages += self._extra
        self._extra = []
        if len(messages) == 1 or not self.batches:
            for message in messages:
                self.transport.send(WSMsgType.TEXT, message)
        elif messages:
            self.transport.send(WSMsgType.TEXT, b"[%b]" % b",".join(messages))


class OurUnbatchedLink(OurLink):
    """The same, with one message a frame: what batching is worth shows in the difference."""

    batches = False
