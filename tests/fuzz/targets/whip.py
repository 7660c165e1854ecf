"""What clients of WHIP and WHEP send, and what members answer them: offers, fragments, answers."""

from __future__ import annotations

from signaling.dialects import whip_sdp
from tests.fuzz.mutation import in_pieces, joined, lines, pieces
from tests.fuzz.target import Target
from tests.signaling.dialects.descriptions import CANDIDATE, PWD, UFRAG, answer, offer

OFFER = whip_sdp.parse_offer(offer(), "sendonly")


def read_offer(data: bytes) -> None:
    """Taken or refused; and what is taken is taken again as it is, also after an ICE restart."""
    text = data.decode(errors="replace")
    try:
        parsed = whip_sdp.parse_offer(text, "sendonly")
    except whip_sdp.UnusableError:
        return
    assert whip_sdp.parse_offer(parsed.sdp, "sendonly") == parsed
    again = whip_sdp.restarted(parsed, whip_sdp.Fragment("other", "p" * 22, [CANDIDATE]))
    if len(again.sdp) <= whip_sdp.MAX_SDP_CHARACTERS:
        read = whip_sdp.parse_offer(again.sdp, "sendonly")
        assert (read.ufrag, read.mid, read.slots) == ("other", again.mid, again.slots)
    assert again.sdp.splitlines().count(f"a={CANDIDATE}") == 1


def read_fragment(data: bytes) -> None:
    """A fragment of a client, then a candidate of a member: neither brings a line of its own."""
    text, candidate, *_ = [*(part.decode(errors="replace") for part in pieces(data, most=2)), "", ""]
    whip_sdp.usable_candidate(candidate)
    try:
        fragment = whip_sdp.parse_fragment(text)
    except whip_sdp.UnusableError:
        return
    assert all(len(each.splitlines()) == 1 for each in fragment.candidates)
    if fragment.ufrag and fragment.pwd:
        assert whip_sdp.parse_fragment(whip_sdp.build_fragment(fragment)) == fragment


def read_answer(data: bytes) -> None:
    text = data.decode(errors="replace")
    try:
        parsed = whip_sdp.parse_answer(text, OFFER)
    except whip_sdp.UnusableError:
        return
    whip_sdp.completed(parsed, [CANDIDATE]).encode()
    whip_sdp.answer_fragment(parsed, [CANDIDATE]).encode()


FRAGMENT = whip_sdp.build_fragment(whip_sdp.Fragment(UFRAG, PWD, [CANDIDATE], True))
WORDS = (
    *sorted({line.encode() for text in (offer(), answer(), FRAGMENT) for line in text.splitlines()}),
    b"a=sendrecv", b"a=inactive", b"a=bundle-only", b"m=application 9 X",
    b"a=candidate:1 0 udp 1 a 9 typ host",
    b"\x0b", b"\x1c", b"\xe2\x80\xa8", b"\r",
)  # fmt: skip
OFFERS = (offer().encode(), offer(direction="sendrecv").encode())
TARGETS = [
    Target("whip_offer", read_offer, OFFERS, WORDS, lines(WORDS)),
    Target(
        "whip_fragment",
        read_fragment,
        (joined(FRAGMENT.encode(), CANDIDATE.encode()), joined(b"a=ice-ufrag:abcd\r\n")),
        WORDS,
        in_pieces(lines(WORDS)),
    ),
    Target("whip_answer", read_answer, (answer().encode(),), WORDS, lines(WORDS)),
]
