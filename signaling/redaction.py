"""What no log may say, whoever wrote the line: tokens, passwords, SDP, and addresses of clients.

Ours says none of it on purpose. Libraries quote what they were given, and exceptions quote everything.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

MAX_DEPTH = 8
"""Of lists and tables in the fields of a line; deeper ones are left out."""

# An SDP, raw or inside of JSON, up to where it ends: its lines are a letter, =, and anything.
_SDP = re.compile(r"v=0(?:\\r\\n|\\n|[\r\n])(?:[a-z]=[^\r\n\"']*(?:[\r\n]+|$))*")
_CANDIDATE = re.compile(r"candidate:\S+ \d+ \w+ \d+ \S+ \d+ typ [^\"'\r\n\\]*")
_ICE = re.compile(r"(ice-(?:pwd|ufrag):)[^\s\"'\\]+")
_BEARER = re.compile(r"((?:bearer|basic)\s+)[^\s\"',;]+", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_SECRETS = r"(?:token|ticket|password|passwd|secret|credential|authorization|api_?key)s?"
_SECRET_KEY = re.compile(_SECRETS, re.IGNORECASE)
# token=…, "password": "…", credential='…'; after a colon alone only what is too long for a word.
_NAMED = re.compile(
    rf"({_SECRETS}(?:[\"']?\s*=\s*[\"']?|[\"']\s*:\s*[\"']|:\s*(?=\S{{12}})))(?!\[)[^\s\"'&,;}})\]]+",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\w:])")


def redact(text: str, addresses: bool = False) -> str:
    """The text with ``[token]`` and the like in the place of what is nobody's business.

    Addresses stay if ``addresses`` says so; those of this machine alone (loopback, unspecified) always do.
    """
    text = _SDP.sub("[sdp]", text)
    text = _CANDIDATE.sub("[candidate]", text)
    text = _ICE.sub(r"\1[password]", text)
    text = _BEARER.sub(r"\1[token]", text)
    text = _JWT.sub("[token]", text)
    text = _NAMED.sub(r"\1[secret]", text)
    return text if addresses else _IPV6.sub(_hidden, _IPV4.sub(_hidden, text))


def redact_value(value: Any, addresses: bool = False, depth: int = 0) -> Any:
    """The same for a field of a line, through lists and tables."""
    if isinstance(value, str):
        return redact(value, addresses)
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if depth >= MAX_DEPTH:
        return "[deeper]"
    if isinstance(value, dict):
        return {
            redact(str(key), addresses): "[secret]"
            if _SECRET_KEY.fullmatch(str(key))
            else redact_value(each, addresses, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact_value(each, addresses, depth + 1) for each in value]
    return redact(str(value), addresses)


def _hidden(match: re.Match[str]) -> str:
    try:
        address = ip_address(match[0])
    except ValueError:
        return match[0]  # a time of day, a version
    return match[0] if address.is_loopback or address.is_unspecified else "[address]"
