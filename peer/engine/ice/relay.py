"""An allocation on a TURN server, and the socket that it looks like (RFC 8656).

aioice's client knows the protocol. Different is what happens around it:

- why an allocation has ended is told, and nothing is raised into the event loop;
- it is given back in half a second, whether or not the server answers; a request that is given up is
  followed by a goodbye, so that no quota is used up by it;
- what waits for a channel, or for a TCP connection that does not move, is bounded;
- a channel is renewed before its permission ends (300 s), not before the channel does (600 s), and data goes
  on meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import math
import struct
from collections import deque
from collections.abc import Iterable
from typing import Any

from aioice.ice import Connection, StunProtocol
from aioice.stun import Class, Message, Method, TransactionFailed
from aioice.turn import TurnClientMixin, TurnClientTcpProtocol, TurnClientUdpProtocol

from peer.engine.ice.servers import ServerAddress

log = logging.getLogger(__name__)

LIFETIME = 600
"""Seconds, whole ones as on the wire; servers give less if they like."""
RENEW_AT = 5 / 6
"""Of the lifetime: a request that is lost is sent again for a minute."""
MIN_RENEWAL = 5.0
"""A server that gives no time at all is not asked all the time."""
RENEW_CHANNEL_AFTER = 240.0
CHANNEL_RETRY = 1.0
"""After the server has refused to send to somebody."""
MAX_CHANNELS = 128
"""More than a policy lets candidates in, those included that are learned."""
MAX_WAITING = 16
"""Datagrams to one peer, while its channel is made."""
CLOSE_TIMEOUT = 0.5
FIRST_CHANNEL = 0x4000
PERHAPS_GONE = (400, 437)
"""RFC 8656 section 12.2 has the one for a channel without an allocation; coturn says the other."""

Address = tuple[str, int]


class Channel:
    def __init__(self, number: int) -> None:
        self.number = number
        self.is_bound = False
        self.renew_at = -math.inf
        self.waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self.binding: asyncio.Task[None] | None = None


class Allocation(TurnClientMixin):
    """``ended`` says why it is not there any more, when it is not."""

    transport: Any

    def __init__(self, server: ServerAddress, address: Address) -> None:
        super().__init__(address, server.username, server.credential, LIFETIME, LIFETIME)
        self.ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self.is_given_back = False
        self.denied: set[Address] = set()
        """Peers that the server has refused to send to; at most as many as there are channels."""
        self._channels: dict[Address, Channel] = {}
        self._is_full = False

    async def allocate(self) -> None:
        """Raises what the server says, or what the network does. Cancelled or not, nothing stays behind."""
        connecting = asyncio.ensure_future(self.connect())
        try:
            both: set[asyncio.Future[Any]] = {connecting, self.ended}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise self.ended.result()
            connecting.result()
        except BaseException:
            self.is_given_back = True
            await self._stopped(connecting)
            self._say_goodbye()
            self.transport.close()
            raise

    async def give_back(self) -> None:
        """Takes :data:`CLOSE_TIMEOUT` at the most; a server that is not there will forget it."""
        self.is_given_back = True
        try:
            await self._stopped()
            if not self.transport.is_closing():
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self.request_with_retry(_renewal(0))
        except Exception:
            log.debug("an allocation could not be given back", exc_info=True)
        finally:
            self.transport.abort()

    def end(self, why: Exception) -> None:
        """It is of no use any more."""
        if not self.ended.done():
            self.ended.set_result(why)
        self.transport.abort()

    async def refresh(self, time_to_expiry: int) -> None:
        """Renew it for ever; started by aioice when it is there."""
        try:
            while True:
                await asyncio.sleep(max(MIN_RENEWAL, RENEW_AT * time_to_expiry))
                response, _ = await self.request_with_retry(_renewal(self.lifetime))
                time_to_expiry = response.attributes["LIFETIME"]
        except Exception as error:
            log.debug("an allocation could not be renewed", exc_info=True)
            self.end(error)

    # What is sent

    def send_now(self, data: bytes, addr: Address) -> None:
        """To this peer, over a channel, which is made first; dropped when there is no room."""
        if self.transport.is_closing() or self._is_full:
            return
        channel = self._channels.get(addr) or self._new_channel(addr)
        if channel is None:
            return
        if channel.is_bound:
            self._send(struct.pack("!HH", channel.number, len(data)) + data)
        else:
            channel.waiting.append(data)
        if channel.binding is None and asyncio.get_running_loop().time() >= channel.renew_at:
            channel.binding = asyncio.create_task(self._bind(channel, addr))

    def _new_channel(self, addr: Address) -> Channel | None:
        if len(self._channels) == MAX_CHANNELS:
            return None
        channel = self._channels[addr] = Channel(FIRST_CHANNEL + len(self._channels))
        # aioice looks into these when something comes; the server may use the channel before it tells us.
        self.channel_to_peer[channel.number] = addr
        self.peer_to_channel[addr] = channel.number
        return channel

    async def _bind(self, channel: Channel, addr: Address) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self.channel_bind(channel.number, addr)
        except Exception as error:
            # The server does not send to this peer, or is gone: a path that carries nothing.
            log.debug("a channel could not be made", exc_info=True)
            channel.is_bound = False
            channel.renew_at = loop.time() + CHANNEL_RETRY
            channel.waiting.clear()
            if isinstance(error, TransactionFailed):
                self.denied.add(addr)
            if isinstance(error, TransactionFailed) and error.response.error_code in PERHAPS_GONE:
                await self._look_whether_it_is_there()
        else:
            channel.is_bound = True
            self.denied.discard(addr)
            channel.renew_at = loop.time() + RENEW_CHANNEL_AFTER
            while channel.waiting:
                self.send_now(channel.waiting.popleft(), addr)
        finally:
            channel.binding = None

    async def _look_whether_it_is_there(self) -> None:
        try:
            await self.request_with_retry(_renewal(self.lifetime))
        except TransactionFailed as error:
            self.end(error)
        except Exception:
            log.debug("an allocation could not be asked for", exc_info=True)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False

    # What comes

    def datagram_received(self, data: bytes | str, addr: Address) -> None:
        try:
            super().datagram_received(data, addr)
        except Exception:
            # Anybody may send anything, and aioice's parser raises more than it says.
            log.debug("a datagram could not be read", exc_info=True)

    def error_received(self, exc: Exception) -> None:
        # Others pass: a network that is away for a moment takes no allocation along.
        if isinstance(exc, ConnectionRefusedError):
            self.end(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc or ConnectionResetError("the server has closed the connection"))
        _cancel(self._working())
        super().connection_lost(exc)

    # The end

    def _working(self) -> list[asyncio.Task[Any]]:
        """What goes on by itself."""
        tasks = [self.refresh_task, *(each.binding for each in self._channels.values())]
        return [task for task in tasks if task is not None and task is not asyncio.current_task()]

    async def _stopped(self, *others: asyncio.Task[Any]) -> None:
        tasks = [*self._working(), *others]
        _cancel(tasks)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _say_goodbye(self) -> None:
        """Without waiting for an answer, to a server that may have made the allocation just now."""
        if self.integrity_key is None or self.transport.is_closing():
            return
        request = _renewal(0)
        request.attributes |= {"USERNAME": self.username, "NONCE": self.nonce, "REALM": self.realm}
        request.add_message_integrity(self.integrity_key)
        self.send_stun(request, self.server)


class UdpAllocation(Allocation, TurnClientUdpProtocol):
    """Asked for over UDP."""


class TcpAllocation(Allocation, TurnClientTcpProtocol):
    """Asked for over TCP, or over TLS; what is relayed is UDP all the same."""


class RelayTransport(asyncio.DatagramTransport):
    """An allocation as aioice expects to find a socket."""

    def __init__(self, allocation: Allocation) -> None:
        super().__init__({"sockname": allocation.relayed_address})
        self._allocation = allocation

    def sendto(self, data: Any, addr: Any = None) -> None:
        self._allocation.send_now(data, addr)

    def is_closing(self) -> bool:
        return bool(self._allocation.transport.is_closing())

    def close(self) -> None:
        self._allocation.transport.abort()

    abort = close


class RelayProtocol(StunProtocol):
    """The socket under a relayed candidate."""

    def __init__(self, receiver: Connection, allocation: Allocation) -> None:
        super().__init__(receiver)
        self.allocation = allocation
        self.connection_made(RelayTransport(allocation))
        allocation.receiver = self

    @property
    def base(self) -> str | None:
        """This machine's address that the server is spoken to from; None where the system does not say."""
        name = self.allocation.transport.get_extra_info("sockname")
        return name[0] if name else None

    async def close(self) -> None:
        """Give the allocation back; takes half a second at the most."""
        await self.allocation.give_back()
        await super().close()


def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()


def _renewal(lifetime: int) -> Message:
    return Message(Method.REFRESH, Class.REQUEST, attributes={"LIFETIME": lifetime})
