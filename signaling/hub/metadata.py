"""What members show of themselves, besides a name."""

from __future__ import annotations

from typing import Any

from signaling.protocol.codec import UNREADABLE, size_in_both


class Metadata(dict[str, Any]):
    """As the client sent it, and how much it is: mailboxes keep it long after it has changed."""

    __slots__ = ("bytes",)

    def __init__(self, value: dict[str, Any], size: int) -> None:
        super().__init__(value)
        self.bytes = size


def metadata_from(value: dict[str, Any], limit_bytes: int) -> dict[str, Any] | None:
    """None when it is larger than the limit, or cannot be told to readers of both codecs."""
    if not value:
        return value
    try:
        size = size_in_both(value)
    except UNREADABLE:
        return None
    return Metadata(value, size) if size <= limit_bytes else None


def size_bytes(metadata: dict[str, Any]) -> int:
    """How long this metadata of a member is as JSON."""
    return metadata.bytes if isinstance(metadata, Metadata) else 0
