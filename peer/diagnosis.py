"""Why a connection does not work, or not well, in one sentence that a person can act on.

Precedence: what is certain first (the engine, a broken protocol); then, while there is no connection,
from this machine outwards: its network, the server, the policy, the other side, and only when ways have
been tried in vain, what the candidates and the STUN and TURN servers tell; last, what merely takes its
time. A connection that works has only its quality to speak of. Within each table below the first line
that applies is the diagnosis. ``web/lib/diagnosis.js`` is the twin; tests/vectors/diagnosis.json binds both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from peer.errors import Diagnosis
from peer.facts import (
    QUOTA,
    REFUSED,
    Facts,
    Server,
    has_relay,
    is_hidden,
    is_relay_known,
    is_stun_silent,
    is_udp_blocked,
    is_without_relay,
    may_relay_by_stream,
    servers_of,
    turn_said,
    turn_servers_of,
    unreadable,
    untrusted,
)
from peer.sentences import say

SOON = 3.0
"""Before that, a connection that is being made needs no words."""
PATIENCE = 5.0
"""Ways that work have been found by then; what is missing may be named."""
HIGH_LOSS = 0.05
HIGH_RTT = 0.4
"""ITU-T G.114 would have 150 ms each way, and 400 ms at the most: people begin to talk at the same time."""

MAX_QUOTED_CHARACTERS = 200
MAX_SECONDS = 86_400


def diagnose(facts: Facts) -> Diagnosis | None:
    """What is the matter; None when all is well, or when it is too early to say. Never raises."""
    code = next((code for code, applies in _rules(facts) if applies(facts)), None)
    if code is None:
        return None
    return say(code, _blanks(code, facts))


Rule = tuple[str, Callable[[Facts], bool]]


def _rules(facts: Facts) -> tuple[Rule, ...]:
    match facts.connection:
        case "closed":
            return CERTAIN
        case "connected":
            return CERTAIN + WORKING
        case _:
            return CERTAIN + APART + (STUCK if _is_stuck(facts) else ()) + UNDER_WAY


CERTAIN: tuple[Rule, ...] = (
    ("engine-mismatch", lambda it: it.engine_mismatch != ""),
    ("protocol-violation", lambda it: it.violation != ""),
)
WORKING: tuple[Rule, ...] = (
    ("too-many-channels", lambda it: it.is_full_of_channels),
    ("high-loss", lambda it: it.loss is not None and it.loss >= HIGH_LOSS),
    ("udp-blocked", lambda it: it.route_protocol in ("tcp", "tls") and is_udp_blocked(it)),
    ("high-rtt", lambda it: it.rtt is not None and it.rtt >= HIGH_RTT),
    ("relayed", lambda it: it.route == "relayed" and not it.is_relay_only),
)
APART: tuple[Rule, ...] = (
    ("no-network", lambda it: it.has_network is False),
    ("server-unreachable", lambda it: it.link != "open" and not _is_early(it)),
    (
        "relay-only-without-turn",
        lambda it: it.link == "open" and it.is_relay_only and not turn_servers_of(it),
    ),
    ("peer-away", lambda it: it.is_peer_away),
    ("dtls-failed", lambda it: it.is_dtls_failed),
    (
        "peer-silent",
        lambda it: it.connection == "interrupted" and it.healing != "rebuild" and it.ice != "failed",
    ),
    (
        "waiting-for-peer",
        lambda it: it.connection == "connecting" and not it.has_answer and it.silence >= SOON,
    ),
)
STUCK: tuple[Rule, ...] = (
    (
        "peer-has-no-candidates",
        lambda it: it.has_answer and not it.remote and (it.is_remote_gathered or it.ice == "failed"),
    ),
    ("no-candidates", lambda it: it.is_gathered and not it.local and not it.is_relay_only),
    ("turn-refused", lambda it: not has_relay(it) and turn_said(it, REFUSED) is not None),
    ("turn-quota", lambda it: not has_relay(it) and turn_said(it, QUOTA) is not None),
    ("turn-certificate", lambda it: not has_relay(it) and untrusted(it) is not None),
    ("bad-server-url", lambda it: not has_relay(it) and unreadable(it) is not None),
    ("udp-blocked-no-turn-tls", lambda it: is_udp_blocked(it) and not may_relay_by_stream(it)),
    (
        "udp-blocked",
        lambda it: it.ice != "failed" and is_udp_blocked(it) and not is_without_relay(it),
    ),
    ("turn-unreachable", lambda it: is_without_relay(it)),
    ("stun-unreachable", lambda it: not it.is_relay_only and is_stun_silent(it)),
    ("insecure-page", lambda it: not it.is_secure_context and is_hidden(it)),
    ("addresses-hidden", lambda it: is_hidden(it)),
    (
        "relay-needed",
        lambda it: bool(it.local and it.remote) and not turn_servers_of(it) and not is_relay_known(it),
    ),
    ("no-path", lambda it: it.ice == "failed"),
)
UNDER_WAY: tuple[Rule, ...] = (
    ("rebuilding", lambda it: it.healing == "rebuild"),
    ("peer-silent", lambda it: it.connection == "interrupted"),
    ("connecting", lambda it: it.silence >= SOON),
)


def _is_early(facts: Facts) -> bool:
    return facts.link == "connecting" and facts.link_reason == "" and facts.silence < SOON


def _is_stuck(facts: Facts) -> bool:
    """Ways have been tried in vain, or there are none to try."""
    if facts.ice in ("connected", "failed"):
        return facts.ice == "failed"
    if facts.connection == "interrupted" and facts.healing != "rebuild":
        return False
    return facts.silence >= PATIENCE or (facts.is_gathered and not facts.local)


# What stands in the blanks of the sentences


def _blanks(code: str, facts: Facts) -> dict[str, str]:
    url, reason = _named(code, facts)
    quoted = _quoted(reason)
    return {
        "url": _quoted(url),
        "reason": f" ({quoted})" if quoted else "",
        "seconds": str(_whole(facts.silence, MAX_SECONDS)),
        "loss": str(_whole((facts.loss or 0.0) * 100, 100)),
        "rtt": str(_whole((facts.rtt or 0.0) * 1000, MAX_SECONDS * 1000)),
        "protocol": (facts.route_protocol or "udp").upper(),
    }


def _named(code: str, facts: Facts) -> tuple[str, str]:
    """The url of the server that a sentence is about, and the reason that it gives."""
    match code:
        case "engine-mismatch":
            return "", facts.engine_mismatch
        case "protocol-violation":
            return "", facts.violation
        case "server-unreachable":
            return "", facts.link_reason
        case "stun-unreachable":
            return _first_told(facts, [server for server in servers_of(facts) if not server.is_turn])
        case "turn-unreachable":
            return _first_told(facts, turn_servers_of(facts))
    finders = {
        "turn-refused": lambda: turn_said(facts, REFUSED),
        "turn-quota": lambda: turn_said(facts, QUOTA),
        "turn-certificate": lambda: untrusted(facts),
        "bad-server-url": lambda: unreadable(facts),
    }
    told = finders[code]() if code in finders else None
    return (told.url, told.text) if told is not None else ("", "")


def _first_told(facts: Facts, servers: list[Server]) -> tuple[str, str]:
    # Where UDP does not get through, what the others have said is worth more.
    urls = [server.url for server in sorted(servers, key=lambda it: it.transport == "udp")]
    return next(((url, it.text) for url in urls for it in facts.troubles if it.url == url), (urls[0], ""))


def _quoted(text: str) -> str:
    """Words of others: on one line, and not too many of them."""
    line = re.sub(r"[\x00-\x20\x7f]+", " ", text).strip(" ")
    return line if len(line) <= MAX_QUOTED_CHARACTERS else line[:MAX_QUOTED_CHARACTERS] + "…"


def _whole(number: float, most: int) -> int:
    return math.floor(min(max(0.0, number), most) + 0.5)
