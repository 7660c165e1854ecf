"""The few things a server keeps between two starts: its ticket key and its own certificate."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

TICKET_KEY_BYTES = 32
TICKET_KEY_FILE = "ticket.key"


def state_dir_path(configured: str, environ: Mapping[str, str]) -> Path:
    """The configured directory, or ``peerlane`` where the XDG base directory specification says."""
    if configured:
        return Path(configured).expanduser()
    home = environ.get("XDG_STATE_HOME", "")
    # The specification has relative paths ignored.
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return base / "peerlane"


class StateDir:
    """A directory that only its owner can read. Methods raise OSError when it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes | None:
        """What was written under this name, or None."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Keep this under that name, whole or not at all."""
        unfinished = self._write_unfinished(name, data)
        os.replace(unfinished, self.path / name)

    def ticket_key(self) -> bytes:
        """The key that signs tickets, made on the first call and the same ever after."""
        while True:
            key = self.read(TICKET_KEY_FILE)
            if key is not None:
                if len(key) < TICKET_KEY_BYTES:
                    raise OSError(
                        f"{self.path / TICKET_KEY_FILE} is damaged ({len(key)} bytes instead of "
                        f"{TICKET_KEY_BYTES}); remove it, and a new one is made"
                    )
                return key
            unfinished = self._write_unfinished(TICKET_KEY_FILE, secrets.token_bytes(TICKET_KEY_BYTES))
            try:
                # Of two servers that start at once, both must end up with the key of the first.
                os.link(unfinished, self.path / TICKET_KEY_FILE)
            except FileExistsError:
                pass  # The other was first: read its key.
            finally:
                unfinished.unlink()

    def _write_unfinished(self, name: str, data: bytes) -> Path:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.path / f".{name}.{secrets.token_hex(8)}"
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return unfinished
