"""Files that hold the secrets of TURN servers, read again when they change: no restart to rotate them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from signaling.turn import read_secrets

log = logging.getLogger("signaling.secret_files")

INTERVAL = 5.0
MAX_FILE_BYTES = 4_096
"""Two secrets, and room for the longest that anybody makes."""


class UnusableSecrets(OSError):  # noqa: N818  # an OSError like its siblings, named for what has happened
    """A file that cannot be read, or has no secrets in it; the text says which, and never what is in it."""


def read_file(path: str) -> list[str]:
    """The secrets in this file, the one that signs first. Raises UnusableSecrets."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise ValueError(f"is longer than {MAX_FILE_BYTES} bytes")
        return read_secrets(data.decode())
    except UnicodeDecodeError:
        raise UnusableSecrets(f"{path} is no text") from None
    except OSError as error:
        raise UnusableSecrets(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UnusableSecrets(f"{path} {error}") from None


async def watch(paths: Iterable[str], changed: Callable[[str, list[str]], None]) -> None:
    """Tell of each file now, and again whenever it has changed, until cancelled.

    A file that cannot be used is told in the log, once, and what it said before holds.
    """
    # Reading a few bytes costs no more than asking when they were written, and is never wrong.
    known: dict[str, list[str] | str] = {}
    for path in paths:
        known[path] = found = await _look(path)
        if not isinstance(found, str):
            changed(path, found)
    while known:
        await asyncio.sleep(INTERVAL)
        for path, before in known.items():
            known[path] = found = await _look(path)
            if found == before:
                continue
            if isinstance(found, str):
                log.warning("! %s; the secrets of before are used", found)
            else:
                log.info("~ the secrets in %s are used from now on", path)
                changed(path, found)


async def _look(path: str) -> list[str] | str:
    """The secrets, or what is wrong. In a thread: a network's file system may take its time."""
    try:
        return await asyncio.to_thread(read_file, path)
    except UnusableSecrets as error:
        return str(error)
