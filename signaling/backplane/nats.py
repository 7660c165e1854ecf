"""NATS as the bus: core subjects, without JetStream."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from signaling.backplane.base import MAX_BODY_BYTES
from signaling.backplane.frames import MARK_BYTES
from signaling.backplane.line import Line, LineLost, Orders, Saying, abort, heed_cancelling
from signaling.backplane.reconnecting import ReconnectingBackplane
from signaling.cluster.bus_urls import BusAddress

CONNECT_TIMEOUT = 2
CLOSE_TIMEOUT = 1.0
PENDING_BYTES = 256 * 1024
"""What nats-py gathers before publishing waits for the socket."""
MAX_ECHOES = 1000
SUBSCRIBE_AT_ONCE = 500
NO_RESPONDERS = "503"
ASK_AGAIN_AFTER = 0.5
"""Longer than what is subscribed to at one server takes to be known at the others."""


class NatsBackplane(ReconnectingBackplane):
    """One NATS 2.2 or newer, or several that know each other."""

    def __init__(self, address: BusAddress, prefix: str) -> None:
        super().__init__()
        self._address = address
        self._prefix = prefix
        self._nats_line: NatsLine | None = None

    async def open(self, subject: str, question: bytes) -> bool:
        """As any backplane; but among several servers, False may be wrong for a moment.

        Two nodes at two servers may both be told that they are alone. So the question is asked once more.
        """
        is_heard = await super().open(subject, question)
        if not is_heard and self._nats_line is not None and self._nats_line.has_neighbours:
            asyncio.get_running_loop().call_later(ASK_AGAIN_AFTER, self._ask_again, subject, question)
        return is_heard

    def _new_line(self) -> Line:
        self._nats_line = NatsLine(self._address, f"{self._prefix}.line.{token_hex(8)}", self._hear)
        return self._nats_line

    def _ask_again(self, subject: str, question: bytes) -> None:
        if self.listens_to(subject):
            self.publish(subject, question)


class NatsLine(Line):
    """The connection for everything, to which the server does not echo, and one that only sends beats back.

    A question carries a subject for replies, at which the server says at once that nobody listens. That
    it has *not* said so is known when something which was sent afterwards has come back: a beat.
    """

    def __init__(self, address: BusAddress, name: str, hear: Callable[[str, bytes], None]) -> None:
        self._address = address
        self._hear = hear
        self._main, self._mirror = Client(), Client()
        self._begun: list[Client] = []
        """Those that have to be closed."""
        self._beats = f"{name}.beats"
        self._returns = f"{name}.returns"
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_dialled = False
        self._refusal: Exception | None = None
        """Why the last server could not be dialled."""
        self._orders = Orders()
        self._subscriptions: dict[str, Subscription] = {}
        self._echoes: asyncio.Queue[bytes] = asyncio.Queue(MAX_ECHOES)
        self._no_queue: asyncio.Queue[Msg] = asyncio.Queue()
        self._number = 0
        self._is_mirroring = asyncio.Event()
        self._asked: dict[int, asyncio.Future[bool]] = {}
        self._backs: dict[int, Callable[[], None]] = {}
        self._inlet = _Inlet(self._message)

    @property
    def has_neighbours(self) -> bool:
        """There are other servers, which hear a moment later of what is subscribed to here."""
        return self._address.is_cluster or bool(self._main.discovered_servers)

    async def dial(self) -> None:
        await self._connect(self._main, no_echo=True)
        if self._main.max_payload < MAX_BODY_BYTES + MARK_BYTES:
            raise LineLost(f"max_payload of the NATS server is below {MAX_BODY_BYTES + MARK_BYTES} bytes")
        await self._connect(self._mirror, no_echo=False)
        await self._main.subscribe(f"{self._returns}.*", future=_Inlet(self._returned))
        await self._mirror.subscribe(self._beats, future=_Inlet(self._beat_is_at_the_mirror))
        # Beats come over the other connection, and are not to be there before this.
        await self._mirror.publish(self._beats, b"0")
        await self._is_mirroring.wait()
        self._is_dialled = True

    async def serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._carry_out_orders())
            tasks.create_task(self._send_back())
            tasks.create_task(self._wait_for_the_end())

    async def write(self, batch: Sequence[Saying]) -> None:
        asked: list[int] = []
        for saying in batch:
            reply = ""
            if saying.answer is not None:
                asked.append(self._next_number())
                self._asked[asked[-1]] = saying.answer
                reply = f"{self._returns}.{asked[-1]}"
            await self._main.publish(saying.subject, saying.frame, reply=reply)
            heed_cancelling()
        if asked:
            await self._main.publish(*self.beat(lambda: self._settle(asked))[:2])

    def listen(self, subjects: Sequence[str]) -> asyncio.Future[None]:
        return self._orders.listen(subjects)

    def ignore(self, subject: str) -> None:
        self._orders.ignore(subject)

    def beat(self, back: Callable[[], None]) -> Saying:
        number = self._next_number()
        self._backs[number] = back
        return Saying(self._beats, str(number).encode())

    async def cut(self) -> None:
        for client in self._begun:
            # nats-py would write first what still waits; it has no public way not to.
            abort(_writer(client))
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await client.close()
            except (OSError, NatsError):
                pass  # that it had ended is why we are here

    async def _connect(self, client: Client, no_echo: bool) -> None:
        self._begun.append(client)
        try:
            await self._connect_to_any(client, no_echo)
        except NatsError as error:
            # That there is no server left says less than what the last one has said.
            raise self._refusal or error from None
        self._over_tls(client, "")

    async def _connect_to_any(self, client: Client, no_echo: bool) -> None:
        address, secret = self._address, self._address.secret

        def told(text: str) -> Callable[[], str] | None:
            # Asked for when the server is known: nats-py does without TLS where a server does not want it.
            return (lambda: self._over_tls(client, text)) if text else None

        await client.connect(
            [f"{address.scheme}://{_bracketed(host)}:{port}" for host, port in address.hosts],
            error_cb=self._on_error,
            closed_cb=self._on_end,
            disconnected_cb=self._on_end,
            allow_reconnect=False,
            connect_timeout=CONNECT_TIMEOUT,
            # Each server is tried again once, and then it is for the caller to wait.
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            no_echo=no_echo,
            pending_size=PENDING_BYTES,
            tls=_trust(address) if address.is_tls else None,
            user=told(secret.user) if secret.password else None,
            password=told(secret.password),
            token=None if secret.password else told(secret.user),
        )

    def _over_tls(self, client: Client, text: str) -> str:
        writer = _writer(client)
        if self._address.is_tls and (writer is None or writer.get_extra_info("ssl_object") is None):
            raise LineLost("the NATS server has no TLS, and tls:// asks for it")
        return text

    async def _carry_out_orders(self) -> None:
        while True:
            for order in await self._orders.take(SUBSCRIBE_AT_ONCE):
                known = self._subscriptions.get(order.subject)
                if order.listen and known is None:
                    made = await self._main.subscribe(order.subject, future=self._inlet)
                    heed_cancelling()
                    # With an inlet it stays empty, and would take 3 KiB of memory for each room.
                    made._pending_queue = self._no_queue
                    self._subscriptions[order.subject] = made
                elif not order.listen and known is not None:
                    del self._subscriptions[order.subject]
                    await known.unsubscribe()
                    heed_cancelling()
                if order.placed is not None and not order.placed.done():
                    order.placed.set_result(None)
            await asyncio.sleep(0)

    async def _send_back(self) -> None:
        while True:
            number = await self._echoes.get()
            await self._mirror.publish(f"{self._returns}.{number.decode()}", b"")
            heed_cancelling()

    async def _wait_for_the_end(self) -> None:
        await asyncio.shield(self._over)

    def _message(self, message: Msg) -> None:
        self._hear(message.subject, message.data)

    def _beat_is_at_the_mirror(self, message: Msg) -> None:
        self._is_mirroring.set()
        if message.data.isdigit() and not self._echoes.full():
            self._echoes.put_nowait(message.data)

    def _returned(self, message: Msg) -> None:
        """A beat, or the server's word that nobody has heard a question."""
        text = message.subject.rpartition(".")[2]
        number = int(text) if text.isdecimal() and len(text) < 20 else 0
        if message.headers and message.headers.get("Status") == NO_RESPONDERS:
            answer = self._asked.pop(number, None)
            if answer is not None and not answer.done():
                answer.set_result(False)
        elif (back := self._backs.pop(number, None)) is not None:
            back()

    def _settle(self, asked: Sequence[int]) -> None:
        """Of these the server would have said by now that nobody has heard them."""
        for number in asked:
            answer = self._asked.pop(number, None)
            if answer is not None and not answer.done():
                answer.set_result(True)

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    async def _on_error(self, error: Exception) -> None:
        self._refusal = error
        self._end(error)

    async def _on_end(self) -> None:
        self._end(LineLost("the server has closed the connection"))

    def _end(self, error: Exception) -> None:
        if self._is_dialled and not self._over.done():
            self._over.set_exception(error)
            self._over.exception()  # it may come while nobody waits for it


class _Inlet(asyncio.Future[Msg]):
    """Takes every message at once, as nats-py hands the one reply to a request to a future.

    Its subscriptions with a callback have a task and a queue each: much for a hundred thousand rooms, and
    messages of two rooms may overtake each other there.
    """

    def __init__(self, take: Callable[[Msg], None]) -> None:
        super().__init__()
        self._take = take

    def set_result(self, message: Msg) -> None:
        self._take(message)


def _writer(client: Client) -> asyncio.StreamWriter | None:
    found: Any = getattr(getattr(client, "_transport", None), "_io_writer", None)
    return found if isinstance(found, asyncio.StreamWriter) else None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _trust(address: BusAddress) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.ca or None)
    if address.cert:
        context.load_cert_chain(address.cert, address.key or None)
    return context
