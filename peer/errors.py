"""What went wrong, named after what you can do now.

PeerlaneError
├── Closed    you have closed it
├── Lost      the network; come back after ``retry_after`` seconds
├── Refused   the other side said no; ``code`` says why
└── Full      no room now; wait, or send less
"""

from __future__ import annotations

DOCS = "docs/errors.md"


class PeerlaneError(Exception):
    """Root of all errors of this library. ``hint`` says what to do, ``docs`` where more is written."""

    anchor = ""

    def __init__(self, text: str, *, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.text} ({self.hint})" if self.hint else self.text

    @property
    def docs(self) -> str:
        return f"{DOCS}#{self.anchor}" if self.anchor else DOCS


class Closed(PeerlaneError):  # noqa: N818  # named after what you can do now
    """You have closed it, and then asked something of it."""

    anchor = "closed"


class Lost(PeerlaneError):  # noqa: N818  # named after what you can do now
    """The network or the other machine ended it; trying again after ``retry_after`` seconds may help."""

    anchor = "lost"

    def __init__(self, text: str, *, hint: str = "", retry_after: float = 0.0) -> None:
        super().__init__(text, hint=hint)
        self.retry_after = retry_after


class Refused(PeerlaneError):  # noqa: N818  # named after what you can do now
    """The other side said no.

    ``code`` is an ``ErrorCode`` of the server, the number of a close reason, an HTTP status, or one of
    the library's own: ``other-kind`` and ``too-large`` of a channel, ``no-peerlane`` of a server.
    """

    anchor = "refused"

    def __init__(self, code: str, text: str = "", *, hint: str = "") -> None:
        super().__init__(text or f"refused: {code}", hint=hint)
        self.code = code


class Full(PeerlaneError):  # noqa: N818  # named after what you can do now
    """There is no room now: wait, or send less."""

    anchor = "full"
