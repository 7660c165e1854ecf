"""Every bus that there is, by the URL in the settings."""

from __future__ import annotations

from signaling.backplane.base import Backplane
from signaling.backplane.memory import MemoryBackplane, memory_bus
from signaling.cluster.bus_urls import REDIS_SCHEMES, BusAddress, bus_address
from signaling.cluster.subjects import DEFAULT_PREFIX, Subjects


def make_backplane(url: str, prefix: str = DEFAULT_PREFIX) -> Backplane:
    """A bus that has yet to be run; ``prefix`` begins the subjects that are its own.

    Raises ValueError, without repeating the URL, when it is none that is understood, or when the client of
    that bus is not installed.
    """
    address = bus_address(url)
    prefix = Subjects(prefix).prefix
    if address.scheme == "memory":
        return MemoryBackplane(memory_bus(address.path))
    return _redis(address, prefix) if address.scheme in REDIS_SCHEMES else _nats(address, prefix)


def _redis(address: BusAddress, prefix: str) -> Backplane:
    try:
        from signaling.backplane.redis import RedisBackplane
    except ImportError:
        raise ValueError("a Redis backplane needs one more package: pip install 'peerlane[redis]'") from None
    return RedisBackplane(address, prefix)


def _nats(address: BusAddress, prefix: str) -> Backplane:
    try:
        from signaling.backplane.nats import NatsBackplane
    except ImportError:
        raise ValueError("a NATS backplane needs one more package: pip install 'peerlane[nats]'") from None
    return NatsBackplane(address, prefix)
