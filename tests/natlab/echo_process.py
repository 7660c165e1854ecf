"""Sends back what it gets over UDP, or measures how long that takes: ``python -m tests.natlab.echo_process``.

``echo`` answers at port 7; ``ping ADDRESS COUNT INTERVAL SIZE`` prints one line of JSON: for each answer its
number and round trip in seconds, in the order of arrival.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time

PORT = 7
LAST_WAIT = 0.7
"""For what is still on the way after the last was sent."""
_HEAD = struct.Struct("!Id")


def family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def echo() -> None:
    # One socket for both families.
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        udp.bind(("::", PORT))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            data, sender = udp.recvfrom(65_536)
            udp.sendto(data, sender)


def ping(address: str, count: int, interval: float, size: int) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    with socket.socket(family(address), socket.SOCK_DGRAM) as udp:
        started = time.monotonic()
        for number in range(count):
            _receive(udp, started + number * interval, found)
            try:
                udp.sendto(_HEAD.pack(number, time.monotonic()).ljust(size, b"."), (address, PORT))
            except OSError:
                pass  # the machine has no address now
        _receive(udp, time.monotonic() + LAST_WAIT, found)
    return found


def _receive(udp: socket.socket, until: float, found: list[tuple[int, float]]) -> None:
    while (wait := until - time.monotonic()) > 0:
        if select.select([udp], [], [], wait)[0]:
            number, sent_at = _HEAD.unpack_from(udp.recv(65_536))
            found.append((number, time.monotonic() - sent_at))


if __name__ == "__main__":
    if sys.argv[1] == "echo":
        echo()
    else:
        answers = ping(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
        sys.stdout.write(json.dumps(answers) + "\n")
