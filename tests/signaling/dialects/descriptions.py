"""Descriptions of clients of WHIP and WHEP, and of members who answer them, as short as they can be."""

from __future__ import annotations

UFRAG = "mine"
PWD = "p" * 22
CANDIDATE = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"
SHARED = (
    "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=fingerprint:sha-256 AA:BB\r\na=setup:{setup}\r\n"
    "a=rtcp-mux\r\n"
)


def section(kind: str, mid: str, *lines: str) -> str:
    return "".join(f"{line}\r\n" for line in (f"m={kind} 9 UDP/TLS/RTP/SAVPF 96", f"a=mid:{mid}", *lines))


def offer(ufrag: str = UFRAG, direction: str = "sendonly", setup: str = "actpass") -> str:
    shared = SHARED.format(ufrag=ufrag, pwd=PWD, setup=setup)
    sections = (
        section(kind, mid, f"a={direction}") + shared for kind, mid in (("audio", "0"), ("video", "1"))
    )
    return f"v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n{''.join(sections)}"


def answer(ufrag: str = "ours") -> str:
    return offer(ufrag, "recvonly", "active")
