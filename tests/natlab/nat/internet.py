"""An internet of network namespaces: servers, routers and clients on the cables of this machine's kernel.

with Internet() as internet:
    home = internet.lan(network("port-restricted"))
    ana = home.client("ana")
    ana.command("peerlane", "nat", "check", "stun:203.0.113.10")

Everything is removed at the end. There are NATs here, but no delays and losses as in ``tests.natlab.lab``.
"""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from types import TracebackType

from tests.natlab.namespaces import Namespace, remove_leftovers
from tests.natlab.nat.networks import Network, Router, ruleset

SERVERS, SERVERS_V6 = ("203.0.113.10", "203.0.113.11"), ("2001:db8::10", "2001:db8::11")
"""Our server has two addresses of each kind, to examine NATs."""
TURN, TURN_V6 = "203.0.113.12", "2001:db8::12"
GATEWAY, GATEWAY_V6 = "203.0.113.1", "2001:db8::1"
FIRST_PUBLIC = 101
"""The last byte; servers come before."""


class Client:
    """A machine at the end of a cable, with its address there."""

    def __init__(self, namespace: Namespace, address: str) -> None:
        self.namespace = namespace
        self.address = address

    def command(self, *command: str) -> list[str]:
        """The command line that runs ``command`` on it."""
        return self.namespace.command(*command)


class Lan:
    """A switch with a gateway. What is plugged in here is behind the router ``owner``."""

    def __init__(
        self, internet: Internet, owner: Namespace, network: Network, number: int, prefix: str
    ) -> None:
        self._internet = internet
        self._owner = owner
        self._network = network
        self._number = number
        self._prefix = prefix
        self._hosts = itertools.count(2)
        _switch(owner, "lan")
        owner.ip("link", "set", "lan", "mtu", str(network.mtu), "up")
        if network.ipv4:
            owner.ip("address", "add", f"{prefix}.1/24", "dev", "lan")
        if network.ipv6:
            owner.ip("address", "add", f"2001:db8:{number:x}::1/64", "dev", "lan", "nodad")
            _link_local(owner, "lan", 1)

    def client(self, word: str, *, isolated: bool = False) -> Client:
        """One more machine; ``isolated``: the switch lets it talk to the router only, as some Wi-Fi does."""
        namespace = self._internet.namespace(word)
        port = self._internet.plug(namespace, "eth0", self._owner, "lan", self._network.mtu)
        if isolated:
            self._owner.run("bridge", "link", "set", "dev", port, "isolated", "on")
        host = next(self._hosts)
        address = f"{self._prefix}.{host}"
        if self._network.ipv4:
            namespace.ip("address", "add", f"{address}/24", "dev", "eth0")
            namespace.ip("route", "add", "default", "via", f"{self._prefix}.1")
        if self._network.ipv6:
            address_v6 = f"2001:db8:{self._number:x}::{host}"
            namespace.ip("address", "add", f"{address_v6}/64", "dev", "eth0", "nodad")
            _link_local(namespace, "eth0", host)
            namespace.ip("route", "add", "default", "via", f"2001:db8:{self._number:x}::1")
            address = address if self._network.ipv4 else address_v6
        return Client(namespace, address)

    def router(self, router: Router, network: Network) -> Lan:
        """One more router in here, and what is behind it: a home in a provider's network."""
        address = f"{self._prefix}.{next(self._hosts)}"
        return self._internet.router_at(
            router, network, address, f"{self._prefix}.1", self._owner, "lan", is_last=True
        )


class Internet:
    """One network in which everybody reaches everybody, as far as addresses are public."""

    def __init__(self) -> None:
        remove_leftovers()
        self._stack = ExitStack()
        self._numbers = itertools.count(1)
        self._cables = itertools.count()
        self._publics = itertools.count(FIRST_PUBLIC)
        try:
            self._middle = self.namespace("internet")
            _switch(self._middle, "bridge")
            self._middle.ip("link", "set", "bridge", "up")
            # Whatever goes to an address that nobody has is lost here, as on the real one.
            self._middle.ip("address", "add", f"{GATEWAY}/24", "dev", "bridge")
            self._middle.ip("address", "add", f"{GATEWAY_V6}/64", "dev", "bridge", "nodad")
            _link_local(self._middle, "bridge", 1)
            self._middle.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
            self.server = self._machine("server", SERVERS, SERVERS_V6)
            self.turn = self._machine("turn", (TURN,), (TURN_V6,))
        except BaseException:
            self._stack.close()
            raise

    def place(self, network: Network) -> Client:
        """A client in a network of this kind, which nobody else is in."""
        return self.lan(network).client("client") if network.routers else self._open(network)

    def lan(self, network: Network) -> Lan:
        """The inside of a network of this kind; it must have a router."""
        return self.carrier(network.routers, network)

    def carrier(self, routers: tuple[Router, ...], network: Network, *, is_shared: bool = False) -> Lan:
        """Routers in a row, the last one with a public address; the inside of the first one.

        ``is_shared``: that is where homes are plugged in, with routers of their own.
        """
        outermost = routers[-1]
        address = f"203.0.113.{next(self._publics)}"
        lan = self.router_at(
            outermost,
            network,
            address,
            GATEWAY,
            self._middle,
            "bridge",
            is_last=len(routers) == 1 and not is_shared,
        )
        for router in reversed(routers[:-1]):
            lan = lan.router(router, network)
        return lan

    def router_at(
        self,
        router: Router,
        network: Network,
        address: str,
        gateway: str,
        outside: Namespace,
        bridge: str,
        *,
        is_last: bool,
    ) -> Lan:
        """``is_last``: homes are behind it, and not other routers."""
        number = next(self._numbers)
        namespace = self.namespace("router")
        self.plug(namespace, "wan", outside, bridge, network.mtu)
        namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        namespace.run("nft", "-f", "-", given=ruleset(router, address))
        namespace.run("sysctl", "-qw", f"net.netfilter.nf_conntrack_udp_timeout={min(router.lifetime, 30)}")
        namespace.ip("address", "add", f"{address}/24", "dev", "wan")
        namespace.ip("route", "add", "default", "via", gateway)
        if network.ipv6:
            outer = f"2001:db8::{number + 0x100:x}"
            namespace.ip("address", "add", f"{outer}/64", "dev", "wan", "nodad")
            _link_local(namespace, "wan", number + 0x1000)
            namespace.ip("route", "add", "default", "via", GATEWAY_V6)
            self._middle.ip("route", "add", f"2001:db8:{number:x}::/64", "via", outer)
        prefix = f"10.{number}.0" if is_last else f"100.64.{number}"
        lan = Lan(self, namespace, network, number, prefix)
        # Otherwise a packet that comes back to the bridge it is from is lost, and nobody hairpins.
        namespace.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0", may_fail=True)
        return lan

    def _open(self, network: Network) -> Client:
        last = next(self._publics)
        addresses = (f"203.0.113.{last}",) if network.ipv4 else ()
        addresses_v6 = (f"2001:db8::f{last}",) if network.ipv6 else ()
        return Client(self._machine("client", addresses, addresses_v6), (*addresses, *addresses_v6)[0])

    def _machine(self, word: str, addresses: tuple[str, ...], addresses_v6: tuple[str, ...]) -> Namespace:
        """One with public addresses."""
        namespace = self.namespace(word)
        self.plug(namespace, "eth0", self._middle, "bridge", 1500)
        for address in addresses:
            namespace.ip("address", "add", f"{address}/24", "dev", "eth0")
        for address in addresses_v6:
            namespace.ip("address", "add", f"{address}/64", "dev", "eth0", "nodad")
        if addresses_v6:
            _link_local(namespace, "eth0", int(addresses_v6[0].rpartition(":")[2], 16))
        if addresses:
            namespace.ip("route", "add", "default", "via", GATEWAY)
        if addresses_v6:
            namespace.ip("route", "add", "default", "via", GATEWAY_V6)
        return namespace

    def namespace(self, word: str) -> Namespace:
        made = Namespace(word)
        self._stack.callback(made.remove)
        return made

    def plug(self, inner: Namespace, device: str, outer: Namespace, bridge: str, mtu: int) -> str:
        """A cable from a bridge to a new device; the name of its end at the bridge."""
        port = f"port{next(self._cables)}"
        outer.ip(
            "link", "add", port, "mtu", str(mtu), "type", "veth", "peer", "name", device, "netns", inner.name
        )
        outer.ip("link", "set", port, "master", bridge, "up")
        inner.ip("link", "set", device, "addrgenmode", "none")
        inner.ip("link", "set", device, "mtu", str(mtu), "up")
        return port

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Internet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def _switch(namespace: Namespace, device: str) -> None:
    """Its address is given: a bridge without one takes the lowest of its ports', another one whenever a lower
    one is plugged in, and who knows the one of before is not heard any more."""
    namespace.ip("link", "add", device, "address", "02:00:00:00:00:01", "type", "bridge")
    namespace.ip("link", "set", device, "addrgenmode", "none")


def _link_local(namespace: Namespace, device: str, number: int) -> None:
    """What every interface with IPv6 has (RFC 4291 §2.1).

    Without one a router asks nobody for neighbours, and a host that it redirects to another router's
    (RFC 4861 §8) loses that destination.
    """
    namespace.ip("address", "add", f"fe80::{number:x}/64", "dev", device, "nodad")
