"""What WHIP and WHEP ask of descriptions, and their fragments for trickle and ICE restart (RFC 8840 §9).

Pure text work: an offer is judged as RFC 9725 section 4.4 wants it and given to a member as one of ours, an
answer is completed with the candidates that came after it, since a server cannot send any later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

Direction = Literal["sendonly", "recvonly"]

MAX_SDP_CHARACTERS = 65_536
"""Ten times what browsers write."""
MAX_SECTIONS = 4
MAX_CANDIDATES = 64
"""Of one fragment; the rest is left out."""
MAX_LINE_CHARACTERS = 512
"""Of a candidate."""
SLOTS = {"audio": ("microphone", "screen-sound"), "video": ("camera", "screen")}
"""What our peers call the first and the second section of a kind."""

_LINE = re.compile(r"[a-z]=")
_CREDENTIAL = re.compile(r"[A-Za-z0-9+/]{4,256}")
"""As RFC 8839 section 5.4 has ufrag (4 to 256) and pwd (22 to 256)."""
_DIRECTIONS = frozenset(("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"))
_CANDIDATE = "a=candidate:"
_END = "a=end-of-candidates"
_UFRAG, _PWD, _MID = "a=ice-ufrag:", "a=ice-pwd:", "a=mid:"


class UnusableError(Exception):
    """``status`` is that of the HTTP response, the text says what to do."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Offer(msgspec.Struct, frozen=True):
    """One that may be given to a member."""

    sdp: str
    mid: str
    """Of the section whose transport all share."""
    ufrag: str
    slots: dict[str, str]
    """mid → slot."""


class Answer(msgspec.Struct, frozen=True):
    sdp: str
    mid: str
    ufrag: str
    pwd: str
    is_complete: bool
    """It says that there are no more candidates."""


class Fragment(msgspec.Struct, frozen=True):
    """What a client has to say about ICE alone."""

    ufrag: str = ""
    pwd: str = ""
    candidates: list[str] = []
    """Each begins with ``candidate:``."""
    is_complete: bool = False


def parse_offer(text: str, direction: Direction) -> Offer:
    """An offer of a client that sends alone, or receives alone. Raises UnusableError."""
    _check_length(text)
    head, *sections = _split(text)
    if not head or head[0] != "v=0":
        raise UnusableError(400, "The body is no session description: it does not begin with v=0.")
    if not sections:
        raise UnusableError(422, "The offer has no section for audio or video.")
    if len(sections) > MAX_SECTIONS:
        raise UnusableError(422, f"The offer has more than {MAX_SECTIONS} sections; offer fewer tracks.")
    slots: dict[str, str] = {}
    lines = list(head)
    for section in sections:
        mid, slot = _judge(section, head, direction, slots)
        slots[mid] = slot
        lines += [each for each in section if each not in _DIRECTIONS]
        lines.append(f"a={direction}")
    bundle = (_value(head, "a=group:BUNDLE") or "").split()
    if len(sections) > 1 and set(bundle) != set(slots):
        raise UnusableError(422, "The sections do not share a transport; offer with bundlePolicy max-bundle.")
    mid = bundle[0] if set(bundle) == set(slots) else next(iter(slots))
    first = next(section for section in sections if _value(section, _MID) == mid)
    ufrag, pwd = _credentials([*first, *head])
    if not _is_credential(ufrag, 4) or not _is_credential(pwd, 22):
        raise UnusableError(400, "The offer has no ICE credentials (a=ice-ufrag, a=ice-pwd).")
    return Offer(_text(lines), mid, ufrag, slots)


def restarted(offer: Offer, fragment: Fragment) -> Offer:
    """The same offer for another generation of ICE."""
    head, *sections = _split(offer.sdp)
    lines = [_next_version(line) for line in _without_candidates(head)]
    for section in sections:
        lines += _without_candidates(section)
        if _value(section, _MID) == offer.mid:
            lines += [f"a={candidate}" for candidate in fragment.candidates]
    new = {_UFRAG: fragment.ufrag, _PWD: fragment.pwd}
    lines = [next((p + value for p, value in new.items() if line.startswith(p)), line) for line in lines]
    return Offer(_text(lines), offer.mid, fragment.ufrag, offer.slots)


def parse_answer(text: str, offer: Offer) -> Answer:
    """A member's answer. Raises UnusableError when it takes only part of the offer: WHIP has no such."""
    _check_length(text)
    head, *sections = _split(text)
    rejected = [section for section in sections if _port(section) == "0"]
    if len(sections) != len(offer.slots) or rejected:
        raise UnusableError(
            422, "The member of the room does not take all of these tracks; offer others, or other codecs."
        )
    first = next((each for each in sections if _value(each, _MID) == offer.mid), sections[0])
    ufrag, pwd = _credentials([*first, *head])
    return Answer(_text(_lines(text)), offer.mid, ufrag, pwd, _END in first or _END in head)


def completed(answer: Answer, candidates: Iterable[str]) -> str:
    """The answer with candidates that came after it, and no more to come."""
    head, *sections = _split(answer.sdp)
    lines = list(head)
    for section in sections:
        section = [line for line in section if line != _END]
        lines += section
        if _value(section, _MID) == answer.mid:
            lines += _missing(section, candidates)
            lines.append(_END)
    return _text(lines)


def answer_fragment(answer: Answer, candidates: Iterable[str]) -> str:
    """What of an answer a client needs that has restarted ICE."""
    sections = _split(answer.sdp)[1:]
    first = next((each for each in sections if _value(each, _MID) == answer.mid), sections[0])
    of_answer = [line.removeprefix("a=") for line in first if line.startswith(_CANDIDATE)]
    fragment = Fragment(answer.ufrag, answer.pwd, list(dict.fromkeys([*of_answer, *candidates])), True)
    return build_fragment(fragment, first[0], answer.mid)


def build_fragment(fragment: Fragment, media: str = "m=audio 9 UDP/TLS/RTP/SAVPF 0", mid: str = "0") -> str:
    """As RFC 9725 section 4.3.3 shows one; ``media`` is the first line of the section."""
    lines = [media, f"{_MID}{mid}", f"{_UFRAG}{fragment.ufrag}", f"{_PWD}{fragment.pwd}"]
    lines += [f"a={candidate}" for candidate in fragment.candidates]
    return _text([*lines, _END] if fragment.is_complete else lines)


def parse_fragment(text: str) -> Fragment:
    """Raises UnusableError for what is no fragment; candidates that cannot be used are left out."""
    _check_length(text)
    lines = _lines(text)
    for line in lines:
        if not _LINE.match(line):
            raise UnusableError(400, "The body is no fragment of a description: each line begins as a= does.")
    ufrag, pwd = _credentials(lines)
    if (ufrag and not _is_credential(ufrag, 4)) or (pwd and not _is_credential(pwd, 22)):
        raise UnusableError(400, "These are no ICE credentials (RFC 8839 section 5.4).")
    found = (usable_candidate(line.removeprefix("a=")) for line in lines if line.startswith(_CANDIDATE))
    # Some clients repeat each for every section, and all share one transport.
    candidates = list(dict.fromkeys(each for each in found if each is not None))
    return Fragment(ufrag, pwd, candidates[:MAX_CANDIDATES], _END in lines)


def usable_candidate(text: str) -> str | None:
    """``candidate:…`` as our members take it; None for one of no use.

    RTCP shares the transport, so that there is one component: the first. Some clients count it from 0.
    """
    fields = text.split()
    if len(text) > MAX_LINE_CHARACTERS or len(fields) < 8 or fields[1] not in ("0", "1"):
        return None
    return " ".join([fields[0], "1", *fields[2:]])


def _judge(
    section: Sequence[str], head: Sequence[str], direction: Direction, slots: dict[str, str]
) -> tuple[str, str]:
    """The mid and the slot of a section that may be offered."""
    kind = section[0].removeprefix("m=").partition(" ")[0]
    mid = _value(section, _MID)
    names = SLOTS.get(kind, ())
    if not names:
        raise UnusableError(422, f"There is a section for {kind[:20]!r}; offer audio and video alone.")
    if not mid or len(mid) > 16 or mid in slots:
        raise UnusableError(400, "Each section needs a short a=mid of its own.")
    free = [name for name in names if name not in slots.values()]
    if not free:
        raise UnusableError(
            422, f"The offer has more than {len(names)} sections of {kind}; offer fewer tracks."
        )
    if _port(section) == "0" and "a=bundle-only" not in section:
        raise UnusableError(422, "A section is offered with port 0, which refuses it; leave it out.")
    if "a=rtcp-mux" not in section:
        raise UnusableError(422, "A section has no a=rtcp-mux; offer with rtcpMuxPolicy require.")
    if not any(line.startswith("a=fingerprint:") for line in (*section, *head)):
        raise UnusableError(400, "The offer has no a=fingerprint: it is not for DTLS.")
    if (_value([*section, *head], "a=setup:") or "actpass") not in ("actpass", "active"):
        raise UnusableError(422, "Offer with a=setup:actpass.")
    wrong = {"sendonly": ("a=recvonly", "a=inactive"), "recvonly": ("a=sendonly", "a=inactive")}[direction]
    if any(line in wrong for line in section):
        other = "WHEP plays: go to /whep/" if direction == "sendonly" else "WHIP publishes: go to /whip/"
        raise UnusableError(422, f"A section is not {direction}. {other} for the other direction.")
    return mid, free[0]


def _check_length(text: str) -> None:
    if len(text) > MAX_SDP_CHARACTERS:
        raise UnusableError(413, f"A description may have {MAX_SDP_CHARACTERS:,} characters.")


def _lines(text: str) -> list[str]:
    # As our members do: what they take for a line of its own must not be hidden in another one here.
    return [line for line in text.splitlines() if line]


def _split(text: str) -> list[list[str]]:
    """The lines of the session, then those of each section."""
    parts: list[list[str]] = [[]]
    for line in _lines(text):
        if line.startswith("m="):
            parts.append([])
        parts[-1].append(line)
    return parts


def _text(lines: Iterable[str]) -> str:
    return "\r\n".join(lines) + "\r\n"


def _value(lines: Iterable[str], prefix: str) -> str | None:
    return next((line.removeprefix(prefix).strip() for line in lines if line.startswith(prefix)), None)


def _credentials(lines: Iterable[str]) -> tuple[str, str]:
    lines = list(lines)
    return _value(lines, _UFRAG) or "", _value(lines, _PWD) or ""


def _is_credential(text: str, least: int) -> bool:
    return len(text) >= least and _CREDENTIAL.fullmatch(text) is not None


def _port(section: Sequence[str]) -> str:
    return next(iter(section[0].split()[1:2]), "")


def _without_candidates(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not line.startswith(_CANDIDATE) and line != _END]


def _missing(section: Sequence[str], candidates: Iterable[str]) -> list[str]:
    return [line for line in dict.fromkeys(f"a={each}" for each in candidates) if line not in section]


def _next_version(line: str) -> str:
    """Of a session's origin (RFC 8866 section 5.2): each description of one session has a higher number."""
    fields = line.split(" ")
    if not line.startswith("o=") or len(fields) != 6 or not (fields[2].isascii() and fields[2].isdigit()):
        return line
    return " ".join([*fields[:2], str(int(fields[2][:18]) + 1), *fields[3:]])
