"""What was found, in rows: a label, a value, why it matters. ``web/lib/nat/sections.js`` is the twin.

What is not known is left out, unless somebody would look for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from peer.nat import row_words as words
from peer.nat.behaviour import DEPENDENT, seen
from peer.nat.endpoints import endpoint_of
from peer.nat.layers import is_near, is_tampered, layers, public_addresses, vpn_in_use, vpns
from peer.nat.observations import Family, Interface, LifetimeTest, Observations, PortMapper, SizeTest
from peer.nat.quoting import MAX_SECONDS, as_sentence, quoted, reason_of, whole
from peer.nat.reach import closed_ports, open_ports, udp
from peer.nat.report import Behaviour, Row, Section
from peer.nat.row_words import LABELS, TITLES, Said
from peer.nat.server_rows import signaling_row, stun_row, turn_row

MAX_LISTED = 8
MIN_DATAGRAM = 1200
"""Bytes: what WebRTC sends at the most, and QUIC asks of every network (RFC 9000 section 14)."""
SHORT_LIFETIME = 20.0
"""RFC 4787 section 4.3 asks for two minutes; consent (RFC 7675) is asked for every five seconds."""
MAX_BYTES = 65_535


def sections(observations: Observations, found: list[Behaviour]) -> list[Section]:
    """Those that have something to say."""
    parts = [
        ("network", list(_network(observations))),
        *((f"nat-{own.family}", list(_nat(observations, own))) for own in found),
        ("routers", list(_routers(observations))),
        ("stun", [stun_row(answer) for answer in observations.stun]),
        ("turn", [turn_row(answer) for answer in observations.turn]),
        ("signaling", [signaling_row(answer) for answer in observations.signaling]),
        ("skipped", list(_skipped(observations))),
    ]
    return [Section(TITLES[title], rows) for title, rows in parts if rows]


def row(label: str, said: Said, **blanks: str | int) -> Row:
    value, note, level = said
    return Row(LABELS[label], value.format_map(blanks), note.format_map(blanks), level)


# This network


def _network(observations: Observations) -> Iterator[Row]:
    passing = udp(observations)
    opened, closed = _first(open_ports(observations)), _first(closed_ports(observations))
    yield row("udp", words.UDP[passing], open=opened, closed=closed)
    yield from _ipv4(observations)
    yield from _ipv6(observations)
    both: tuple[Family, Family] = (4, 6)
    for family in both:
        addresses = public_addresses(observations, family)
        if len(addresses) > 1:
            told = _listed(addresses)
            yield row("public-addresses", words.ADDRESSES["several"], count=len(addresses), addresses=told)
    yield from _own(observations)


def _ipv4(observations: Observations) -> Iterator[Row]:
    addresses = public_addresses(observations, 4)
    if addresses:
        yield row(
            "ipv4", words.IPV4["near" if is_near(observations) else "works"], addresses=_listed(addresses)
        )
    elif any(it.family == 4 for it in observations.stun):
        yield row("ipv4", words.IPV4["only-ipv6" if public_addresses(observations, 6) else "silent"])


def _ipv6(observations: Observations) -> Iterator[Row]:
    addresses = public_addresses(observations, 6)
    if addresses:
        yield row("ipv6", words.IPV6["works"], addresses=_listed(addresses))
    elif observations.has_ipv6 is False:
        yield row("ipv6", words.IPV6["none"])
    elif any(it.family == 6 for it in observations.stun):
        yield row("ipv6", words.IPV6["silent"])
    elif any(it.family == 6 and it.scope == "global" for it in observations.interfaces or ()):
        yield row("ipv6", words.IPV6["unused"])


def _own(observations: Observations) -> Iterator[Row]:
    if observations.interfaces is None:
        return
    used, there = vpn_in_use(observations), vpns(observations)
    if used is not None:
        yield row("vpn", words.VPN["used"], name=quoted(used.name))
    elif there:
        yield row("vpn", words.VPN["unused"], name=quoted(there[0].name))
    elif observations.observer == "python":
        # A browser does not tell what its interfaces are called.
        yield row("vpn", words.VPN["none"])
    own = [it for it in observations.interfaces if it.scope not in ("loopback", "link-local")]
    if own:
        told = _listed([_named(interface) for interface in own])
        yield row("own-addresses", words.ADDRESSES["own"], addresses=told)


def _named(interface: Interface) -> str:
    return f"{interface.address} ({interface.name})"


# What the NAT does


def _nat(observations: Observations, own: Behaviour) -> Iterator[Row]:
    yield _translated(observations, own)
    if own.is_translated is not False:
        yield row("mapping", words.MAPPING[own.mapping])
    is_browser = observations.observer == "browser"
    filtering = "browser" if own.filtering == "unknown" and is_browser else own.filtering
    yield row("filtering", words.FILTERING[filtering])
    if own.is_stable is not None and own.is_translated is not False:
        yield row("knock", words.KNOCK["stays" if own.is_stable else "moves"])
    if own.is_port_preserved is not None and own.is_translated is not False and own.mapping not in DEPENDENT:
        yield row("port", words.PORT["kept" if own.is_port_preserved else "changed"])
    if own.hairpins is not None:
        yield row("hairpin", words.HAIRPIN["yes" if own.hairpins else "no"])
    for lifetime in observations.lifetime:
        if lifetime.family == own.family:
            yield _lifetime(lifetime)
    for size in observations.size:
        if size.family == own.family:
            yield from _size(size)
    if own.family == 4 and (is_altered := is_tampered(observations)) is not None:
        yield row("tampering", words.TAMPERING["yes" if is_altered else "no"])
    if old_name := _old_name(own):
        yield Row(LABELS["old-name"], words.OLD_NAMES[old_name], words.OLD_NAME_NOTE)


def _translated(observations: Observations, own: Behaviour) -> Row:
    views = seen(observations, own.family)
    if own.is_translated:
        views = [view for view in views if endpoint_of(view[0]) != endpoint_of(view[1])] or views
    local, mapped = (quoted(endpoint) for endpoint in views[0])
    match own.is_translated:
        case True:
            return row(
                "translated", words.TRANSLATED["yes" if local else "hidden"], local=local, mapped=mapped
            )
        case False:
            return row("translated", words.TRANSLATED["no"], mapped=mapped)
    return row("translated", words.TRANSLATED["unknown"], mapped=mapped)


def _lifetime(test: LifetimeTest) -> Row:
    blanks = {
        "alive": whole(test.alive_after, MAX_SECONDS),
        "gone": whole(test.gone_after or 0.0, MAX_SECONDS),
    }
    if test.gone_after is None:
        return row("lifetime", words.LIFETIME["longer"], **blanks)
    is_short = test.gone_after < SHORT_LIFETIME
    return row("lifetime", words.LIFETIME["short" if is_short else "ends"], **blanks)


def _size(test: SizeTest) -> Iterator[Row]:
    if test.largest is not None:
        kind = "small" if test.largest < MIN_DATAGRAM else "fine"
        yield row("size", words.SIZE[kind], bytes=whole(float(test.largest), MAX_BYTES))
    if test.fragments is not None:
        yield row("fragments", words.SIZE["fragments-pass" if test.fragments else "fragments-lost"])


def _old_name(own: Behaviour) -> str:
    """By RFC 3489 section 5; empty for the many that have none there."""
    filters = {
        "endpoint-independent": "full-cone",
        "address-dependent": "restricted",
        "address-and-port-dependent": "port-restricted",
    }
    if own.is_translated is False:
        names = {"endpoint-independent": "open", "address-and-port-dependent": "firewall"}
        return names.get(own.filtering, "")
    if own.mapping == "endpoint-independent":
        return filters.get(own.filtering, "")
    is_strict = own.mapping in DEPENDENT and own.filtering in ("address-and-port-dependent", "unknown")
    return "symmetric" if is_strict else ""


# The way out


def _routers(observations: Observations) -> Iterator[Row]:
    kind = layers(observations)
    if kind != "unknown":
        yield row("layers", words.LAYERS[kind])
    if observations.hops:
        told = " → ".join(quoted(hop.address) or words.NOT_TOLD for hop in observations.hops[:MAX_LISTED])
        yield Row(LABELS["hops"], told)
    yield from map(_mapper, observations.port_mappers or ())


def _mapper(mapper: PortMapper) -> Row:
    kind = ("there-at" if mapper.external else "there") if mapper.is_there else "missing"
    value, note, level = words.MAPPERS[kind]
    told = note.format(address=quoted(mapper.external), reason=reason_of(mapper.trouble))
    return Row(words.MAPPER_NAMES[mapper.kind], value, told, level)


def _skipped(observations: Observations) -> Iterator[Row]:
    for what, why in observations.skipped.items():
        yield Row(LABELS.get(what, quoted(what)), words.NOT_ASKED, as_sentence(why))


def _listed(texts: list[str]) -> str:
    told = ", ".join(quoted(text) for text in texts[:MAX_LISTED])
    return f"{told}, …" if len(texts) > MAX_LISTED else told


def _first(ports: list[int]) -> str:
    return str(ports[0]) if ports else ""
