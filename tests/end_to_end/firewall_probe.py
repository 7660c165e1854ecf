"""What a relay may send once the firewall is loaded. Run as root in a network of its own; prints JSON.

usage: firewall_probe.py RULES   relays are on 10.0.0.7, ports 49152 to 65535
"""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys

NETWORK = [
    "ip link set lo up",
    "ip link add lan type veth peer name far",
    "ip link set far up",
    "ip address add 10.0.0.7/24 dev lan",
    "ip link set lan up",
    "ip route add default dev lan",
]
DATAGRAMS = {
    "to a peer": ("10.0.0.7", 50_000, "1.1.1.1", 9_999),
    "to a client": ("10.0.0.7", 3_478, "192.168.1.9", 9_999),
    "to another relay": ("10.0.0.7", 50_000, "10.0.0.7", 50_001),
    "to a private network": ("10.0.0.7", 50_000, "10.0.0.9", 9_999),
    "to the metadata of a cloud": ("10.0.0.7", 50_000, "169.254.169.254", 80),
    "to a program on its own address": ("10.0.0.7", 50_000, "10.0.0.7", 53),
    "to a program on loopback": ("127.0.0.1", 50_000, "127.0.0.1", 53),
    "from a port that is no relay's": ("10.0.0.7", 40_000, "1.1.1.1", 9_999),
}
BINDING, SEND = 0x0001, 0x0016


def main(rules: str) -> None:
    # Twice: it must be possible to load them again.
    for line in (*NETWORK, f"nft -f {rules}", f"nft -f {rules}"):
        subprocess.run(line.split(), check=True)
    passed = {name: requests_that_pass(kind) for name, kind in (("bindings", BINDING), ("sends", SEND))}
    entry = pwd.getpwnam("turnserver")
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    sent = {name: is_sent(*datagram) for name, datagram in DATAGRAMS.items()}
    sys.stdout.write(json.dumps(sent | passed))


def is_sent(source: str, port: int, to: str, to_port: int) -> bool:
    with socket.socket(type=socket.SOCK_DGRAM) as relay:
        relay.bind((source, port))
        try:
            relay.sendto(b"x", (to, to_port))
        except PermissionError:
            return False
    return True


def requests_that_pass(kind: int, count: int = 500) -> int:
    """Of so many in a moment from one address."""
    with socket.socket(type=socket.SOCK_DGRAM) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        server.bind(("10.0.0.7", 3_478))
        server.setblocking(False)
        passed = 0
        for _ in range(count):
            client.sendto(kind.to_bytes(2, "big") + bytes(18), ("10.0.0.7", 3_478))
            try:
                passed += bool(server.recv(100))
            except BlockingIOError:
                pass  # it was stopped
    return passed


if __name__ == "__main__":
    main(sys.argv[1])
