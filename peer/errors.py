"""What went wrong, named after what you can do now.

PeerlaneError
├── Closed    you have closed it
├── Lost      the network; come back after ``retry_after`` seconds
├── Refused   the other side said no; ``code`` says why
└── Full      no room now; wait, or send less
"""

from __future__ import annotations

import msgspec

DOCS = "docs/errors.md"


class Diagnosis(msgspec.Struct, frozen=True):
    """What is the matter, for people. ``code`` stays the same over versions; the words may get better."""

    code: str
    sentence: str
    """What is so, and why it matters."""
    advice: str = ""
    """What to do."""

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}".rstrip()

    @property
    def docs(self) -> str:
        return f"{DOCS}#{self.code}"


class PeerlaneError(Exception):
    """Root of all errors of this library. ``hint`` says what to do, ``docs`` where more is written.

    ``diagnosis`` tells a person what is the matter; its advice is the hint where there is no other. None
    when there is no more to say than the error does.
    """

    anchor = ""

    def __init__(self, text: str, *, hint: str = "", diagnosis: Diagnosis | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint or (diagnosis.advice if diagnosis is not None else "")
        self.diagnosis = diagnosis
        self._is_diagnosed = diagnosis is not None

    def __str__(self) -> str:
        if self.diagnosis is not None and self.diagnosis.sentence != self.text:
            return f"{self.text}: {self.diagnosis}"
        return f"{self.text} ({self.hint})" if self.hint else self.text

    @property
    def docs(self) -> str:
        if self._is_diagnosed and self.diagnosis is not None:
            return self.diagnosis.docs
        return f"{DOCS}#{self.anchor}" if self.anchor else DOCS


class Closed(PeerlaneError):  # noqa: N818  # named after what you can do now
    """You have closed it, and then asked something of it."""

    anchor = "closed"


class Lost(PeerlaneError):  # noqa: N818  # named after what you can do now
    """The network or the other machine ended it; trying again after ``retry_after`` seconds may help.

    It always carries a diagnosis: its own words, where nothing more is known.
    """

    anchor = "lost"

    def __init__(
        self, text: str, *, hint: str = "", retry_after: float = 0.0, diagnosis: Diagnosis | None = None
    ) -> None:
        super().__init__(text, hint=hint, diagnosis=diagnosis)
        self.retry_after = retry_after
        self.diagnosis = diagnosis or Diagnosis(self.anchor, text, hint)


class Refused(PeerlaneError):  # noqa: N818  # named after what you can do now
    """The other side said no.

    ``code`` is an ``ErrorCode`` of the server, the number of a close reason, an HTTP status, or one of
    the library's own: ``other-kind`` and ``too-large`` of a channel, ``no-peerlane`` of a server. It
    always carries a diagnosis: its own words, where nothing more is known.
    """

    anchor = "refused"

    def __init__(
        self, code: str, text: str = "", *, hint: str = "", diagnosis: Diagnosis | None = None
    ) -> None:
        super().__init__(text or f"refused: {code}", hint=hint, diagnosis=diagnosis)
        self.code = code
        self.diagnosis = diagnosis or Diagnosis(code, self.text, hint)


class Full(PeerlaneError):  # noqa: N818  # named after what you can do now
    """There is no room now: wait, or send less."""

    anchor = "full"
