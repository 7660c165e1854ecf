"""Requests that can be read in two ways: one with a body, or two."""

from __future__ import annotations

HEAD = b"POST /v1/ice-servers HTTP/1.1\r\nHost: localhost\r\n"


def ambiguous(smuggled: bytes) -> dict[str, bytes]:
    """``smuggled`` is a request of its own for one reader, and the body of another's for the other."""
    length = b"Content-Length: %d\r\n" % len(smuggled)
    beyond = b"Content-Length: %d\r\n" % (len(smuggled) + len(b"0\r\n\r\n"))
    return {
        "CL.TE": HEAD + beyond + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
        "TE.CL": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + smuggled,
        "two lengths": HEAD + b"Content-Length: 0\r\n" + length + b"\r\n" + smuggled,
        "a list of lengths": HEAD + b"Content-Length: 0, %d\r\n\r\n" % len(smuggled) + smuggled,
        "a length with a sign": HEAD + b"Content-Length: +0\r\n\r\n" + smuggled,
        "a length in hexadecimal": HEAD + b"Content-Length: 0x0\r\n\r\n" + smuggled,
        "a length below zero": HEAD + b"Content-Length: -1\r\n\r\n" + smuggled,
        "a length with an underscore": HEAD + b"Content-Length: 0_0\r\n\r\n" + smuggled,
        "TE.TE, unknown": HEAD + b"Transfer-Encoding: chunked, cow\r\n\r\n0\r\n\r\n" + smuggled,
        "TE.TE, twice": HEAD
        + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"
        + smuggled,
        "TE with a tab": HEAD + b"Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n" + smuggled,
        "TE with a space": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled,
        "bare LF": HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 0\n\n" + smuggled,
        "bare CR": HEAD + b"X: y\r" + length + b"\r\n" + smuggled,
        "a folded header": HEAD + b"X: y\r\n " + length + b"\r\n" + smuggled,
        "a chunk size with a sign": HEAD + b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + smuggled,
        "a chunk size with 0x": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + smuggled,
        "a huge chunk size": HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"f" * 40
        + b"\r\n\r\n"
        + smuggled,
        "LF in a chunk extension": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n" + smuggled,
        "two hosts": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n" + smuggled,
        "a space in the path": b"GET /healthz x HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
    }
