"""Whom the relay reaches, judged by the permissions that it has given. Pure."""

from __future__ import annotations

from peer.nat.audit.evidence import FORBIDDEN, GRANTED, Evidence, Permission
from peer.nat.audit.plan import family_of
from peer.nat.audit.ranges import BLOCKS, GROUPS, Block, Group, targets
from peer.nat.audit.report import Judgement
from peer.nat.endpoints import host_of, scope_of

NO_SUCH_FAMILY = 440
UNCLEAR = (None, 401, 437, 438, 441, 486, 500, 508)
"""Answers that say nothing about the address that was asked for."""


def judge_reach(evidence: Evidence, judgement: Judgement) -> None:
    relayed = {host_of(relay.relayed) for relay in evidence.relays if relay.relayed}
    own = relayed | {host_of(door.address) for door in evidence.doors if door.address}
    asked: dict[str, list[Permission]] = {}
    for each in evidence.permissions:
        asked.setdefault(each.address, []).append(each)
    if not asked:
        judgement.unknown("permits", "refuses whom nobody should reach", _why_not_asked(evidence))
        return
    for group in GROUPS:
        _judge_group(group, evidence, asked, own, judgement)
    for address in sorted(relayed):
        _judge_own(address, asked.get(address, []), judgement)
    _judge_relay_address(evidence, judgement)


def _judge_group(
    group: Group,
    evidence: Evidence,
    asked: dict[str, list[Permission]],
    own: set[str],
    judgement: Judgement,
) -> None:
    code, refuses = f"permits-{group.code}", f"refuses {group.name}"
    mine = {
        address: (block, asked.get(address, []))
        for address, block in targets().items()
        if block.group == group.code and address not in own
    }
    granted = {
        address: (block, given)
        for address, (block, permissions) in mine.items()
        if (given := [each for each in permissions if each.code == GRANTED])
    }
    if granted:
        blocks = dict.fromkeys(block for block, _ in granted.values())
        judgement.hole(
            code,
            group.severity,
            f"relays to {group.name}",
            group.why,
            dict.fromkeys(line for block in blocks for line in block.lines),
            [_grant(address, given) for address, (_, given) in granted.items()],
        )
        return
    answered = [each for _, permissions in mine.values() for each in permissions]
    unclear = [each for each in answered if each.code in UNCLEAR]
    has_no_ipv6 = _has_no_ipv6(evidence)
    if has_no_ipv6 and _families(group) == {6}:
        judgement.right(code, refuses, "it has no relay address of IPv6")
    elif not answered:
        judgement.unknown(code, refuses, "of this family no relay could be had to ask on")
    elif unclear:
        judgement.unknown(code, refuses, f"{len(unclear)} of {len(answered)} questions were not answered")
    elif 6 in _families(group) and not has_no_ipv6 and not _has_family(evidence, 6):
        judgement.unknown(code, refuses, "over IPv4 it does; of IPv6 no relay could be had to ask on")
    else:
        judgement.right(code, refuses, f"{len({each.address for each in answered})} addresses")


def _judge_own(address: str, permissions: list[Permission], judgement: Judgement) -> None:
    codes = {each.code for each in permissions}
    if GRANTED in codes:
        judgement.note(
            "own-address",
            f"relays to its own address {address}",
            "Two peers who both need this relay meet there. Let nothing else on the server listen at this "
            "address over UDP, or stop it at the firewall.",
        )
    elif FORBIDDEN in codes:
        judgement.note(
            "own-address",
            f"does not relay to its own address {address}",
            f"Two peers who both need this relay cannot meet: allowed-peer-ip={address}",
        )


def _judge_relay_address(evidence: Evidence, judgement: Judgement) -> None:
    code, title = "relay-address", "its relays have an address that the world can reach"
    public = any(scope_of(host_of(door.address)) == "global" for door in evidence.doors if door.address)
    hidden = [
        relay.relayed
        for relay in evidence.relays
        if relay.relayed and scope_of(host_of(relay.relayed)) != "global"
    ]
    if public and hidden:
        judgement.hole(
            code,
            "medium",
            "gives relays at an address that peers cannot reach",
            "The machine is behind a router or in a cloud and does not know its public address, so it helps "
            "nobody.",
            ["external-ip=PUBLIC/PRIVATE"],
            dict.fromkeys(map(host_of, hidden)),
        )
    elif public and any(relay.relayed for relay in evidence.relays):
        judgement.right(code, title)


def _grant(address: str, given: list[Permission]) -> str:
    """The address, and what is odd about how it was given."""
    oddities = []
    if {each.how for each in given} == {"channel"}:
        oddities.append("by a channel alone")
    if family_of(address) not in {each.family for each in given}:
        oddities.append("on a relay of the other family")
    return f"{address} ({', '.join(oddities)})" if oddities else address


def _families(group: Group) -> set[int]:
    return {family_of(block.first) for block in _blocks(group)}


def _blocks(group: Group) -> list[Block]:
    return [block for block in BLOCKS if block.group == group.code]


def _has_family(evidence: Evidence, family: int) -> bool:
    return any(relay.family == family and relay.code == GRANTED for relay in evidence.relays)


def _has_no_ipv6(evidence: Evidence) -> bool:
    codes = [relay.code for relay in evidence.relays if relay.family == 6]
    return bool(codes) and all(code == NO_SUCH_FAMILY for code in codes)


def _why_not_asked(evidence: Evidence) -> str:
    if not evidence.relays:
        return "it needs credentials: --username and --password, or --secret"
    return "no relay could be had to ask on"
