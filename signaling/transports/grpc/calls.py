"""What one call is to whoever answers it, over HTTP/2 and over gRPC-Web alike; and how a call fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from signaling.limits import Turned
from signaling.protocol.errors import CloseReason
from signaling.transports.door import LinkHost
from signaling.transports.link import Caller

OK = 0
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
UNAUTHENTICATED = 16

DOMAIN = "peerlane"
DETAILS = "grpc-status-details-bin"

OF_CLOSES = {
    "draining": UNAVAILABLE,
    "slow": RESOURCE_EXHAUSTED,
    "silent": DEADLINE_EXCEEDED,
    "overloaded": UNAVAILABLE,
    "fault": INTERNAL,
    "crowded": RESOURCE_EXHAUSTED,
    "bad-words": INVALID_ARGUMENT,
    "no-hello": DEADLINE_EXCEEDED,
    "bad-version": FAILED_PRECONDITION,
    "replaced": ABORTED,
    "farewell": OK,
    "bad-token": UNAUTHENTICATED,
    "expired": UNAUTHENTICATED,
    "expelled": PERMISSION_DENIED,
}
OF_HTTP = {
    400: INVALID_ARGUMENT,
    401: UNAUTHENTICATED,
    403: PERMISSION_DENIED,
    404: UNIMPLEMENTED,
    429: RESOURCE_EXHAUSTED,
    503: UNAVAILABLE,
}


class Failure(Exception):  # noqa: N818  # what a call ends with; not every one is somebody's error
    """``reason`` is a word for programs, ``text`` a sentence for people; ``field``: what is wrong."""

    def __init__(
        self, code: int, reason: str, text: str, *, retry_after: float | None = None, field: str = ""
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.reason = reason
        self.retry_after = retry_after
        self.field = field

    def details(self) -> bytes:
        """As google.rpc.Status, for the trailers."""
        details = [_any(ErrorInfo(reason=self.reason.upper().replace("-", "_"), domain=DOMAIN))]
        if self.retry_after is not None:
            seconds = max(0.0, self.retry_after)
            delay = Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
            details.append(_any(RetryInfo(retry_delay=delay)))
        if self.field:
            wrong = BadRequest.FieldViolation(field=self.field, description=self.text)
            details.append(_any(BadRequest(field_violations=[wrong])))
        status: bytes = Status(code=self.code, message=self.text, details=details).SerializeToString()
        return status


def of_turned(turned: Turned) -> Failure:
    code = OF_HTTP.get(turned.status, UNAVAILABLE)
    return Failure(code, "turned-away", turned.reason, retry_after=turned.retry_after)


def of_close(reason: CloseReason) -> Failure | None:
    """What the call of a link ends with; None after a farewell."""
    code = OF_CLOSES.get(reason.name, UNAVAILABLE)
    if code == OK:
        return None
    may_return = reason.come_back != "never"
    return Failure(code, reason.name, reason.text, retry_after=reason.after if may_return else None)


def wrong(field: str, text: str) -> Failure:
    return Failure(INVALID_ARGUMENT, "bad-request", text, field=field)


class Call(Protocol):
    """One call, whose requests and responses are messages' bytes."""

    who: Caller
    name: str
    """What the client calls this server, as far as that is known."""

    def why_not(self, host: LinkHost) -> Failure | None:
        """Why no link may come of this."""

    async def read(self) -> bytes | None:
        """The next request, None when there are no more."""

    async def write(self, frames: bytes) -> None:
        """Responses, each framed. Waits while the client reads slowly.

        Raises ConnectionError when it has gone.
        """


Method = Callable[[Call], Awaitable[None]]
"""Answers a call; raises Failure."""


def _any(message: ErrorInfo | RetryInfo | BadRequest) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
