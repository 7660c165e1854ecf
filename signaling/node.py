"""The one loop: link → hub → effects → links. The only reader of the clocks.

``perform`` never waits: nobody steps in between two effects, so what one message causes reaches
every outbox in order.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from signaling.auth import Verified
from signaling.authority import Authority
from signaling.config import Config
from signaling.effects import Deliver, DeliverAll, Effect, Replay, Slow
from signaling.gate import Gate
from signaling.hub.hub import Hub
from signaling.hub.tickets import Tickets
from signaling.limits import TokenBucket, Turned, largest
from signaling.metrics import LinkResult, Metrics
from signaling.outbox import Outbox
from signaling.pressure import Pressure, give_back_memory
from signaling.protocol.codec import Codec, Malformed
from signaling.protocol.errors import (
    BAD_TOKEN,
    BAD_WORDS,
    DRAINING,
    FAULT,
    HINTS,
    NO_HELLO,
    SLOW,
    CloseReason,
    ErrorCode,
)
from signaling.protocol.ids import PEER_ID_BYTES, RoomName, peer_id_from
from signaling.protocol.messages import (
    Authenticate,
    Bye,
    Hello,
    IceServer,
    Join,
    Joined,
    Ping,
    Pong,
    Refused,
    Request,
    Welcome,
    Word,
)
from signaling.stun_names import other_stun, own_stun
from signaling.transports.link import Caller, Link, Pipe

log = logging.getLogger("signaling.node")

WordT = TypeVar("WordT", bound=Word)

# How often the loop looks for deadlines and measures its own lateness.
TICK = 0.25
# Seconds; it goes through the whole heap.
GIVE_BACK_INTERVAL = 1.0
# Seconds between two frames of a link while memory is short: what is read must be kept somewhere.
SHORT_OF_MEMORY_PAUSE = 0.1
NOBODY = Caller()


class ToldServers(NamedTuple):
    """What a client without a link is told, and which of it are TURN servers with fresh credentials."""

    all: list[IceServer]
    made: list[IceServer]


class Node:
    """One server process: its hub, its links and its time.

    ``ticket_key`` has at least 32 bytes and is the same on every node and after every restart.
    Without an ``authority`` there is one that knows the configuration. Raises UnusableKeys.
    """

    def __init__(
        self, config: Config, metrics: Metrics, ticket_key: bytes, authority: Authority | None = None
    ) -> None:
        self.config = config
        self.metrics = metrics
        self._authority = authority or Authority(config)
        self.hub = Hub(config, Tickets(ticket_key), secrets.token_urlsafe(9), secrets.token_bytes)
        limits = config.limits
        self.pressure = Pressure(limits.memory_bytes)
        self.gate = Gate(limits, metrics, self.pressure)
        # A join takes as many tokens as messages may come in its time.
        self._most_queued = limits.total_queued_bytes
        self._join_cost = max(0.0, limits.messages_per_second / limits.joins_per_second - 1.0)
        self._links: set[Link] = set()
        self._effects: deque[Effect] = deque()
        self._performing = False
        self._give_back_at = 0.0
        self._queued_at_most = 0
        """Bytes in all outboxes: counted now and then, and added to with each message since."""
        self.stun_port: int | None = None
        """Of the embedded STUN responder, named in every welcome."""
        self.stun_alternates: list[str] = []
        """Its other addresses, if it has any."""
        self._clockwork: asyncio.Task[None] | None = None
        metrics.watch(
            sessions=lambda: len(self.hub.sessions),
            rooms=lambda: self.hub.room_count,
            queue_bytes=lambda: self.hub.kept_bytes + self._queued_bytes(),
            turn_credentials=lambda: self.hub.turn.made,
            pressure=self.pressure,
        )

    def start(self) -> None:
        """Start the clock; call it on the running loop."""
        self._clockwork = asyncio.get_running_loop().create_task(self._keep_time())

    async def stop(self) -> None:
        """Say goodbye to all, then stop the clock. Takes a few seconds at the most."""
        await self.drain()
        if self._clockwork is not None:
            self._clockwork.cancel()
            await asyncio.wait([self._clockwork])
            self._clockwork = None

    @property
    def draining(self) -> bool:
        """Whether this server takes nobody in any more, because it leaves."""
        return self.gate.draining

    def why_not(self, address: str) -> Turned | None:
        """Why a new link from this address must wait; None when it may come in."""
        return self.gate.why_not(address, self._now())

    def why_not_judged(self, address: str) -> Turned | None:
        """Why no token from this address is looked at now; None when one is."""
        return self.gate.why_not_judged(address, self._now())

    def count_bad_token(self, address: str) -> None:
        """After too many of them nobody at this address is let in for a while."""
        self.gate.count_bad_token(address, self._now())

    def close_room(self, name: RoomName) -> bool:
        """Throw everybody out; False when there is no such room."""
        room = self.hub.rooms.get(name)
        if room is None:
            return False
        for peer in list(room.members):
            self.throw_out(name, peer, 0.0, "the room was closed")
        return True

    def throw_out(self, name: RoomName, peer: str, ban: float, reason: str) -> bool:
        """By an administrator; False when nobody of that id is there."""
        effects = self.hub.throw_out(name, peer, ban, reason, self._now())
        self.perform(effects or [])
        return effects is not None

    def expel(self, peer: str) -> bool:
        """End a session for good; False when there is none of that id."""
        effects = self.hub.expel(peer)
        self.perform(effects or [])
        return effects is not None

    def ice_servers(self, address: str, host: str, region: str | None) -> ToldServers | Turned:
        """What a client that has no link gathers from, for a new name; why it must wait, otherwise."""
        turned = self.gate.why_no_credentials(address, self._now())
        if turned is not None:
            return turned
        user = peer_id_from(secrets.token_bytes(PEER_ID_BYTES))
        made = self.hub.turn.servers(user, time.time(), region)
        own = self._own_stun(host)
        other = other_stun(host, self.stun_port, self.stun_alternates) if own else []
        return ToldServers([*self.config.ice.servers, *made, *own, *other], made)

    def use_turn_secrets(self, secret_file: str, secrets: list[str]) -> None:
        """A file with secrets of a TURN server has been read, for the first time or again."""
        self.hub.use_turn_secrets(secret_file, secrets)

    def count_refusal(self, result: LinkResult) -> None:
        """The door refused a link by itself."""
        self.metrics.links_opened[result] += 1

    async def judge(self, token: str, who: Caller) -> Verified | str:
        """What this token grants somebody, or why nothing."""
        return await self._authority.judge(token, who.address, who.origin)

    async def serve(self, pipe: Pipe, codec: Codec[Request], host: str, who: Caller = NOBODY) -> None:
        """Speak with one client until its link ends. Raises nothing for what the client does."""
        link = self._link(pipe, codec)
        self._links.add(link)
        self.gate.opened(who.address)
        self.metrics.links["websocket"] += 1
        self.metrics.links_opened["accepted"] += 1
        if self.draining:
            # It was upgraded while the others were told.
            self._close(link, DRAINING)
        try:
            await self._greet(link, host, who)
            while not link.closing and (frame := await pipe.receive()) is not None:
                wait = self._hear_frame(link, frame)
                # The next may be long in coming; thousands of links wait for theirs.
                del frame
                if link.renewals:
                    await self._renew(link, who)
                if self.pressure.shortage == "memory":
                    wait = max(wait, SHORT_OF_MEMORY_PAUSE)
                if wait > 0.0:
                    self.metrics.throttled += 1
                    await asyncio.sleep(wait)
        except Exception:
            # Ours, not the client's: say so in the log, and let the client come back.
            log.exception("! a link failed")
            self._cut_off(link, FAULT)
        finally:
            session, link.session = link.session, None
            if session is not None:
                self.perform(self.hub.link_lost(session, link, self._now()))
            await link.finish()
            self._links.discard(link)
            self.gate.closed(who.address)
            self.metrics.links["websocket"] -= 1

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what the rules ask for, without waiting.

        An effect may cause others, as when a link proves too slow. They come after all that were
        asked for before: both ends of a session count messages, so their order must be the hub's.
        """
        self._effects.extend(effects)
        if self._performing:
            return
        self._performing = True
        try:
            while self._effects or self._holds_too_much():
                if not self._effects:
                    self._shed(self._most_queued)
                    continue
                effect = self._effects.popleft()
                try:
                    self._perform_one(effect)
                except Exception:
                    # Whoever was not told must not go on counting as if nothing had been said.
                    log.exception("! an effect failed")
                    for link in effect.links if isinstance(effect, DeliverAll) else [effect.link]:
                        self._cut_off(link, FAULT)
        finally:
            self._performing = False

    def _perform_one(self, effect: Effect) -> None:
        if isinstance(effect, Deliver):
            self._say(effect.link, effect.message, effect.link.codec.encode(effect.message))
        elif isinstance(effect, DeliverAll):
            self._say_to_all(effect.links, effect.message)
        elif isinstance(effect, Replay):
            encode = effect.link.codec.encode
            effect.link.put_replay([encode(message) for message in effect.messages])
        elif isinstance(effect, Slow):
            effect.link.pause = max(effect.link.pause, effect.wait)
        else:
            self._close(effect.link, effect.reason)

    async def drain(self) -> None:
        """Take nobody in, tell all that this server leaves, and wait until they have heard it."""
        self.gate.draining = self.metrics.draining = True
        for link in list(self._links):
            self._close(link, DRAINING)
        finishing = [asyncio.ensure_future(link.finish()) for link in self._links]
        if finishing:
            await asyncio.wait(finishing)

    async def _greet(self, link: Link, host: str, who: Caller) -> None:
        """Wait for hello and open the session; what came with it in one frame is heard too."""
        try:
            async with asyncio.timeout(self.config.session.hello_timeout):
                frame = await link.pipe.receive()
        except TimeoutError:
            self._close(link, NO_HELLO)
            return
        if frame is None or link.closing:
            return
        hello, *more = link.codec.decode(frame)
        if not isinstance(hello, Hello):
            code = hello.code if isinstance(hello, Malformed) else ErrorCode.HELLO_FIRST
            refusal = Refused(code, HINTS[code])
            self._say(link, refusal, link.codec.encode(refusal))
            self._close(link, BAD_WORDS)
            return
        verified = await self.judge(hello.token or who.bearer, who)
        unix_now = time.time()
        claimed = self.hub.claimed(hello, unix_now)
        if hello.resume is not None and not claimed:
            self.gate.count_bad_ticket(who.address, self._now())
        if isinstance(verified, str) or not self._authority.spent.may_use(verified.token_id, claimed):
            self.count_bad_token(who.address)
            self._close(link, BAD_TOKEN)
            return
        session, effects = self.hub.open(link, hello, self._now(), unix_now, verified.grants)
        if session is not None and verified.token_id:
            ends = (verified.grants.expires or 0.0) + self.config.auth.leeway
            self._authority.spent.use(verified.token_id, session.id, ends, unix_now)
        link.session = session
        for welcome in _said(effects, Welcome):
            welcome.ice_servers = [*welcome.ice_servers, *self._own_stun(host)]
            if hello.resume is not None:
                self.metrics.resumed_whole += welcome.resumed
                self.metrics.resumed_fresh += not welcome.resumed
        self.perform(effects)
        self._hear(link, more)

    async def _renew(self, link: Link, who: Caller) -> None:
        """The tokens that this link has brought; what else it says waits for the verdict."""
        for message in link.renewals:
            verified = await self.judge(message.token, who)
            session, now = link.session, self._now()
            if session is None:
                break
            is_good = isinstance(verified, Verified) and self._authority.spent.may_use(
                verified.token_id, session.id
            )
            grants = verified.grants if isinstance(verified, Verified) and is_good else None
            if isinstance(verified, Verified) and grants is not None and verified.token_id:
                ends = (grants.expires or 0.0) + self.config.auth.leeway
                self._authority.spent.use(verified.token_id, session.id, ends, time.time())
            self.perform(self.hub.authenticated(session, message.request, grants, now, time.time()))
        link.renewals = []

    def _link(self, pipe: Pipe, codec: Codec[Request]) -> Link:
        limits = self.config.limits
        outbox = Outbox(limits.outbox_messages, limits.outbox_bytes)
        bytes_bucket = TokenBucket(limits.bytes_per_second, limits.bytes_burst)
        bucket = TokenBucket(limits.messages_per_second, limits.messages_burst)
        return Link(pipe, codec, outbox, bucket, bytes_bucket)

    def _hear_frame(self, link: Link, frame: bytes) -> float:
        """How long to wait before this link is read again."""
        messages = link.codec.decode(frame)
        now = self._now()
        wait = max(link.bucket.take(now, len(messages)), link.bytes_bucket.take(now, len(frame)))
        self._hear(link, messages)
        wait, link.pause = max(wait, link.pause), 0.0
        return wait

    def _hear(self, link: Link, messages: list[Request | Malformed]) -> None:
        count, now = self.metrics.messages_in, self._now()
        for message in messages:
            session = link.session
            if session is None:
                return
            count[type(message)] += 1
            effects = self.hub.receive(session, message, now)
            if isinstance(message, Join):
                link.bucket.take(now, self._join_cost)
                self.metrics.joins += any(_said(effects, Joined))
            elif isinstance(message, Authenticate):
                link.renewals = [*link.renewals, message]
            elif isinstance(message, Ping):
                for pong in _said(effects, Pong):
                    pong.unix_now = time.time()
            self.perform(effects)

    def _say(self, link: Link, message: Word, encoded: bytes) -> None:
        self.metrics.messages_out[type(message)] += 1
        if isinstance(message, Refused):
            self.metrics.refused[message.code] += 1
        self._queued_at_most += len(encoded)
        if not link.put(encoded):
            self._cut_off(link, SLOW)

    def _say_to_all(self, links: list[Link], message: Word) -> None:
        written: dict[str, bytes] = {}
        for link in links:
            codec = link.codec
            encoded = written.get(codec.subprotocol)
            if encoded is None:
                encoded = written[codec.subprotocol] = codec.encode(message)
            self._say(link, message, encoded)

    def _cut_off(self, link: Link, reason: CloseReason) -> None:
        """Close a link on our own account; its session waits for the next one."""
        session, link.session = link.session, None
        self._close(link, reason)
        if session is not None:
            self.perform(self.hub.link_lost(session, link, self._now()))

    def _close(self, link: Link, reason: CloseReason) -> None:
        if link.closing:
            return
        self.metrics.closed[reason.name] += 1
        bye = Bye(reason.code, reason.text, reason.come_back, reason.after)
        link.close(reason, link.codec.encode(bye))

    async def _keep_time(self) -> None:
        lag = self.metrics.loop_lag
        while True:
            before = self._now()
            await asyncio.sleep(TICK)
            now = self._now()
            lag.observe(max(0.0, now - before - TICK))
            try:
                if self.hub.wake_at is not None and self.hub.wake_at <= now:
                    self.perform(self.hub.wake(now, time.time()))
                self._relieve()
            except Exception:
                # Without a clock nobody would be pinged or given up any more.
                log.exception("! the clock failed")

    def _relieve(self) -> None:
        """While memory is short, halve what waits in queues, again and again."""
        self.pressure.look()
        if self.pressure.shortage == "memory":
            self._shed((self._queued_bytes() + self.hub.kept_bytes) // 2)
            if self._now() >= self._give_back_at:
                give_back_memory()
                self._give_back_at = self._now() + GIVE_BACK_INTERVAL

    def _holds_too_much(self) -> bool:
        if self._queued_at_most + self.hub.kept_bytes <= self._most_queued:
            return False
        self._queued_at_most = self._queued_bytes()
        return self._queued_at_most + self.hub.kept_bytes > self._most_queued

    def _shed(self, limit: int) -> None:
        """Keep all queues together under a limit: the largest mailboxes give way, then the largest outboxes.

        Without a mailbox a session goes on, and only its next resume starts afresh; without what was in
        its outbox it cannot, so that link ends.
        """
        # A margin, or the next message would count everything again.
        goal = limit - limit // 10
        if self._queued_bytes() + self.hub.kept_bytes <= limit:
            return
        kept = [(session.mailbox.bytes, session) for session in self.hub.sessions.values()]
        for session in largest(kept, self._queued_bytes() + self.hub.kept_bytes - goal):
            self.metrics.shed += 1
            self.hub.forget_mailbox(session)
        queued = [(link.outbox.bytes, link) for link in self._links]
        for link in largest(queued, self._queued_bytes() + self.hub.kept_bytes - goal):
            self.metrics.shed += 1
            link.outbox.clear()
            self._cut_off(link, SLOW)

    def _queued_bytes(self) -> int:
        return sum(link.outbox.bytes for link in self._links)

    def _own_stun(self, host: str) -> list[IceServer]:
        return own_stun(host, self.stun_port) if self.config.ice.advertise_stun else []

    @staticmethod
    def _now() -> float:
        return time.monotonic()


def _said(effects: Iterable[Effect], kind: type[WordT]) -> Iterator[WordT]:
    """The messages of one kind that go to a single link."""
    for effect in effects:
        if isinstance(effect, Deliver) and isinstance(effect.message, kind):
            yield effect.message
