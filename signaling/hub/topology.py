"""Who makes the offers between two peers."""

from __future__ import annotations

from signaling.protocol.ids import PeerId
from signaling.protocol.parts import Capabilities


def offer_rank(capabilities: Capabilities) -> int:
    """How well a side offers: rollback counts before ICE restart, ICE restart before trickle.

    Whoever can do nothing else comes before all of them.
    """
    return (
        8 * capabilities.only_offers
        + 4 * capabilities.rollback
        + 2 * capabilities.ice_restart
        + capabilities.trickle
    )


def offers(mine: Capabilities, my_id: PeerId, theirs: Capabilities, their_id: PeerId) -> bool:
    """Whether the first of the two is the offerer of the pair.

    The answer depends on nothing but the two, so a restarted server, or another node, gives the
    same one, and a connection that outlived the server keeps its roles.
    """
    my_rank, their_rank = offer_rank(mine), offer_rank(theirs)
    return my_rank > their_rank if my_rank != their_rank else my_id < their_id
