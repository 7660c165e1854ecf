"""A laboratory of machines on one bad network, all on this one.

with Lab() as lab:
    server = lab.machine("server", "203.0.113.10")
    ana, ben = lab.machine("ana", "10.1.0.2"), lab.machine("ben", "10.2.0.2")
    lab.between(ana, ben, Conditions(latency=0.04))
    ana.change_address("10.3.0.2")
    lab.cut(ben, seconds=30)

Every machine is a network namespace with one or more interfaces; every interface has a line to the bridge
process, which brings each packet to whoever has its destination. Everything can be changed while it runs,
and holds when the call returns.
"""

from __future__ import annotations

import atexit
import itertools
import json
import tempfile
from types import TracebackType

from peer.testing.network import Conditions
from tests.natlab.namespaces import Namespace, remove_leftovers
from tests.natlab.wire import Wire

FIRST_DEVICE = "eth0"
FIRST_TABLE = 100
"""Routing tables of our own, one for each interface."""
MTU = 1500


class Interface:
    """One interface of a machine; ``line`` is its name at the bridge."""

    def __init__(self, machine: str, device: str, table: int) -> None:
        self.device = device
        self.line = f"{machine}/{device}"
        self.table = table
        self.address = ""


class Machine:
    """A namespace on the lab's network. Processes are started with :meth:`command`."""

    def __init__(self, name: str, wire: Wire) -> None:
        self.name = name
        self.namespace = Namespace(name)
        self.interfaces: dict[str, Interface] = {}
        self._wire = wire
        self._in_use = ""

    @property
    def address(self) -> str:
        """The address of the interface in use."""
        return self.interfaces[self._in_use].address

    @property
    def lines(self) -> list[str]:
        return [interface.line for interface in self.interfaces.values()]

    def command(self, *command: str) -> list[str]:
        """The command that runs ``command`` on this machine."""
        return self.namespace.command(*command)

    def bytes_received(self) -> int:
        """Over all interfaces so far."""
        links = json.loads(self.namespace.ip("-json", "-statistics", "link", "show"))
        return sum(link["stats64"]["rx"]["bytes"] for link in links if link["ifname"] in self.interfaces)

    def add_interface(self, device: str, address: str) -> None:
        """One more interface with its address; the first one is used for what does not choose."""
        interface = Interface(self.name, device, FIRST_TABLE + len(self.interfaces))
        self.interfaces[device] = interface
        self._wire.add_line(interface.line, self.namespace, device)
        # Nobody here needs addresses that interfaces give themselves.
        self.namespace.ip("link", "set", device, "addrgenmode", "none")
        self.namespace.ip("link", "set", device, "mtu", str(MTU), "up")
        self._give_address(interface, address)
        if not self._in_use:
            self._use(interface)

    def change_address(self, address: str, *, outage: float = 0.0) -> None:
        """Another address on the interface in use, as from another access point or a new lease.

        For ``outage`` seconds nothing comes through. Nobody hears of the old address any more.
        """
        if outage:
            self.cut(outage)
        self.lose_address()
        self.gain_address(address)

    def cut(self, seconds: float) -> None:
        """For so long nothing comes through the interface in use."""
        self._wire.cut(self.interfaces[self._in_use].line, seconds)

    def lose_address(self) -> None:
        """The interface in use has none, until :meth:`gain_address`."""
        self._take_address(self.interfaces[self._in_use])

    def gain_address(self, address: str) -> None:
        interface = self.interfaces[self._in_use]
        self._give_address(interface, address)
        self._use(interface)

    def switch_to(self, device: str, *, outage: float = 0.0) -> None:
        """Leave the interface in use, which goes down, for another one, as from Wi-Fi to LTE."""
        old, new = self.interfaces[self._in_use], self.interfaces[device]
        if outage:
            self._wire.cut(new.line, outage)
        self._take_address(old)
        self.namespace.ip("link", "set", old.device, "down")
        self._use(new)

    def _give_address(self, interface: Interface, address: str) -> None:
        length = "128" if ":" in address else "32"
        family = "-6" if ":" in address else "-4"
        # Without nodad an IPv6 address is not usable for its first second.
        extra = ("nodad",) if ":" in address else ()
        interface.address = address
        self._wire.route(address, interface.line)
        self.namespace.ip("address", "add", f"{address}/{length}", "dev", interface.device, *extra)
        # What is bound to an address leaves by its own interface, as phones have it.
        self.namespace.ip(
            family, "route", "replace", "default", "dev", interface.device, "table", str(interface.table)
        )
        self.namespace.ip(family, "rule", "add", "from", address, "table", str(interface.table))

    def _take_address(self, interface: Interface) -> None:
        address = interface.address
        family = "-6" if ":" in address else "-4"
        self._wire.route(address, None)
        self.namespace.ip(family, "rule", "delete", "from", address)
        self.namespace.ip("address", "flush", "dev", interface.device)

    def _use(self, interface: Interface) -> None:
        self._in_use = interface.device
        family = "-6" if ":" in interface.address else "-4"
        self.namespace.ip(
            family, "route", "replace", "default", "dev", interface.device, "src", interface.address
        )


class Lab:
    """``seed`` decides which packets are lost. Ends, with all that runs in it, at the end of the block."""

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed
        self._machines: dict[str, Machine] = {}

    def __enter__(self) -> Lab:
        remove_leftovers()
        self._log = tempfile.TemporaryFile()
        self.wire = Wire(self._seed, self._log)
        # Also when whoever runs us leaves without an end of the block.
        atexit.register(self.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        atexit.unregister(self.close)
        for machine in self._machines.values():
            machine.namespace.remove()
        self._machines.clear()
        self.wire.close()
        self._log.close()

    def machine(self, name: str, address: str, *, device: str = FIRST_DEVICE) -> Machine:
        """One more machine; all reach it at this address."""
        machine = self._machines[name] = Machine(name, self.wire)
        machine.add_interface(device, address)
        return machine

    def everywhere(self, conditions: Conditions) -> None:
        """All lines, in all directions."""
        self.wire.set(conditions)

    def between(self, one: Machine, other: Machine, conditions: Conditions) -> None:
        """Both directions between two machines, over all interfaces that they have now."""
        self.towards(one, other, conditions)
        self.towards(other, one, conditions)

    def towards(self, sender: Machine, receiver: Machine, conditions: Conditions) -> None:
        """One direction between two machines, over all interfaces that they have now."""
        for from_line, to_line in itertools.product(sender.lines, receiver.lines):
            self.wire.set(conditions, from_line, to_line)

    def part(self, one: Machine, other: Machine) -> None:
        """These two no longer reach each other; all others still reach both."""
        self._set_parted(one, other, True)

    def join(self, one: Machine, other: Machine) -> None:
        """These two reach each other again."""
        self._set_parted(one, other, False)

    def cut(self, machine: Machine, seconds: float | None = None) -> None:
        """Nothing from or to this machine comes through; None: until it is mended."""
        for line in machine.lines:
            self.wire.cut(line, seconds)

    def mend(self, machine: Machine) -> None:
        for line in machine.lines:
            self.wire.mend(line)

    def _set_parted(self, one: Machine, other: Machine, is_parted: bool) -> None:
        for here, there in itertools.product(one.lines, other.lines):
            self.wire.part(here, there, is_parted=is_parted)
            self.wire.part(there, here, is_parted=is_parted)
