"""What nodes and rooms are called on a bus."""

from __future__ import annotations

import re
from hashlib import blake2b

DEFAULT_PREFIX = "peerlane"
DIGEST_BYTES = 16

_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Subjects:
    """The subjects of one cluster; ``prefix`` keeps two that share a broker apart.

    Names become digests: whatever is in them, a subject has only letters, digits and the dots between
    its parts, and is no longer than the broker likes. Raises ValueError for a prefix that could be more.
    """

    def __init__(self, prefix: str = DEFAULT_PREFIX) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise ValueError("the prefix on a bus is 1 to 32 letters, digits, _ or -")
        self.prefix = prefix
        self.everyone = f"{prefix}.nodes"
        """All nodes listen here."""

    def inbox(self, node: str) -> str:
        """Where one node listens."""
        return f"{self.prefix}.node.{_digest(node)}"

    def room(self, name: str) -> str:
        """Where the nodes that have members of a room listen."""
        return f"{self.prefix}.room.{_digest(name)}"


def _digest(name: str) -> str:
    # Half of a surrogate pair is no text, but it is a name that somebody may send.
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
