"""aiortc as it comes, for where it is not the one whose insides we know.

It connects, and that is all: it waits for STUN and TURN servers before it offers, knows two of them, tells no
candidates later, and cannot restart ICE.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection

from peer.engine.ice.servers import ServerAddress


def stock_connection(servers: Iterable[ServerAddress]) -> RTCPeerConnection:
    return RTCPeerConnection(
        RTCConfiguration(
            # Always a list and never None, for which aiortc would ask a server of Google.
            iceServers=[
                RTCIceServer(
                    urls=server.url,
                    username=server.username or None,
                    credential=server.credential or None,
                )
                for server in servers
                if ":" not in server.host  # aiortc raises when it reads an IPv6 address
            ],
            bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        )
    )
