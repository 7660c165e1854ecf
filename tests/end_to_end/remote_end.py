"""One end of a connection as a process of its own, to be killed: payloads come and go as lines of JSON."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from peer.connection import Connection
from signaling.protocol.ids import PeerId
from signaling.protocol.signals import PeerPayload


class Silent:
    def connection_changed(self, state: str) -> None: ...

    def media_changed(self, slots: dict[str, str]) -> None: ...


async def main() -> None:
    def send(payload: PeerPayload) -> None:
        print(msgspec.json.encode(payload).decode(), flush=True)  # noqa: T201 # its only way to speak

    connection = Connection(
        me=PeerId("the process"),
        peer=PeerId("the test"),
        you_offer=False,
        ice_servers=[],
        send=send,
        listener=Silent(),
    )
    connection.start()
    decoder: msgspec.json.Decoder[PeerPayload] = msgspec.json.Decoder(PeerPayload)
    while line := await asyncio.to_thread(sys.stdin.readline):
        connection.receive(decoder.decode(line))


if __name__ == "__main__":
    asyncio.run(main())
