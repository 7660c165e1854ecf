"""Our own clients, and a server or a peer that means them harm."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from peer.engine.descriptions import parse_candidate, prepare_remote
from peer.signaling_client.effects import Ended, Interrupted, Told
from peer.signaling_client.websocket import SignalingClient
from signaling.protocol.parts import Capabilities
from signaling.protocol.signals import IceCandidateInit
from tests.hostile.raw import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame

pytestmark = pytest.mark.end_to_end

PATIENCE = 10.0
MIB = 1_048_576

HOSTILE_SERVERS: dict[str, bytes] = {
    "not HTTP": b"\x00\xff" * 1_000,
    "an endless header": b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 1_000_000,
    "a redirect to itself": b"HTTP/1.1 302 Found\r\nLocation: /v1/ws\r\nContent-Length: 0\r\n\r\n",
    "a redirect to a file": b"HTTP/1.1 302 Found\r\nLocation: file:///etc\r\nContent-Length: 0\r\n\r\n",
    "a page": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "Retry-After without end": b"HTTP/1.1 503 No\r\nRetry-After: "
    + b"9" * 400
    + b"\r\nContent-Length: 0\r\n\r\n",
}
HOSTILE_FRAMES: dict[str, bytes] = {
    "2^62 bytes": frame(BINARY, b"x" * 1_000, is_masked=False, declared=2**62),
    "compressed, which was not agreed": frame(BINARY, b"x" * 1_000, is_masked=False, reserved=4),
    "a continuation of nothing": frame(CONTINUATION, b"x", is_masked=False),
    "a reserved opcode": frame(3, b"x", is_masked=False),
    "a long ping": frame(PING, b"x" * 200, is_masked=False),
    "text that is no text": frame(TEXT, b"\xff\xfe", is_masked=False),
    "a goodbye of one byte": frame(CLOSE, b"x", is_masked=False),
    "a goodbye with code 1": frame(CLOSE, b"\x00\x01", is_masked=False),
    "words that are none": frame(BINARY, b"\xc1" * 100, is_masked=False) * 10,
    "nothing, often": frame(BINARY, b"", is_masked=False) * 10_000,
    "deep words": frame(BINARY, b"\x91" * 100_000, is_masked=False) * 3,
    "a map that promises 4 billion": frame(BINARY, b"\xdf\xff\xff\xff\xff", is_masked=False) * 3,
}


@asynccontextmanager
async def _listening(answer: Callable[[bytes], bytes]) -> AsyncIterator[str]:
    """A server that answers every request the same way, and hangs up after a second."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(answer(await reader.readuntil(b"\r\n\r\n")))
            await asyncio.wait_for(reader.read(-1), 1.0)
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            pass  # it has gone, or says no more
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/ws"
    finally:
        server.close()
        await server.wait_closed()


def _upgraded(head: bytes) -> bytes:
    key = next(
        line.split(b":", 1)[1].strip()
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: peerlane.v1.msgpack\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


async def _survives(answer: Callable[[bytes], bytes]) -> None:
    """The client tells what has happened, ends when it is told to, and has kept nothing large."""
    told: asyncio.Queue[Told] = asyncio.Queue()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with _listening(answer) as url:
        client = SignalingClient(url, capabilities=Capabilities(), tell=told.put_nowait)
        try:
            client.start()
            async with asyncio.timeout(PATIENCE):
                while not isinstance(await told.get(), (Interrupted, Ended)):
                    pass  # what came before
        finally:
            async with asyncio.timeout(PATIENCE):
                await client.close()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1_024


@pytest.mark.parametrize("answer", HOSTILE_SERVERS.values(), ids=HOSTILE_SERVERS.keys())
async def test_x01_a_server_that_is_none_is_told_to_the_program_that_asked(answer: bytes) -> None:
    """hostile server"""
    await _survives(lambda head: answer)


@pytest.mark.parametrize("frames", HOSTILE_FRAMES.values(), ids=HOSTILE_FRAMES.keys())
async def test_x01_a_server_with_hostile_frames_ends_its_link_and_not_the_program(frames: bytes) -> None:
    """hostile server, upgraded"""
    await _survives(lambda head: _upgraded(head) + frames)


SECTION = (
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\na=sctp-port:5000\r\n"
)
HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
DESCRIPTIONS: dict[str, str] = {
    "nothing": "",
    "no description": "hello",
    "NUL": "\0" * 1_000,
    "10,000 lines": HEAD + SECTION + "a=x:y\r\n" * 10_000,
    "1,000 sections": HEAD + SECTION * 1_000,
    "64 sections alike": HEAD + SECTION * 64,
    "a huge ufrag": HEAD + SECTION.replace("abcd\r\n", "a" * 100_000 + "\r\n"),
    "no ufrag": HEAD + SECTION.replace("a=ice-ufrag:abcd\r\n", ""),
    "no fingerprint": HEAD + SECTION.replace("a=fingerprint", "a=finger"),
    "a fingerprint of nothing": HEAD + SECTION.replace("sha-256 AB", "sha-0 "),
    "a fingerprint in parts": HEAD + SECTION.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256"),
    "a port that is a word": HEAD + SECTION.replace("application 9", "application nine"),
    "a port of 2^70": HEAD + SECTION.replace("application 9", f"application {2**70}"),
    "a kind that is none": HEAD + SECTION.replace("m=application", "m=smell"),
    "a section without a form": HEAD + "m=\r\n" + SECTION,
    "a bundle of strangers": HEAD.replace("BUNDLE 0", "BUNDLE 7 8 9") + SECTION,
    "an SCTP port that is none": HEAD + SECTION.replace("5000", "-1e9"),
    "a long line": HEAD + "a=" + "x" * 150_000 + "\r\n" + SECTION,
    "bare LF": (HEAD + SECTION).replace("\r\n", "\n"),
    "bare CR": (HEAD + SECTION).replace("\r\n", "\r"),
    "an rtpmap of nothing": HEAD + SECTION + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111\r\na=fmtp:\r\n",
}


@pytest.mark.parametrize("sdp", DESCRIPTIONS.values(), ids=DESCRIPTIONS.keys())
async def test_x02_a_description_is_taken_or_refused_with_a_value_error_and_at_once(sdp: str) -> None:
    """hostile SDP"""
    started = time.monotonic()
    try:
        prepare_remote(sdp)
    except ValueError:
        pass  # as it says
    assert time.monotonic() - started < 2.0


CANDIDATES = [
    "", "candidate:", "candidate:1 1 udp", "candidate:1 1 udp x 127.0.0.1 9 typ host",
    "candidate:1 1 udp 1 127.0.0.1 99999999999999999999 typ host",
    "candidate:1 1 udp 1 " + "a" * 100_000 + " 9 typ host", "candidate:1 1 udp 1 ::1%eth0 9 typ host",
    "candidate:1 1 udp 1 127.0.0.1 9 typ host raddr", "candidate:1 1 udp 1 127.0.0.1 -1 typ host",
    "candidate:\r\na=ice-pwd:x 1 udp 1 127.0.0.1 9 typ host", "candidate:1 1 sctp 1 127.0.0.1 9 typ magic",
    "\0", "candidate:" + " " * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", CANDIDATES, ids=range(len(CANDIDATES)))
async def test_x02_a_candidate_is_read_or_passed_over(text: str) -> None:
    """hostile candidates"""
    started = time.monotonic()
    for mid, index in (("0", 0), ("x" * 1_000, 2**31), (None, None)):
        init = msgspec.convert({"candidate": text, "sdpMid": mid, "sdpMLineIndex": index}, IceCandidateInit)
        try:
            parse_candidate(init)
        except ValueError:
            pass  # as documented for descriptions
    assert time.monotonic() - started < 2.0
