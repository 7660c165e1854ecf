"""What a NAT does with UDP: mapping, filtering, and what a knock changes (RFC 5780 section 4).

Each test has a socket of its own: one whose mapping another test has touched tells lies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from peer.nat.endpoints import endpoint_of, host_of
from peer.nat.observations import Family, FilteringTest, HairpinTest, KnockTest, MappingTest, StunAnswer
from peer.nat.plan import may_follow
from peer.nat.stun_codec import CHANGE_ADDRESS, CHANGE_PORT, binding_request
from peer.nat.stun_socket import Address, Answer, StunSocket, address_of, stun_socket, text_of

KNOCKS = 2
KNOCK_EVERY = 0.3
"""Seconds: whether a knock is heard here does not matter, only that the router has met it."""
HAIRPIN_SENDS = 3
HAIRPIN_EVERY = 0.3


class Server(msgspec.Struct, frozen=True):
    """One address of a STUN server."""

    url: str
    address: Address

    @property
    def family(self) -> Family:
        return 6 if ":" in self.address[0] else 4


class Found(msgspec.Struct):
    """What the tests of one family have found."""

    mapping: list[MappingTest] = []
    filtering: list[FilteringTest] = []
    knock: list[KnockTest] = []
    hairpin: list[HairpinTest] = []


async def probe_binding(server: Server) -> StunAnswer:
    """The plain question. Never raises."""
    told = {"url": server.url, "family": server.family, "address": text_of(server.address)}
    try:
        async with stun_socket(server.address) as asking:
            answer = await asking.ask(binding_request(), server.address)
            local, refused = asking.local, asking.refused.is_set()
    except OSError as error:
        return msgspec.convert(told | {"trouble": error.strerror or "no route"}, StunAnswer)
    if answer is None or answer.source != server.address or answer.message.error_code is not None:
        trouble = "nobody listens there" if refused else "no answer"
        if answer is not None:
            code = answer.message.error_code
            trouble = f"the server refuses ({code})" if code is not None else "somebody else answers"
        return msgspec.convert(told | {"local": local, "trouble": trouble}, StunAnswer)
    if not answer.mapped or not _is_of(server.family, answer.mapped):
        return msgspec.convert(told | {"local": local, "trouble": "the answer makes no sense"}, StunAnswer)
    plain = answer.endpoint("MAPPED-ADDRESS") or None
    found = {"local": local, "rtt": answer.rtt, "mapped": answer.mapped, "plain_mapped": plain}
    return msgspec.convert(told | found | {"other": answer.endpoint("OTHER-ADDRESS")}, StunAnswer)


def _is_of(family: Family, endpoint: str) -> bool:
    return (":" in host_of(endpoint)) == (family == 6)


async def probe_behaviour(
    answers: Sequence[StunAnswer],
    family: Family,
    own: Sequence[str],
    *,
    hairpin: bool,
    found: Found | None = None,
) -> Found:
    """All tests of one family, at once, with the servers that have answered. Never raises.

    Each test puts into ``found`` what it has found as soon as it has.
    """
    there = [answer for answer in answers if answer.family == family and answer.rtt is not None]
    found = Found([], [], [], []) if found is None else found
    if not there:
        return found
    primary = next((each for each in there if _other(each, own) is not None), there[0])
    other = _other(primary, own)
    asked = address_of(primary.address)
    async with asyncio.TaskGroup() as tasks:
        if other is None:
            tasks.create_task(_map_over(there, family, found))
        else:
            tasks.create_task(_map(asked, other, family, found))
            tasks.create_task(_filter(asked, other, family, found))
            tasks.create_task(_knock(asked, other, family, found))
        if hairpin and _is_translated(primary, own):
            tasks.create_task(_hairpin(asked, host_of(primary.mapped), family, found))
    return found


def _is_translated(answer: StunAnswer, own: Sequence[str]) -> bool:
    """Whether it is seen elsewhere, and not where a server that lies would like to have packets sent to."""
    local, mapped = endpoint_of(answer.local), endpoint_of(answer.mapped)
    return local != mapped and may_follow(mapped[0], host_of(answer.address), own)


def _other(answer: StunAnswer, own: Sequence[str]) -> Address | None:
    if not answer.other:
        return None
    host, port = endpoint_of(answer.other)
    asked = endpoint_of(answer.address)
    if not port or host == asked[0] or port == asked[1] or not may_follow(host, asked[0], own):
        return None
    return host, port


async def _map(asked: Address, other: Address, family: Family, found: Found) -> None:
    """From one socket to three endpoints of one server (section 4.3)."""
    await _views([asked, (other[0], asked[1]), other], family, found)


async def _map_over(answers: Sequence[StunAnswer], family: Family, found: Found) -> None:
    """From one socket to as many servers as there are: none of them has two addresses."""
    endpoints = list(dict.fromkeys(address_of(answer.address) for answer in answers))
    if len(endpoints) > 1:
        await _views(endpoints, family, found)


async def _views(endpoints: list[Address], family: Family, found: Found) -> None:
    try:
        async with stun_socket(endpoints[0]) as asking:
            answers = await asyncio.gather(*(asking.ask(binding_request(), each) for each in endpoints))
            local = asking.local
    except OSError:
        return
    mapped: dict[str, str] = {}
    silent: list[str] = []
    for endpoint, answer in zip(endpoints, answers, strict=True):
        if answer is not None and answer.source == endpoint and _is_good(answer, family):
            mapped[text_of(endpoint)] = answer.mapped
        else:
            silent.append(text_of(endpoint))
    found.mapping.append(MappingTest(family=family, local=local, mapped=mapped, silent=silent))


async def _filter(asked: Address, other: Address, family: Family, found: Found) -> None:
    """Whether answers come in from where nothing was sent to (section 4.4)."""
    from_address, from_port = await asyncio.gather(
        _comes(asked, CHANGE_ADDRESS | CHANGE_PORT, other[0]), _comes(asked, CHANGE_PORT, asked[0])
    )
    if from_address is not None or from_port is not None:
        found.filtering.append(
            FilteringTest(family=family, from_other_address=from_address, from_other_port=from_port)
        )


async def _comes(asked: Address, change: int, expected_host: str) -> bool | None:
    """None: the server does not do what it was asked for, or is not heard at all."""
    try:
        async with stun_socket(asked) as asking:
            answer = await asking.ask(binding_request(change=change), asked)
            if answer is None:
                # Silence means something only on a path that works.
                return None if await asking.ask(binding_request(), asked) is None else False
    except OSError:
        return None
    is_refused = answer.message.error_code is not None
    is_moved = answer.source != asked and answer.source[0] == expected_host
    return True if is_moved and not is_refused else None


async def _knock(asked: Address, other: Address, family: Family, found: Found) -> None:
    """Let the server's other address knock, then ask that one: a mapping that moves is worth nothing to
    whoever is sent to first."""
    try:
        async with stun_socket(asked) as asking:
            before = await asking.ask(binding_request(), asked)
            if before is None or not _is_good(before, family):
                return
            elsewhere = binding_request(change=CHANGE_ADDRESS | CHANGE_PORT)
            await asking.ask(elsewhere, asked, sends=KNOCKS, send_every=KNOCK_EVERY)
            after = await asking.ask(binding_request(), other)
    except OSError:
        return
    moved = after.mapped if after is not None and _is_good(after, family) else None
    found.knock.append(KnockTest(family=family, before=before.mapped, after=moved))


async def _hairpin(asked: Address, mapped_host: str, family: Family, found: Found) -> None:
    """From a second socket to the public endpoint of the first."""
    try:
        async with stun_socket(asked) as hearing, stun_socket(asked) as sending:
            seen = await hearing.ask(binding_request(), asked)
            if seen is None or not _is_good(seen, family):
                return
            target = address_of(seen.mapped)
            if target[0] != mapped_host:
                return
            source = await _heard(hearing, sending, target)
    except OSError:
        return
    found.hairpin.append(
        HairpinTest(family=family, came_back=source is not None, source=source if source is not None else "")
    )


async def _heard(hearing: StunSocket, sending: StunSocket, target: Address) -> str | None:
    packet = bytes(binding_request())
    for _ in range(HAIRPIN_SENDS):
        sending.send(packet, target)
        try:
            async with asyncio.timeout(HAIRPIN_EVERY):
                while True:
                    data, source = await hearing.plain.get()
                    if data == packet:
                        return text_of(source)
        except TimeoutError:
            continue
    return None


def _is_good(answer: Answer, family: Family) -> bool:
    return answer.message.error_code is None and bool(answer.mapped) and _is_of(family, answer.mapped)
