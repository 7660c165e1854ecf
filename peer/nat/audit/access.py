"""Who gets a relay, of what kind, how many, and for how long. Pure."""

from __future__ import annotations

from peer.nat.audit.evidence import GRANTED, Asker, Evidence
from peer.nat.audit.plan import MAX_QUOTA
from peer.nat.audit.report import Judgement

FAR = 7 * 86_400.0
"""Seconds for which a credential may be good; usual are hours."""
LONG = 86_400
"""Seconds of an allocation; coturn gives an hour at the most by itself."""
USED_UP = (486, 508)
TEMPORARY = ("use-auth-secret", "static-auth-secret=SECRET")
NEEDS_CREDENTIALS = "it needs credentials: --username and --password, or --secret"


def judge_access(evidence: Evidence, judgement: Judgement) -> None:
    logins = {login.asker: login.code for login in evidence.logins}
    is_open = logins.get("nobody") == GRANTED
    _judge_open(logins, judgement)
    if not is_open:
        _judge_passwords(evidence, logins, judgement)
    _judge_lifetime_of_credentials(evidence, judgement)
    has_asked = evidence.has_credentials or is_open
    _judge_quota(evidence, has_asked, judgement)
    _judge_tcp(evidence, has_asked, judgement)
    _judge_lifetime(evidence, judgement)


def _judge_open(logins: dict[Asker, int | None], judgement: Judgement) -> None:
    match logins.get("nobody"):
        case 0:
            judgement.hole(
                "open-relay",
                "critical",
                "gives a relay to anybody, without credentials",
                "Strangers relay through this server: at your cost, under your address, and to all that it "
                "reaches.",
                [*TEMPORARY, "# Remove no-auth."],
            )
        case 401 | 403 | 438:
            judgement.right("open-relay", "asks for credentials")
        case code:
            said = "it did not answer" if code is None else f"it answered {code}"
            judgement.unknown("open-relay", "asks for credentials", said)


def _judge_passwords(evidence: Evidence, logins: dict[Asker, int | None], judgement: Judgement) -> None:
    title = "refuses a wrong password"
    match logins.get("wrong-password"):
        case 0:
            judgement.hole(
                "wrong-password",
                "critical",
                "accepts a wrong password",
                "Whoever knows or guesses a user name has a relay.",
                TEMPORARY,
            )
        case None:
            why = "it did not answer" if evidence.has_credentials else NEEDS_CREDENTIALS
            judgement.unknown("wrong-password", title, why)
        case _:
            judgement.right("wrong-password", title)
    has_expired = evidence.valid_until is not None and evidence.valid_until < evidence.unix_now
    code = logins.get("expired")
    if has_expired and any(relay.code == GRANTED for relay in evidence.relays):
        code = GRANTED
    _judge_expired(evidence, code, judgement)


def _judge_expired(evidence: Evidence, code: int | None, judgement: Judgement) -> None:
    title = "refuses credentials that have expired"
    match code:
        case 0:
            judgement.hole(
                "expired-credential",
                "high",
                "accepts credentials that have expired",
                "What was handed out once is good for ever.",
                [*TEMPORARY, "# Compare the clock of this machine with others."],
            )
        case None:
            why = "it did not answer" if evidence.has_secret else "only who has the --secret can make some"
            judgement.unknown("expired-credential", title, why)
        case _:
            judgement.right("expired-credential", title)


def _judge_lifetime_of_credentials(evidence: Evidence, judgement: Judgement) -> None:
    if not evidence.has_credentials or evidence.has_secret:
        return
    if evidence.valid_until is None:
        judgement.hole(
            "static-user",
            "medium",
            "these credentials never end",
            "Whoever reads them once, in a page or in a log, has a relay until somebody changes them.",
            [*TEMPORARY, "# Remove user=NAME:PASSWORD."],
        )
    elif evidence.valid_until - evidence.unix_now > FAR:
        days = (evidence.valid_until - evidence.unix_now) / 86_400
        judgement.hole(
            "far-expiry",
            "medium",
            f"these credentials are good for {days:.0f} days more",
            "Whoever reads them once has a relay for that long; a session needs hours.",
            ["# In the signaling server, under [ice]: turn_lifetime = 7200.0"],
        )
    else:
        judgement.right("static-user", "these credentials end by themselves")


def _judge_quota(evidence: Evidence, has_asked: bool, judgement: Judgement) -> None:
    title, quota = "limits what one user may have", evidence.quota
    if not has_asked:
        judgement.unknown("no-user-quota", title, NEEDS_CREDENTIALS)
    elif quota is None:
        has_any = any(relay.code == GRANTED for relay in evidence.relays)
        why = "it did not answer" if has_any else "no relay could be had at all"
        judgement.unknown("no-user-quota", title, why)
    elif quota.code == GRANTED and quota.given >= MAX_QUOTA:
        judgement.hole(
            "no-user-quota",
            "medium",
            f"one user had {quota.given} relays at a time, and could have more",
            "One who has credentials, or has stolen them, can take all ports and all bandwidth.",
            ["user-quota=12", "total-quota=1200"],
        )
    elif quota.code in USED_UP:
        judgement.right("no-user-quota", title, f"{quota.given} relays at a time")
    else:
        judgement.unknown("no-user-quota", title, f"after {quota.given} relays it answered {quota.code}")


def _judge_tcp(evidence: Evidence, has_asked: bool, judgement: Judgement) -> None:
    title = "relays no TCP"
    if evidence.tcp_relay == GRANTED:
        judgement.hole(
            "tcp-relay",
            "high",
            "relays TCP",
            "Calls need UDP alone. Over TCP a relay reaches web servers, databases and mail (RFC 6062).",
            ["no-tcp-relay"],
        )
    elif evidence.tcp_relay is not None and evidence.tcp_relay not in (401, *USED_UP):
        judgement.right("tcp-relay", title)
    elif not has_asked:
        judgement.unknown("tcp-relay", title, NEEDS_CREDENTIALS)
    elif not any(door.is_turn and door.transport != "udp" for door in evidence.doors):
        judgement.unknown("tcp-relay", title, "it can only be asked over TCP or TLS, which is not open here")
    else:
        judgement.unknown("tcp-relay", title, "it did not answer")


def _judge_lifetime(evidence: Evidence, judgement: Judgement) -> None:
    given = max((relay.lifetime for relay in evidence.relays), default=0)
    if given > LONG:
        judgement.hole(
            "long-lifetime",
            "low",
            f"keeps a relay for {given:,} seconds unasked",
            "Relays that nobody uses any more keep their ports.",
            ["max-allocate-lifetime=3600"],
        )
    elif given:
        judgement.right("long-lifetime", "forgets relays that nobody renews", f"after {given} s")
