"""Every decoder that reads bytes from outside, each as a function of bytes."""

from __future__ import annotations

MODULES = tuple(
    f"tests.fuzz.targets.{name}"
    for name in (
        "codecs",
        "stun",
        "ice",
        "descriptions",
        "channels",
        "sctp",
        "media",
        "tokens",
        "names",
        "routers",
        "nodes",
        "whip",
    )
)
"""Each has ``TARGETS``; imported by whoever runs them, so that the engine can look inside first."""
