"""Numbered events on their way: kept in the mailbox first, then said on the link, if there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from signaling.config import LimitsConfig
from signaling.effects import Deliver, DeliverAll, Effect
from signaling.hub.session import Session
from signaling.protocol.errors import HINTS, ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Refused, Word


class Post:
    """Tells sessions things, and knows how many bytes all mailboxes hold together; ``full`` makes room."""

    def __init__(self, limits: LimitsConfig, full: Callable[[], object]) -> None:
        self._messages = limits.mailbox_messages
        self._bytes = limits.mailbox_bytes
        self._all_bytes = limits.total_queued_bytes // 2
        self._full = full
        self.kept_bytes = 0

    def tell(self, session: Session, event: Word) -> list[Effect]:
        self._keep(session, event)
        return [] if session.link is None else [Deliver(session.link, event)]

    def tell_all(self, sessions: Iterable[Session], event: Word) -> list[Effect]:
        links = []
        for session in sessions:
            self._keep(session, event)
            if session.link is not None:
                links.append(session.link)
        return [DeliverAll(links, event)] if links else []

    def refuse(
        self,
        session: Session,
        code: ErrorCode,
        *,
        request: int | None = None,
        to: PeerId | None = None,
        n: int | None = None,
        retry_after: float | None = None,
    ) -> list[Effect]:
        return self.tell(session, Refused(code, HINTS[code], request, to, n, retry_after))

    def confirm(self, session: Session, received: int) -> None:
        mailbox = session.mailbox
        before = mailbox.bytes
        mailbox.confirm(received)
        self.kept_bytes -= before - mailbox.bytes

    def forget(self, session: Session) -> None:
        """Empty the mailbox of a session that ends, or that must make room for the others."""
        self.kept_bytes -= session.mailbox.bytes
        session.mailbox.clear()

    def restore(self, session: Session, first: int, events: list[Word]) -> None:
        """The mailbox of a session that comes from another node."""
        session.mailbox.restore(first, events)
        self.kept_bytes += session.mailbox.bytes

    def _keep(self, session: Session, event: Word) -> None:
        if not session.is_resumable:
            return
        mailbox = session.mailbox
        before = mailbox.bytes
        mailbox.put(event, self._messages, self._bytes)
        self.kept_bytes += mailbox.bytes - before
        if self.kept_bytes > self._all_bytes:
            self._full()
