"""What a router answers, read with care: it may be any box, and anybody may answer in its place."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.nat.probes.port_mappers import (
    control_url,
    default_router,
    pcp_announce,
    read_location,
    read_nat_pmp,
    read_pcp,
)

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
"""
DESCRIPTION = """<root><device><serviceList>
<service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType>
<controlURL>/l3</controlURL></service>
<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>
<serviceId>x</serviceId><controlURL>/ctl/ip</controlURL></service>
</serviceList></device></root>"""


def test_the_default_router_is_read_from_the_table_of_routes() -> None:
    assert default_router(ROUTES) == "192.168.1.1"


@pytest.mark.parametrize("table", ["", "Iface\n", ROUTES.replace("0101A8C0", "zz")])
def test_without_a_way_out_there_is_no_router(table: str) -> None:
    assert default_router(table) is None


def test_nat_pmp_tells_the_outer_address_or_that_it_does_not_know_it() -> None:
    answer = struct.pack("!BBHI4B", 0, 128, 0, 77, 203, 0, 113, 7)
    assert read_nat_pmp(answer) == "203.0.113.7"
    assert read_nat_pmp(struct.pack("!BBHI4B", 0, 128, 3, 77, 0, 0, 0, 0)) == ""
    assert read_nat_pmp(answer[:8]) == ""
    assert read_nat_pmp(b"\x00\x00") is None


def test_pcp_is_asked_with_our_own_address_and_only_its_own_answers_count() -> None:
    asked = pcp_announce("192.168.1.20")
    assert len(asked) == 24
    assert asked[-4:] == bytes([192, 168, 1, 20])
    assert read_pcp(asked) is None, "a question is no answer"
    assert read_pcp(bytes([2, 0x80, 0, 12]) + bytes(20)) == 12
    assert read_pcp(bytes([0, 0x80, 0, 1]) + bytes(20)) is None, "a router that speaks NAT-PMP only"


def test_upnp_is_asked_where_the_router_describes_itself_and_nowhere_else() -> None:
    location = read_location(b"HTTP/1.1 200 OK\r\nST: x\r\nLocation: http://192.168.1.1:5000/d.xml\r\n\r\n")
    assert location == "http://192.168.1.1:5000/d.xml"
    assert control_url(DESCRIPTION, location) == (
        "urn:schemas-upnp-org:service:WANIPConnection:1",
        "http://192.168.1.1:5000/ctl/ip",
    )
    assert control_url(DESCRIPTION.replace("/ctl/ip", "http://10.0.0.9/ctl"), location) is None
    assert control_url("<html>", location) is None
    assert read_location(b"HTTP/1.1 200 OK\r\nLocation: file:///etc/passwd\r\n\r\n") is None


@given(st.binary())
def test_whatever_a_router_sends_raises_nothing(data: bytes) -> None:
    for read in (read_nat_pmp, read_pcp, read_location):
        assert read(data) is None or isinstance(read(data), str | int)


@given(st.text())
def test_whatever_a_router_describes_raises_nothing(text: str) -> None:
    assert default_router(text) is None
    assert control_url(text, "http://192.168.1.1/") is None
