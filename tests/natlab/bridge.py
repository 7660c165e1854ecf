"""The wire between namespaces, as a process: ``python -m tests.natlab.bridge``.

A star: one TUN device in each namespace, and between any two of them a line in each direction that delays,
loses, doubles, disorders, narrows or swallows. Commands come as lines of JSON on the standard input, each
is answered by one line.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from peer.testing.network import PERFECT, Arrival, BadNetwork, Conditions

DEVICE = "lab0"

_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_CLONE_NEWNET = 0x40000000
_PACKETS_A_TURN = 32
_LONGEST_PACKET = 65_535


class Attach(msgspec.Struct, frozen=True, tag="attach", tag_field="do"):
    """Make the TUN device in this namespace; packets to ``address`` go there."""

    name: str
    namespace: str
    address: str


class Move(msgspec.Struct, frozen=True, tag="move", tag_field="do"):
    """From now on packets to ``address`` go there, and none to its old one."""

    name: str
    address: str


class SetConditions(msgspec.Struct, frozen=True, tag="conditions", tag_field="do"):
    """For one direction, or for all when no ends are given."""

    conditions: Conditions
    sender: str | None = None
    receiver: str | None = None


class Cut(msgspec.Struct, frozen=True, tag="cut", tag_field="do"):
    """Nothing passes in this direction, or everything does again."""

    sender: str
    receiver: str
    is_cut: bool


class Count(msgspec.Struct, frozen=True, tag="count", tag_field="do"):
    """Say what has become of the packets so far."""


Command = Attach | Move | SetConditions | Cut | Count


class Bridge:
    """What is known about the star, and the packets under way."""

    def __init__(self, seed: int) -> None:
        self.network = BadNetwork(PERFECT, seed=seed)
        self.devices: dict[int, str] = {}
        self._device_of: dict[str, int] = {}
        self._address_of: dict[str, bytes] = {}
        self._name_at: dict[bytes, str] = {}
        self._cut: set[tuple[str, str]] = set()
        self.counts = {"no-such-address": 0, "cut": 0, "refused-by-device": 0}

    def perform(self, command: Command) -> dict[str, Any]:
        match command:
            case Attach():
                device = open_tun(command.namespace)
                self.devices[device] = command.name
                self._device_of[command.name] = device
                self._set_address(command.name, command.address)
            case Move():
                self._set_address(command.name, command.address)
            case SetConditions():
                self.network.set(command.conditions, command.sender, command.receiver)
            case Cut():
                line = (command.sender, command.receiver)
                (self._cut.add if command.is_cut else self._cut.discard)(line)
            case Count():
                return {**self.network.fates, **self.counts}
        return {}

    def forward(self, device: int) -> None:
        """Take what a namespace has sent. A packet from an address that it no longer has goes nowhere."""
        sender = self.devices[device]
        for _ in range(_PACKETS_A_TURN):
            try:
                packet = os.read(device, _LONGEST_PACKET)
            except BlockingIOError:
                return
            if len(packet) < 20 or packet[0] >> 4 != 4:
                continue
            receiver = self._name_at.get(packet[16:20])
            if receiver is None or packet[12:16] != self._address_of[sender]:
                self.counts["no-such-address"] += 1
            elif (sender, receiver) in self._cut:
                self.counts["cut"] += 1
            else:
                self.network.send(time.monotonic(), sender, receiver, packet)

    def deliver(self) -> None:
        for arrival in self.network.arrivals(time.monotonic()):
            self._deliver(arrival)

    def _deliver(self, arrival: Arrival) -> None:
        # The line may have been cut, or the receiver have moved, while this was under way.
        if (arrival.sender, arrival.receiver) in self._cut:
            self.counts["cut"] += 1
        elif self._address_of[arrival.receiver] != arrival.data[16:20]:
            self.counts["no-such-address"] += 1
        else:
            try:
                os.write(self._device_of[arrival.receiver], arrival.data)
            except OSError:
                self.counts["refused-by-device"] += 1

    def _set_address(self, name: str, address: str) -> None:
        old = self._address_of.get(name)
        if old is not None:
            self._name_at.pop(old, None)
        packed = socket.inet_aton(address)
        self._address_of[name] = packed
        self._name_at[packed] = name


def open_tun(namespace: str) -> int:
    """A TUN device inside that namespace, up and without IPv6; reading from it never blocks."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        _enter(libc, there)
        with contextlib.suppress(OSError):
            Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    finally:
        _enter(libc, home)
        os.close(home)
        os.close(there)
    return device


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def run(seed: int, say: Callable[[bytes], object]) -> None:
    """Until the standard input ends."""
    bridge = Bridge(seed)
    decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
    unread = b""
    os.set_blocking(0, False)
    while True:
        next_at = bridge.network.next_at
        wait = None if next_at is None else max(0.0, next_at - time.monotonic())
        # Not epoll: that rounds up to whole milliseconds.
        readable, _, _ = select.select([0, *bridge.devices], [], [], wait)
        bridge.deliver()
        for device in readable:
            if device != 0:
                bridge.forward(device)
        bridge.deliver()
        if 0 in readable:
            came = os.read(0, _LONGEST_PACKET)
            if not came:
                return
            *lines, unread = (unread + came).split(b"\n")
            for line in lines:
                try:
                    answer: dict[str, Any] = bridge.perform(decoder.decode(line))
                except (msgspec.DecodeError, OSError, ValueError) as error:
                    answer = {"error": f"{type(error).__name__}: {error}"}
                say(msgspec.json.encode(answer) + b"\n")


def main() -> None:
    # A wire that waits for its turn on a busy machine is no wire.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    gc.freeze()
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 0, lambda line: os.write(1, line))


if __name__ == "__main__":
    main()
