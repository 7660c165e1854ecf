"""Where a bus is, as the settings say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.cluster.bus_urls import BusAddress, Secret, bus_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("memory:", BusAddress("memory")),
        ("memory:x", BusAddress("memory", path="x")),
        ("redis://bus", BusAddress("redis", (("bus", 6379),))),
        ("redis://bus:7000/3", BusAddress("redis", (("bus", 7000),))),
        ("redis://:p%40ss@bus", BusAddress("redis", (("bus", 6379),), secret=Secret("", "p@ss"))),
        ("rediss://u:p@[::1]:1", BusAddress("rediss", (("::1", 1),), secret=Secret("u", "p"))),
        ("rediss://bus?ca=/a.pem", BusAddress("rediss", (("bus", 6379),), ca="/a.pem")),
        ("unix:///run/redis.sock", BusAddress("unix", path="/run/redis.sock")),
        ("unix://:p@/run/redis.sock", BusAddress("unix", path="/run/redis.sock", secret=Secret("", "p"))),
        ("nats://bus", BusAddress("nats", (("bus", 4222),))),
        ("nats://token@bus:1/", BusAddress("nats", (("bus", 1),), secret=Secret("token"))),
        ("nats://a,b:2", BusAddress("nats", (("a", 4222), ("b", 2)), is_cluster=True)),
        ("nats://a?cluster=1", BusAddress("nats", (("a", 4222),), is_cluster=True)),
        (
            "tls://a?ca=/a&cert=/c&key=/k",
            BusAddress("tls", (("a", 4222),), ca="/a", cert="/c", key="/k"),
        ),
    ],
)
def test_what_is_understood(url: str, address: BusAddress) -> None:
    assert bus_address(url) == address


BAD = [
    "", "redis", "redis:bus", "http://bus", "amqp://bus", "redis://", "redis:///3", "redis://a,b",
    "redis://bus/x", "redis://bus:port", "redis://bus:0", "redis://bus:99999", "redis://bus?db=1",
    "redis://bus?ca=/a", "redis://pass#word@bus", "unix://host/path", "unix://", "nats://", "nats://a,",
    "nats://bus/subject", "nats://bus?ca=/a", "nats://bus?cluster=yes&x=1", "tls://a?key=/k", "redis://[::1",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD)
def test_what_is_not_understood_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(ValueError, match=r"backplane|Redis socket"):
        bus_address(url)


SECRET = "hunter2hunter2"


@pytest.mark.parametrize("url", [each.replace("://", f"://user:{SECRET}@") for each in BAD if "://" in each])
def test_no_reason_holds_a_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"backplane|Redis socket") as refused:
        bus_address(url)
    assert SECRET not in f"{refused.value!r} {refused.value.__cause__!r}"


def test_nor_does_an_address() -> None:
    assert SECRET not in repr(bus_address(f"nats://user:{SECRET}@bus"))


@given(st.text(), st.sampled_from(["redis:", "rediss://", "unix://", "nats://", "tls://x?", "memory:"]))
def test_any_text_is_understood_or_refused(text: str, scheme: str) -> None:
    try:
        bus_address(scheme + text)
    except ValueError:
        pass
