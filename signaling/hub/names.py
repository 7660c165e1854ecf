"""What members of a room may be called: nothing that cannot be seen, nothing that turns text around it."""

from __future__ import annotations

import unicodedata

from signaling.protocol.ids import MAX_NAME_CHARACTERS, MAX_RAW_CHARACTERS, TURNS

_NON_JOINER, _JOINER = "\u200c", "\u200d"
_VARIANTS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_KEYCAP = "\u20e3"
# Default_Ignorable_Code_Point (UAX #44) has these besides format characters; the last only looks empty.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\u2800")
_VIRAMA = 9


def clean_name(text: str) -> str | None:
    """A display name in NFKC without what nobody can see, so that two that look alike are not two by that.

    None when it is too long or has control or direction-turning characters.
    """
    if len(text) > MAX_RAW_CHARACTERS:
        return None
    before = None
    # What is left when something goes may be one character from then on.
    while text != before:
        before, text = text, _visible(unicodedata.normalize("NFKC", text)).strip()
    if len(text) > MAX_NAME_CHARACTERS:
        return None
    if any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in TURNS
        for character in text
    ):
        return None
    return text


def _visible(text: str) -> str:
    kept: list[str] = []
    for index, character in enumerate(text):
        before = kept[-1] if kept else ""
        if _is_seen(before, character, text[index + 1 : index + 2]):
            kept.append(character)
    return "".join(kept)


def _is_seen(before: str, character: str, after: str) -> bool:
    if character in (_JOINER, _NON_JOINER):
        return bool(before and after) and _joins(before, after)
    if character in _VARIANTS:
        return bool(before) and (unicodedata.category(before) in ("So", "Lo") or after == _KEYCAP)
    if character in TURNS:
        # Not dropped in silence: this is no accident.
        return True
    return unicodedata.category(character) != "Cf" and character not in _BLANKS


def _joins(before: str, after: str) -> bool:
    """Whether a joiner between these two is seen: as RFC 5892 (A.1, A.2) has it, and in emoji."""
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if unicodedata.category(after) == "So":
        return unicodedata.category(before) in ("So", "Sk") or before in _VARIANTS
    return unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"
