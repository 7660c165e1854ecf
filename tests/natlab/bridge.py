"""The process that carries packets between namespaces: a TUN device for each line, a bad network between.

``python -m tests.natlab.bridge SEED``: its stdin is a socket for orders and answers. It ends with that
socket, so it never outlives who has started it. ``peer.testing.network`` decides what becomes of a packet;
here are the devices and the clock.
"""

from __future__ import annotations

import fcntl
import gc
import ipaddress
import math
import os
import select
import socket
import struct
import sys
import time

import msgspec

from peer.testing.network import Arrival, BadNetwork, Conditions
from tests.natlab.orders import (
    MAX_ORDER_BYTES,
    AddLine,
    Answer,
    Count,
    Cut,
    Mend,
    Order,
    Part,
    Route,
    SetConditions,
)

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
"""linux/if_tun.h: packets without Ethernet around them, and without a header of the driver's."""
PACKETS_AT_ONCE = 32
"""Read from one device before the others have their turn."""
MAX_PACKET_BYTES = 65_536


class Bridge:
    def __init__(self, orders: socket.socket, seed: int) -> None:
        self._orders = orders
        self._decoder: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
        self._network = BadNetwork(Conditions(), seed=seed)
        self._device_of: dict[str, int] = {}
        self._line_of: dict[int, str] = {}
        self._line_at: dict[bytes, str] = {}
        self._parted: set[tuple[str, str]] = set()
        self._counts = Answer()

    def run(self) -> None:
        """Until there are no more orders."""
        orders = self._orders.fileno()
        while True:
            self._deliver()
            at = self._network.next_at
            wait = None if at is None else max(0.0, at - time.monotonic())
            # select() counts in microseconds; poll and epoll would be up to a millisecond late.
            readable, _, _ = select.select([orders, *self._line_of], [], [], wait)
            self._deliver()
            for device in readable:
                if device != orders:
                    self._forward(device)
            if orders in readable and not self._obey():
                return

    def _forward(self, device: int) -> None:
        sender = self._line_of[device]
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(device, MAX_PACKET_BYTES)
            except OSError:
                return  # all is read, or the interface is down
            self._send(sender, packet)

    def _send(self, sender: str, packet: bytes) -> None:
        source, destination = ends(packet)
        # No network lets in what comes from an address that is not its sender's.
        if self._line_at.get(source) != sender:
            self._counts.unroutable += 1
        elif is_multicast(destination):
            for receiver in self._device_of:
                self._put(sender, receiver, packet)
        elif (receiver_line := self._line_at.get(destination)) is None:
            self._counts.unroutable += 1
        else:
            self._put(sender, receiver_line, packet)

    def _put(self, sender: str, receiver: str, packet: bytes) -> None:
        if (sender, receiver) in self._parted:
            self._counts.parted += 1
        elif sender != receiver:
            self._network.send(time.monotonic(), sender, receiver, packet)

    def _deliver(self) -> None:
        for arrival in self._network.arrivals(time.monotonic()):
            self._hand_over(arrival)

    def _hand_over(self, arrival: Arrival) -> None:
        # While it was under way its line may have been cut, or its receiver have moved.
        _, destination = ends(arrival.data)
        if (arrival.sender, arrival.receiver) in self._parted:
            self._counts.parted += 1
        elif not is_multicast(destination) and self._line_at.get(destination) != arrival.receiver:
            self._counts.unroutable += 1
        else:
            try:
                os.write(self._device_of[arrival.receiver], arrival.data)
            except OSError:
                self._counts.refused += 1

    def _obey(self) -> bool:
        """False at the end of the orders."""
        order = self._orders.recv(MAX_ORDER_BYTES)
        if order:
            try:
                answer = self._perform(self._decoder.decode(order))
            except (msgspec.DecodeError, OSError, ValueError) as error:
                answer = Answer(error=f"{type(error).__name__}: {error}")
            self._orders.send(msgspec.msgpack.encode(answer))
        return bool(order)

    def _perform(self, order: Order) -> Answer:
        match order:
            case AddLine():
                return Answer(device=self._add_line(order.line))
            case Route():
                self._route(ipaddress.ip_address(order.address).packed, order.line)
            case SetConditions():
                self._network.set(order.conditions, order.sender, order.receiver)
            case Part():
                line = (order.sender, order.receiver)
                (self._parted.add if order.is_parted else self._parted.discard)(line)
            case Cut():
                seconds = math.inf if order.seconds is None else order.seconds
                self._network.blackhole(order.line, time.monotonic(), seconds)
            case Mend():
                self._network.heal(order.line)
            case Count():
                return msgspec.structs.replace(self._counts, fates=self._network.fates)
        return Answer()

    def _add_line(self, line: str) -> str:
        name = f"line{len(self._device_of)}"
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        self._device_of[line] = device
        self._line_of[device] = line
        return name

    def _route(self, address: bytes, line: str | None) -> None:
        self._line_at.pop(address, None)
        if line is not None:
            self._line_at[address] = line


def ends(packet: bytes) -> tuple[bytes, bytes]:
    """Source and destination: 4 bytes each in IPv4, 16 in IPv6."""
    if packet[0] >> 4 == 4:
        return packet[12:16], packet[16:20]
    return packet[8:24], packet[24:40]


def is_multicast(address: bytes) -> bool:
    return address[0] == 0xFF if len(address) == 16 else address[0] >> 4 == 0xE


def main() -> None:
    # Nothing here makes cycles, and a pause would be a delay that nobody has ordered.
    gc.disable()
    try:
        # A wire that waits for its turn on a busy machine is no wire.
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    except OSError:
        pass  # then a busy machine makes a slower network
    with socket.socket(fileno=sys.stdin.fileno()) as orders:
        Bridge(orders, int(sys.argv[1])).run()


if __name__ == "__main__":
    main()
