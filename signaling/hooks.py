"""What is told to an application's web server, in which order, and how often it is tried.

Messages are as `Standard Webhooks <https://www.standardwebhooks.com>`_ has them. Each endpoint has a queue of
its own. When that is full, or a message is too old, what is lost is counted, and told as a ``gap``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from signaling.config import Webhook, Webhooks
from signaling.journal import TYPES, Entry

SECRET_PREFIX = "whsec_"
MIN_SECRET_BYTES = 24
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds between two attempts: those grow from the first to this, and each is between half of it and all."""
GAP = "gap"
STARTED = "node-started"
HOOK_TYPES = TYPES - {"room"} | {GAP, STARTED}
ADDRESS = re.compile(
    r"https?://(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?(?:/[^\s#]*)?", re.ASCII
)
ALWAYS = frozenset({GAP, STARTED})
"""Told whatever an endpoint wants: without them nobody would know what is missing."""


class Message(NamedTuple):
    """One that is to be told."""

    id: str
    """The same with every attempt."""
    body: bytes
    at: float
    """Of the clock that never jumps."""


class _Body(msgspec.Struct, frozen=True):
    type: str
    timestamp: datetime
    node: str
    """Who tells it."""
    data: msgspec.Raw


class _Member(msgspec.Struct, frozen=True):
    id: str
    node: str


class _About(msgspec.Struct, frozen=True):
    """What must be known of an event to know who tells it."""

    id: str = ""
    reason: str = ""
    member: _Member | None = None


def body(kind: str, data: bytes, node: str, unix_now: float) -> bytes:
    """What is told, as JSON; ``data`` is JSON already."""
    timestamp = datetime.fromtimestamp(unix_now, UTC)
    return msgspec.json.encode(_Body(kind, timestamp, node, msgspec.Raw(data)))


def key_of(secret: str) -> bytes:
    """The key that a secret is written for. Raises ValueError that says what is wrong with it."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64") from error
    if len(key) < MIN_SECRET_BYTES:
        raise ValueError(f"has {len(key)} bytes and needs {MIN_SECRET_BYTES}")
    return key


def headers(message: Message, unix_now: float, secrets: list[str]) -> dict[str, str]:
    """Signed with every secret, so that a new one can take the place of an old one."""
    timestamp = str(int(unix_now))
    content = b".".join((message.id.encode(), timestamp.encode(), message.body))
    digests = [hmac.digest(key_of(secret), content, hashlib.sha256) for secret in secrets]
    return {
        "webhook-id": message.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }


def problems(webhooks: Webhooks, has_journal: bool) -> Iterator[str]:
    """What is wrong with the settings of endpoints, a sentence each."""
    if webhooks.endpoints and not has_journal:
        yield "there are, but limits.feed_events is 0: nothing would be told."
    if len({endpoint.url for endpoint in webhooks.endpoints}) < len(webhooks.endpoints):
        yield "name one address twice; put what it wants together."
    for index, endpoint in enumerate(webhooks.endpoints, 1):
        unknown = sorted(set(endpoint.events) - HOOK_TYPES)
        if not ADDRESS.fullmatch(endpoint.url):
            yield f"endpoint {index}: url needs https:// (http:// inside your network), a host, and no user."
        if unknown:
            known = ", ".join(sorted(HOOK_TYPES))
            yield f"endpoint {index}: there are no events {', '.join(unknown)}; there are {known}."
        if not endpoint.secrets:
            yield f"endpoint {index} has no secrets; 'echo whsec_$(openssl rand -base64 32)' makes one."
        for number, secret in enumerate(endpoint.secrets, 1):
            try:
                key_of(secret)
            except ValueError as error:
                needed = f"whsec_ and base64 of {MIN_SECRET_BYTES} bytes or more"
                yield f"endpoint {index}: secret {number} {error}; write {needed}."


class Mine:
    """Of several nodes that see a member, the one that has its session tells of it. Of a session that is lost
    all do: its node may be."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._members: set[tuple[str, str]] = set()

    def is_told(self, entry: Entry) -> bool:
        if not entry.type.startswith("member-"):
            return True
        about = msgspec.json.decode(entry.encoded, type=_About)
        if about.member is None:
            was_mine = (entry.room, about.id) in self._members
            self._members.discard((entry.room, about.id))
            return was_mine or about.reason == "lost"
        if about.member.node == self._node:
            self._members.add((entry.room, about.member.id))
            return True
        self._members.discard((entry.room, about.member.id))
        return False


class HookQueue:
    """What one endpoint is still to be told. ``random`` gives fractions from 0 up to 1; ``gap`` makes the
    message that says how many were lost."""

    def __init__(
        self,
        config: Webhooks,
        endpoint: Webhook,
        random: Callable[[], float],
        gap: Callable[[int, float], Message],
    ) -> None:
        self.endpoint = endpoint
        self.dropped = 0
        """Since the start."""
        self._most = config.queue
        self._give_up = config.give_up
        self._random = random
        self._gap = gap
        self._waiting: deque[Message] = deque()
        self._missed = 0
        """That the endpoint has not been told of yet."""
        self._attempts = 0
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def wants(self, kind: str, room: str) -> bool:
        events, apps = self.endpoint.events, self.endpoint.apps
        if kind not in ALWAYS and events and kind not in events:
            return False
        return not room or not apps or room.partition("/")[0] in apps

    def put(self, message: Message, now: float) -> None:
        """Full: it is dropped, and those of before stay in their order."""
        if self._is_closed:
            return
        if len(self._waiting) + bool(self._missed) >= self._most:
            self._lose()
            return
        self._tell_of_gap(now)
        self._waiting.append(message)

    def next(self, now: float) -> Message | None:
        """What is to be told now; the same until :meth:`told` or :meth:`failed` has it gone."""
        if not self._waiting:
            self._tell_of_gap(now)
        return self._waiting[0] if self._waiting else None

    def close(self) -> None:
        """The endpoint wants nothing any more."""
        self._is_closed = True
        self._missed = 0
        self._waiting.clear()

    def told(self) -> None:
        self._waiting.popleft()
        self._attempts = 0

    def failed(self, now: float, retry_after: float = 0.0) -> float:
        """In how many seconds to try again: with the next one, when this one has become too old."""
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._attempts, 16))
        self._attempts += 1
        if now - self._waiting[0].at >= self._give_up:
            self._waiting.popleft()
            self._lose()
        return max(longest * (0.5 + self._random() / 2.0), min(retry_after, self._give_up))

    def _lose(self) -> None:
        self._missed += 1
        self.dropped += 1

    def _tell_of_gap(self, now: float) -> None:
        if self._missed:
            missed, self._missed = self._missed, 0
            self._waiting.append(self._gap(missed, now))
