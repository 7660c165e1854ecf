"""What the HTTP transport asks a resource of WHIP or WHEP, and what it replies; the rules of entity tags."""

from __future__ import annotations

import msgspec

from signaling.dialects.whip_sdp import Fragment
from signaling.protocol.parts import IceServer


class Patch(msgspec.Struct, tag_field="do", tag="patch"):
    """The client has sent a fragment; ``if_match`` as in its header, empty without one."""

    number: int
    """Counts requests from 1; the offer is number 0."""
    fragment: Fragment
    if_match: str = ""


class Delete(msgspec.Struct, tag_field="do", tag="delete"):
    """The client leaves."""


class Reply(msgspec.Struct, omit_defaults=True):
    """To the request of this number."""

    number: int
    status: int
    text: str = ""
    """A description, a fragment, or what is wrong and what to do."""
    etag: str = ""
    retry_after: int = 0
    ice_servers: list[IceServer] = []


def refusal_of_tag(if_match: str, etag: str, is_restart: bool) -> tuple[int, str] | None:
    """Why not, if so: whether a fragment is for the ICE session that its client means (RFC 9725 §4.3.1).

    Examples of the RFC print the star with quotes. Many clients name no tag at all; whose ICE credentials
    a fragment has says as much, so that only a restart needs one.
    """
    tag = if_match.strip()
    if not tag:
        return (428, "An ICE restart needs If-Match: *") if is_restart else None
    if tag in ("*", '"*"') or tag.removeprefix("W/").strip('"') == etag.strip('"'):
        return None
    return (412, f"This is another ICE session; the present one is {etag}.")
