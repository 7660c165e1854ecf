"""What the server tells about itself, how much it answers, and its TLS. Pure."""

from __future__ import annotations

from peer.nat.audit.evidence import Evidence, Tls
from peer.nat.audit.ranges import Severity
from peer.nat.audit.report import SEVERITIES, Judgement
from peer.nat.audit.versions import MENDED, OPT_IN, holes_of, version_of, version_text

MAX_FACTOR = 3.0
"""Of an answer to its question: XOR-MAPPED-ADDRESS and FINGERPRINT make 2 to 2.6."""
MAX_NAME = 80
"""Characters of what a server calls itself."""
SOON = 14 * 86_400.0


def judge_wire(evidence: Evidence, judgement: Judgement) -> None:
    for door in evidence.doors:
        if not door.is_turn:
            judgement.unknown("door", f"what it does at {door.url}", door.trouble)
    _judge_version(evidence, judgement)
    _judge_binding(evidence, judgement)
    for seen in evidence.tls:
        _judge_certificate(seen, evidence.unix_now, judgement)
        _judge_old_tls(seen, judgement)
    if not evidence.tls:
        judgement.unknown("tls", "TLS", "no TLS was asked for, or none is spoken there; ask turns:HOST:PORT")
    judgement.unknown("dtls", "DTLS", "TURN over DTLS is not asked for; no-dtls switches it off")


def _judge_version(evidence: Evidence, judgement: Judgement) -> None:
    software = next((door.software for door in evidence.doors if door.software), "")[:MAX_NAME]
    version = version_of(software)
    if not any(character.isdigit() for character in software):
        judgement.right("tells-version", "does not tell its version")
        judgement.unknown(
            "known-holes",
            "its version has no known holes",
            f"it does not tell; look with turnserver --version, {version_text(MENDED)} has none of them",
        )
        return
    is_opt_in = version is not None and version >= OPT_IN
    judgement.hole(
        "tells-version",
        "low",
        f"tells its version to everybody: {software}",
        "Whoever looks for servers with known holes finds this one by asking once.",
        ["# Remove software-attribute."] if is_opt_in else ["no-software-attribute"],
    )
    if version is None:
        judgement.unknown("known-holes", "its version has no known holes", f"of {software} none are listed")
        return
    holes = holes_of(version)
    if not holes:
        judgement.right("known-holes", "its version has no known holes", version_text(version))
        return
    worst: Severity = min((hole.severity for hole in holes), key=SEVERITIES.index)
    judgement.hole(
        "known-holes",
        worst,
        f"coturn {version_text(version)} has known holes",
        "Distributions mend some of them without changing the number; what can be asked for from outside "
        "was asked for, and is listed here by itself.",
        [f"# Install coturn {version_text(MENDED)} or later, or look at what your distribution has mended."],
        [f"{hole.id}: {hole.text} (mended in {version_text(hole.fixed)})" for hole in holes],
    )


def _judge_binding(evidence: Evidence, judgement: Judgement) -> None:
    binding = evidence.binding
    titles = {
        "amplification": "its answers are about as long as the questions",
        "rfc5780": "does not answer from other addresses (RFC 5780)",
        "old-attributes": "sends no fields of before 2008",
    }
    if binding is None:
        is_open = any(door.is_turn and door.transport == "udp" for door in evidence.doors)
        why = "it does not answer STUN over UDP" if is_open else "UDP is not open here"
        for code, title in titles.items():
            judgement.unknown(code, title, why)
        return
    factor = binding.answered / binding.asked
    sizes = f"{binding.answered} bytes for {binding.asked}"
    if factor > MAX_FACTOR:
        judgement.hole(
            "amplification",
            "medium",
            f"answers with {factor:.1f} times as much as it is asked with",
            "Whoever forges a sender makes the server flood it; the less it answers, the less it is worth.",
            ["no-software-attribute", "no-rfc5780", "no-stun-backward-compatibility"],
            [sizes],
        )
    else:
        judgement.right("amplification", titles["amplification"], sizes)
    if binding.other or binding.answers_elsewhere:
        judgement.hole(
            "rfc5780",
            "low",
            "answers from other addresses than it was asked at (RFC 5780)",
            "It is for testing NATs, not for calls, and makes longer answers, worth more to a forged sender.",
            ["no-rfc5780"],
            [f"other address: {binding.other or 'not told'}"],
        )
    else:
        judgement.right("rfc5780", titles["rfc5780"])
    if binding.plain_mapped:
        judgement.hole(
            "old-attributes",
            "low",
            "sends MAPPED-ADDRESS beside XOR-MAPPED-ADDRESS",
            "Only programs from before 2008 read it; it makes answers longer.",
            ["no-stun-backward-compatibility"],
        )
    else:
        judgement.right("old-attributes", titles["old-attributes"])


def _judge_certificate(seen: Tls, unix_now: float, judgement: Judgement) -> None:
    title = f"its certificate is trusted, {seen.url}"
    lines = ["cert=/PATH/fullchain.pem", "pkey=/PATH/privkey.pem"]
    if seen.untrusted:
        judgement.hole(
            "certificate",
            "high",
            f"its certificate is not trusted: {seen.untrusted}",
            "Browsers do not connect, and do not say why; calls that need TLS fail.",
            lines,
            [seen.url],
        )
    elif not seen.is_verified:
        judgement.unknown("certificate", title, "you did not want that")
    elif seen.valid_until is not None and seen.valid_until - unix_now < SOON:
        days = max(0.0, (seen.valid_until - unix_now) / 86_400)
        judgement.hole(
            "certificate-ends",
            "medium",
            f"its certificate ends in {days:.0f} days",
            "From then on browsers do not connect, and do not say why.",
            ["# Renew it, and let the renewal restart coturn, or send it SIGUSR2."],
            [seen.url],
        )
    else:
        judgement.right("certificate", title)


def _judge_old_tls(seen: Tls, judgement: Judgement) -> None:
    title = f"speaks no TLS before 1.2, {seen.url}"
    if not seen.is_old_known:
        judgement.unknown("old-tls", title, "this machine cannot speak them either")
    elif seen.old_versions:
        judgement.hole(
            "old-tls",
            "medium",
            f"speaks {' and '.join(seen.old_versions)}",
            "Both are broken, and no client of this decade needs them.",
            ["no-tlsv1", "no-tlsv1_1"],
            [seen.url],
        )
    else:
        judgement.right("old-tls", title)
