"""Numbers and the words of others, made fit for a sentence. ``web/lib/nat/quoting.js`` is the twin."""

from __future__ import annotations

import math
import re

MAX_QUOTED_CHARACTERS = 200
MAX_SECONDS = 86_400


def quoted(text: str) -> str:
    """On one line, and not too much of it."""
    line = re.sub(r"[\x00-\x20\x7f-\x9f]+", " ", text).strip(" ")
    return line if len(line) <= MAX_QUOTED_CHARACTERS else f"{line[:MAX_QUOTED_CHARACTERS]}…"


def as_sentence(text: str) -> str:
    """With a capital letter and a full stop; empty text stays empty."""
    line = quoted(text)
    if not line:
        return ""
    return line[0].upper() + line[1:] + ("" if line[-1] in ".?!…" else ".")


def reason_of(trouble: str) -> str:
    """As a sentence, unless it says no more than that there was no answer."""
    return "" if trouble.lower() in ("no answer", "nothing came back") else as_sentence(trouble)


def milliseconds(seconds: float | None) -> str:
    return f"{whole((seconds or 0.0) * 1000, MAX_SECONDS * 1000)} ms"


def whole(number: float, most: float) -> int:
    """Rounded half up, from 0 to ``most``; what is no number is 0."""
    return math.floor(min(max(0.0, number), most) + 0.5) if not math.isnan(number) else 0
