"""A report that may be shown to strangers: no address, no name of a server, an interface or a user.

What matters is kept: of which kind and family an address is, and whether two are the same or of the same
network. So it says the same, about ``public-1`` and ``server-2``. ``web/lib/nat/anonymous.js`` is the twin.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from peer.nat.build import report as build
from peer.nat.endpoints import PSEUDONYM, PSEUDONYMS, endpoint_of, family_of, scope_of
from peer.nat.observations import Interface, MappingTest, Observations, PortMapper, StunAnswer, TurnAnswer
from peer.nat.report import Report

HIDDEN = "(hidden)"

_SCHEME = re.compile(r"(?:(?:stun|turn)s?:|(?:http|ws)s?://)", re.I | re.A)
_TRANSPORT = re.compile(r"\?transport=(?:udp|tcp)", re.I | re.A)
_KIND = re.compile(
    r"lo|eth|en|wl|ww|ppp|rmnet|docker|veth|br|"
    r"tun|utun|tap|wg|ipsec|tailscale|zt|nordlynx|proton|mullvad|cscotun|gpd|vpn",
    re.I | re.A,
)
_TELLING = re.compile(
    r"[^\x00-\x20()'\",;<>]*@[^\x00-\x20()'\",;<>]*"  # a user at a host
    r"|\[?[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*\]?(?:%[a-z0-9]+)?"  # IPv6
    r"|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+",  # IPv4, and names with a dot
    re.I | re.A,
)
_FRACTION = re.compile(r"[0-9]+\.[0-9]+")


T = TypeVar("T")


def anonymized(report: Report) -> Report:
    """The same report about the same network, whose words give away neither."""
    return build(_Pseudonyms().observations(report.observations))


class _Pseudonyms:
    """Those of one report: the same for the same name, numbered as they come."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self._servers: dict[str, str] = {}
        self._interfaces: dict[str, str] = {}
        self._networks: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def observations(self, seen: Observations) -> Observations:
        named = replace(
            seen,
            interfaces=_each(seen.interfaces, self._interface),
            stun=[self._stun(it) for it in seen.stun],
            mapping=[self._mapping(it) for it in seen.mapping],
            knock=[
                replace(it, before=self._endpoint(it.before), after=self._maybe(it.after))
                for it in seen.knock
            ],
            hairpin=[replace(it, source=self._endpoint(it.source)) for it in seen.hairpin],
            port_mappers=_each(seen.port_mappers, self._mapper),
            hops=_each(seen.hops, lambda it: replace(it, address=self._host(it.address))),
            turn=[self._turn(it) for it in seen.turn],
            signaling=[replace(it, url=self._url(it.url)) for it in seen.signaling],
        )
        # Only now are all names known that a text may quote.
        return replace(
            named,
            stun=[replace(it, trouble=self._text(it.trouble)) for it in named.stun],
            port_mappers=_each(named.port_mappers, lambda it: replace(it, trouble=self._text(it.trouble))),
            turn=[replace(it, trouble=self._text(it.trouble)) for it in named.turn],
            signaling=[replace(it, trouble=self._text(it.trouble)) for it in named.signaling],
            skipped={self._text(what): self._text(why) for what, why in seen.skipped.items()},
        )

    def _interface(self, it: Interface) -> Interface:
        name = self._interfaces.get(it.name)
        if name is None:
            kind = _KIND.match(it.name)
            name = self._interfaces[it.name] = self._next(kind[0].lower() if kind else "interface")
        return replace(it, name=name, address=self._host(it.address))

    def _stun(self, it: StunAnswer) -> StunAnswer:
        return replace(
            it,
            url=self._url(it.url),
            address=self._endpoint(it.address),
            local=self._endpoint(it.local),
            mapped=self._endpoint(it.mapped),
            plain_mapped=self._maybe(it.plain_mapped),
            other=self._endpoint(it.other),
        )

    def _mapping(self, it: MappingTest) -> MappingTest:
        return replace(
            it,
            local=self._endpoint(it.local),
            mapped={self._endpoint(asked): self._endpoint(view) for asked, view in it.mapped.items()},
            silent=[self._endpoint(asked) for asked in it.silent],
        )

    def _mapper(self, it: PortMapper) -> PortMapper:
        return replace(it, external=self._host(it.external))

    def _turn(self, it: TurnAnswer) -> TurnAnswer:
        return replace(
            it,
            url=self._url(it.url),
            address=self._endpoint(it.address),
            relayed=self._endpoint(it.relayed),
        )

    def _maybe(self, endpoint: str | None) -> str | None:
        return None if endpoint is None else self._endpoint(endpoint)

    def _endpoint(self, text: str) -> str:
        if _SCHEME.match(text):
            return self._url(text)
        host, port = endpoint_of(text)
        name = self._host(host)
        if not port:
            return name
        return f"[{name}]:{port}" if family_of(host) == 6 else f"{name}:{port}"

    def _url(self, text: str) -> str:
        """Scheme, port and transport stay: they say what was asked for."""
        if text == "":
            return ""
        host, port = endpoint_of(text)
        scheme, transport = _SCHEME.match(text), _TRANSPORT.search(text)
        name = self._server(host)
        return "".join(
            [
                scheme[0].lower() if scheme else "",
                name,
                f":{port}" if port else "",
                transport[0].lower() if transport else "",
            ]
        )

    def _server(self, host: str) -> str:
        if host not in self._servers:
            self._servers[host] = self._next("server")
        return self._servers[host]

    def _host(self, text: str) -> str:
        host = text.lower()
        if host in ("", "0.0.0.0", "::"):
            return host
        if host not in self._hosts:
            self._hosts[host] = self._address(host)
        return self._hosts[host]

    def _address(self, host: str) -> str:
        scope, family = scope_of(host), family_of(host)
        if scope is None:
            return self._server(host)
        if scope == "private" and family == 4:
            # Whether two routers are in one network tells whether there is another NAT.
            network = host.rpartition(".")[0]
            number = self._networks.setdefault(network, len(self._networks) + 1)
            return self._next(f"private-{number}", ".")
        return self._next(f"{PSEUDONYMS[scope]}-v6" if family == 6 else PSEUDONYMS[scope])

    def _next(self, kind: str, separator: str = "-") -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}{separator}{self._counts[kind]}"

    def _text(self, text: str) -> str:
        """Words of others: the names that are known, then whatever else may be one."""
        known = {
            name.lower(): pseudonym
            for name, pseudonym in (self._servers | self._hosts | self._interfaces).items()
            if name
        }
        if known:
            longest_first = sorted(map(re.escape, known), key=len, reverse=True)
            whole = rf"(?<![A-Za-z0-9_.-])(?:{'|'.join(longest_first)})(?![A-Za-z0-9_-])"
            text = re.sub(whole, lambda found: known.get(found[0].lower(), HIDDEN), text, flags=re.I)
        return _TELLING.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    is_harmless = PSEUDONYM.fullmatch(found[0]) or _FRACTION.fullmatch(found[0])
    return found[0] if is_harmless else HIDDEN


def _each(known: list[T] | None, change: Callable[[T], T]) -> list[T] | None:
    return None if known is None else [change(each) for each in known]
