"""TURN credentials with an end: made from a secret that only this server and the TURN server know.

As coturn's ``use-auth-secret`` reads them (draft-uberti-behave-turn-rest-00): the user name begins with
the calendar second of the end, and the password is its HMAC-SHA1 under the secret.
"""

from __future__ import annotations

import base64
import hmac

from signaling.config import Ice
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import IceServer


def turn_servers(ice: Ice, peer: PeerId, unix_now: float) -> list[IceServer]:
    """The TURN servers of the configuration with fresh credentials for this peer; empty when there are none.

    Each peer has a user name of its own, so that the TURN server's quota counts it alone.
    """
    if not ice.turn_urls:
        return []
    username = f"{int(unix_now + ice.turn_lifetime)}:{peer}"
    digest = hmac.digest(ice.turn_secret.encode(), username.encode(), "sha1")
    return [IceServer(ice.turn_urls, username, base64.b64encode(digest).decode())]
