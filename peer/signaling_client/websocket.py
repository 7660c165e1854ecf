"""The pipe under a session: one WebSocket at a time, and one timer."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from aiohttp import WSMsgType

from peer.signaling_client.dialling import CLOSE_TIMEOUT, FAILURES, Dialler, Socket, explain
from peer.signaling_client.effects import Connect, Disconnect, Effect, Send, Tell, Told
from peer.signaling_client.nearest import Addresses
from peer.signaling_client.session import ABNORMAL_CLOSURE, Advice, Session
from signaling.protocol.codec import CLIENT_CODECS
from signaling.protocol.messages import MAX_BATCH_MESSAGES, MSGPACK_SUBPROTOCOL, Request
from signaling.protocol.parts import Capabilities

log = logging.getLogger("peer.signaling_client")

CODEC = CLIENT_CODECS[MSGPACK_SUBPROTOCOL]
MAX_WAITING_MESSAGES = 4096
"""Of one link: a server that lets more than this wait does not read, and the link is given up."""
ENDING_TIMEOUT = CLOSE_TIMEOUT + 1.0


class SignalingClient:
    """Does what a :class:`Session` asks for; ``tell`` is called with what the room has to know.

    Use it on one event loop: ``start`` it, and ``await close()`` in any case.
    """

    def __init__(
        self,
        addresses: str | Addresses,
        *,
        capabilities: Capabilities,
        tell: Callable[[Told], None],
        token: str = "",
        verify: bool | str | Path = True,
    ) -> None:
        if isinstance(addresses, str):
            addresses = Addresses([addresses])
        self.session = Session(capabilities, random.random, CODEC, token, addresses)
        self._tell = tell
        self._dialler = Dialler(token, verify)
        self._loop = asyncio.get_running_loop()
        self._link: Link | None = None
        self._ending: set[asyncio.Task[None]] = set()
        """Tasks of links, until they have ended."""
        self._effects: deque[Effect] = deque()
        self._is_performing = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def now(self) -> float:
        return self._loop.time()

    def start(self) -> None:
        self.perform(self.session.start(self.now))

    async def close(self) -> None:
        """Say bye, and wait until all is closed; takes 3 s at the most."""
        self.perform(self.session.bye())
        if self._timer is not None:
            self._timer.cancel()
        if self._ending:
            await asyncio.wait(self._ending, timeout=ENDING_TIMEOUT)
        for task in self._ending:
            task.cancel()
        if self._ending:
            await asyncio.wait(self._ending)
        await self._dialler.close()

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what the session asks for, in order, and set the timer for what it wants next."""
        self._effects.extend(effects)
        # Whoever is told something may ask for more at once; what was asked for before still goes first.
        if self._is_performing:
            return
        self._is_performing = True
        try:
            while self._effects:
                self._perform_one(self._effects.popleft())
        finally:
            self._is_performing = False
        self._set_timer()

    def _perform_one(self, effect: Effect) -> None:
        match effect:
            case Connect(url):
                self._connect(url)
            case Send(message):
                if self._link is not None and not self._link.put(message):
                    self._lost(self._link, ABNORMAL_CLOSURE, Advice(reason="the server does not read"))
            case Disconnect():
                link, self._link = self._link, None
                if link is not None:
                    link.end()
            case Tell(event):
                self._tell(event)

    def _connect(self, url: str) -> None:
        link = Link(self)
        self._link = link
        link.task = self._loop.create_task(self._run(link, url))
        self._ending.add(link.task)
        link.task.add_done_callback(self._ending.discard)

    async def _run(self, link: Link, url: str) -> None:
        """One link, from its opening to its end."""
        try:
            async with self._dialler.open(url) as socket:
                code = await link.converse(socket)
        except FAILURES as error:
            failure = explain(error, has_worked=self.session.welcome is not None)
            self._lost(link, failure.code, failure.advice)
        except Exception:
            # Ours, not the server's: say so in the log, and try again.
            log.exception("! a link failed")
            self._lost(link, ABNORMAL_CLOSURE, None)
        else:
            self._lost(link, code, None)

    def check(self) -> None:
        """Find out at once whether the server can be reached."""
        self.perform(self.session.check(self.now))

    def network_changed(self, addresses: Collection[str]) -> None:
        """This machine has these addresses now."""
        has_lost_its_own = self._link is not None and self._link.local_address not in addresses
        self.perform((self.session.moved if has_lost_its_own else self.session.check)(self.now))

    def opened(self, link: Link) -> None:
        if link is self._link:
            self.perform(self.session.link_opened())

    def received(self, link: Link, frame: bytes) -> None:
        for event in CODEC.decode(frame):
            if link is not self._link:
                return
            try:
                self.perform(self.session.receive(event, self.now))
            except Exception:
                # A server that does not keep to the protocol costs us the link, never the program.
                log.exception("! a message of the server could not be used")
                self._effects.clear()
                self._lost(link, ABNORMAL_CLOSURE, Advice(reason="a message could not be used"))

    def _lost(self, link: Link, code: int, advice: Advice | None) -> None:
        if link is self._link:
            self.perform(self.session.link_lost(self.now, code, advice))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        at = self.session.wake_at
        self._timer = None if at is None else self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self.perform(self.session.wake(self.now))


class Link:
    """One WebSocket: what waits to be written on it, and how it ends."""

    def __init__(self, client: SignalingClient) -> None:
        self.task: asyncio.Task[None] | None = None
        self._client = client
        self._socket: Socket | None = None
        self._waiting: deque[Request] = deque()
        self._news = asyncio.Event()
        self._is_ending = False

    @property
    def local_address(self) -> str:
        """Empty while it is being opened."""
        name = None if self._socket is None else self._socket.get_extra_info("sockname")
        # An IPv6 address may carry its zone.
        return str(name[0]).partition("%")[0] if name else ""

    def put(self, message: Request) -> bool:
        """Queue a message; those said together travel together. False when too many wait."""
        if len(self._waiting) >= MAX_WAITING_MESSAGES:
            return False
        self._waiting.append(message)
        self._news.set()
        return True

    def end(self) -> None:
        """Close it, after what waits."""
        self._is_ending = True
        self._news.set()
        if self._socket is None and self.task is not None:
            self.task.cancel()

    async def converse(self, socket: Socket) -> int:
        """Read and write until the link ends; returns the close code."""
        self._socket = socket
        self._client.opened(self)
        writer = asyncio.create_task(self._write(socket))
        try:
            while True:
                message = await socket.receive()
                if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                    break
                # A text frame is not ours; the codec says so.
                self._client.received(
                    self, message.data if isinstance(message.data, bytes) else message.data.encode()
                )
        finally:
            if self._is_ending:
                await asyncio.wait([writer], timeout=CLOSE_TIMEOUT)
            writer.cancel()
            await asyncio.wait([writer])
        return socket.close_code or ABNORMAL_CLOSURE

    async def _write(self, socket: Socket) -> None:
        try:
            while not self._is_ending or self._waiting:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    await socket.send_bytes(self._next_frame())
            await socket.close()
        except ConnectionError:
            pass  # the reader notices too, and ends the link

    def _next_frame(self) -> bytes:
        """As many messages as may travel in one frame, and at least one."""
        # Strictly less: a frame of exactly that size is refused.
        room = self._client.session.max_message_bytes - 4
        encoded: list[bytes] = []
        while self._waiting and len(encoded) < MAX_BATCH_MESSAGES:
            message = CODEC.encode(self._waiting[0])
            room -= len(message)
            if encoded and room <= 0:
                break
            encoded.append(message)
            self._waiting.popleft()
        return CODEC.join(encoded)
