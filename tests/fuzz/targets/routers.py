"""What a router says when it is asked whether it opens ports."""

from __future__ import annotations

from urllib.parse import urlsplit

from peer.nat.probes.port_mappers import (
    _EXTERNAL,
    control_url,
    default_router,
    read_location,
    read_nat_pmp,
    read_pcp,
)
from tests.fuzz.mutation import lines
from tests.fuzz.target import Target

LOCATION = "http://192.0.2.1:5000/root.xml"


def read_router(data: bytes) -> None:
    """Answers of all three protocols; nobody but the router is asked next."""
    assert read_nat_pmp(data) is None or len(data) >= 8
    assert read_pcp(data) is None or len(data) >= 24
    found = read_location(data)
    if found is not None:
        try:
            _ = urlsplit(found).hostname
        except ValueError:
            pass  # its caller's, who expects it
    text = data.decode(errors="replace")
    try:
        control = control_url(text, LOCATION)
    except ValueError:
        control = None  # as above
    assert control is None or urlsplit(control[1]).hostname == "192.0.2.1"
    _EXTERNAL.search(text)
    default_router(text)


SERVICE = (
    "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
    "<controlURL>/control</controlURL></service>"
)
ANSWERS = (
    b"\x00\x80\x00\x00\x00\x00\x00\x05\xc0\x00\x02\x01",
    b"\x02\x80\x00\x00" + bytes(20),
    f"HTTP/1.1 200 OK\r\nLOCATION: {LOCATION}\r\n\r\n".encode(),
    f"<root>{SERVICE}{SERVICE.replace('/control', 'http://other/')}</root>".encode(),
    b"<NewExternalIPAddress>203.0.113.5</NewExternalIPAddress>",
    b"Iface Destination Gateway\neth0 00000000 0100007F 3 0 0 0 00000000 0 0 0",
    b"<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>\r\n\r\n<a>",
)

TARGETS = [
    Target(
        "router",
        read_router,
        ANSWERS,
        (b"<controlURL>", b"</service>", b"<serviceType>", b"Location:"),
        lines(ANSWERS),
    )
]
