"""What waits to be written on one link: bounded, in order, taken out in frames."""

from __future__ import annotations

from signaling.protocol.messages import MAX_BATCH_MESSAGES

# A frame stays below what the other side accepts as one message by default.
MAX_FRAME_BYTES = 65_536


class Outbox:
    """Encoded messages. When full, :meth:`put` says so and the link is closed as slow."""

    __slots__ = ("_extra_bytes", "_extra_messages", "_limit_bytes", "_limit_messages", "_messages", "bytes")

    def __init__(self, limit_messages: int, limit_bytes: int) -> None:
        self._limit_messages = limit_messages
        self._limit_bytes = limit_bytes
        # A replay may be longer than the limits; until it is written they are that much wider.
        self._extra_messages = 0
        self._extra_bytes = 0
        self._messages: list[bytes] = []
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: bytes, is_behind: bool = True) -> bool:
        """False when the message does not fit any more; an empty outbox takes any.

        Who is not ``is_behind`` has not had the time to read, as when hundreds leave a room in one moment:
        then only the bytes are bounded.
        """
        messages = self._messages
        size = self.bytes + len(message)
        if messages and (
            (is_behind and len(messages) >= self._limit_messages + self._extra_messages)
            or size > self._limit_bytes + self._extra_bytes
        ):
            return False
        messages.append(message)
        self.bytes = size
        return True

    def put_replay(self, messages: list[bytes]) -> None:
        """What a resumed client has missed: always fits, and takes no room from what follows."""
        size = sum(map(len, messages))
        self._messages += messages
        self.bytes += size
        self._extra_messages += len(messages)
        self._extra_bytes += size

    def put_last_words(self, message: bytes) -> None:
        """Whatever the limits say: a goodbye must be heard, and nothing follows it."""
        self._messages.append(message)
        self.bytes += len(message)

    def take(self) -> list[bytes]:
        """The messages of the next frame: as many as may go into one, at least one if there is any."""
        messages = self._messages
        if len(messages) <= MAX_BATCH_MESSAGES and self.bytes <= MAX_FRAME_BYTES:
            self.clear()
            return messages
        count = size = 0
        for message in messages[:MAX_BATCH_MESSAGES]:
            size += len(message) + 1
            if count and size > MAX_FRAME_BYTES:
                break
            count += 1
        taken = messages[:count]
        del messages[:count]
        self.bytes -= sum(map(len, taken))
        return taken

    def clear(self) -> None:
        self._messages = []
        self.bytes = self._extra_messages = self._extra_bytes = 0
