"""The one loop: link → hub → effects → links. The only reader of the clocks."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from signaling.answers import DrainState
from signaling.auth import Verified
from signaling.authority import Authority
from signaling.backplane.base import Backplane
from signaling.backplane.buses import make_backplane
from signaling.bus import Bus
from signaling.cluster.offered import offered
from signaling.cluster.words import ALONE, Beat, ForLink, FromLink, NodeId
from signaling.config import Config
from signaling.effects import Deliver, DeliverAll, Effect, Replay, Tell
from signaling.gate import Gate
from signaling.grants import Grants
from signaling.hub.hub import Hub
from signaling.hub.tickets import Tickets, subject_digest
from signaling.journal import Journal
from signaling.leaving import Leaving
from signaling.limits import TokenBucket, Turned
from signaling.metrics import LinkResult, Metrics, Transport, package_version
from signaling.orders import Orders
from signaling.outbox import Outbox
from signaling.performer import Performer
from signaling.pressure import Pressure
from signaling.protocol.codec import Malformed
from signaling.protocol.errors import (
    BAD_TOKEN,
    BAD_WORDS,
    DRAINING,
    FAULT,
    HINTS,
    NO_HELLO,
    ErrorCode,
)
from signaling.protocol.ids import PEER_ID_BYTES, peer_id_from
from signaling.protocol.messages import (
    Authenticate,
    Degraded,
    Hello,
    Join,
    Joined,
    Nodes,
    Ping,
    Pong,
    Refused,
    Request,
    Welcome,
    Word,
)
from signaling.protocol.parts import IceServer, NodeAddress
from signaling.stun_names import other_stun, own_stun
from signaling.traced_performer import TracedPerformer
from signaling.tracing import OFF, Span, Tracer, make_tracer
from signaling.transports.foreign import ForeignCodec
from signaling.transports.link import Caller, Link, LinkCodec, Pipe
from signaling.webhooks import WebhookSender

log = logging.getLogger("signaling.node")

WordT = TypeVar("WordT", bound=Word)

# How often the loop looks for deadlines and measures its own lateness.
TICK = 0.25
NOTICED = frozenset({Join, Authenticate, Ping})
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
    Without an ``authority`` or ``tracer`` there is one that knows the configuration. Raises UnusableKeys.
    """

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        ticket_key: bytes,
        authority: Authority | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.config = config
        self.metrics = metrics
        self.id = NodeId(secrets.token_urlsafe(6))
        """Made anew with each start."""
        self._made_at = self._now()
        self._authority = authority or Authority(config)
        cluster = config.cluster
        backplane = make_backplane(cluster.backplane, cluster.prefix) if cluster.backplane else None
        epoch = secrets.token_urlsafe(9)
        alone = ALONE if backplane is None else self.id
        self._tickets = Tickets(ticket_key, _former_keys(config))
        limits = config.limits
        journal = Journal(self.id, limits.feed_events, limits.feed_bytes, time.time)
        self.hub = Hub(config, self._tickets, epoch, secrets.token_bytes, alone, journal)
        self.bus = None if backplane is None else self._bus(backplane)
        if backplane is not None:
            backplane.figures.on_rtt = metrics.bus_rtt.observe
        self.pressure = Pressure(limits.memory_bytes)
        self.gate = Gate(limits, metrics, self.pressure)
        self._count_costs()
        self.tracer = tracer or make_tracer(config.tracing, self.id)
        said = (self.hub, metrics, limits.total_queued_bytes // 2, self._now, self.bus)
        self._performer = Performer(*said) if self.tracer is OFF else TracedPerformer(self.tracer, *said)
        self._links = self._performer.links
        self.orders = Orders(self.hub, self._performer, self.bus, self._now)
        """What an administrator wants done."""
        self._drain: asyncio.Task[None] | None = None
        self._leaving = Leaving(config, self.hub, self._performer, self.bus, self._now)
        self._webhooks = WebhookSender(config.webhooks, journal, self.id, alone, metrics, self._now)
        metrics.webhooks_waiting = lambda: self._webhooks.waiting
        self.stun_port: int | None = None
        """Of the embedded STUN responder, named in every welcome."""
        self.stun_alternates: list[str] = []
        """Its other addresses, if it has any."""
        self._offered = self._offer()
        """Of :meth:`nodes`, what clients are told."""
        self._told_degraded = self.degraded
        self._known: frozenset[NodeId] = frozenset()
        """Which other nodes the journal has told of."""
        self._bus_was_there = False
        self._clockwork: asyncio.Task[None] | None = None
        metrics.watch(
            sessions=lambda: len(self.hub.sessions),
            rooms=lambda: self.hub.room_count,
            queue_bytes=lambda: self.hub.kept_bytes + self._performer.queued_bytes(),
            turn_credentials=lambda: self.hub.turn.made,
            pressure=self.pressure,
            largest_queue=self._performer.largest_outbox,
            leaving=lambda: len(self._links) if self.draining else 0,
            bus=None if self.bus is None else self.bus.state,
        )

    def renewed_authority(self, config: Config) -> Authority:
        """What would judge tokens by this configuration. Raises UnusableKeys; reads files."""
        return self._authority.renewed(config)

    def use(self, config: Config, ticket_key: bytes, authority: Authority) -> None:
        """From now on this configuration holds, as far as it may change while the server runs."""
        self.config = config
        self._authority = authority
        self.gate.use(config.limits)
        self.hub.use(config)
        self._leaving.use(config)
        self._webhooks.use(config.webhooks)
        self._tickets.use(ticket_key, _former_keys(config))
        self._count_costs()

    def _count_costs(self) -> None:
        limits = self.config.limits
        # What a byte takes of the tokens for messages.
        self._byte_cost = limits.messages_per_second / limits.bytes_per_second
        # A join takes as many tokens as messages may come in its time.
        self._join_cost = max(0.0, limits.messages_per_second / limits.joins_per_second - 1.0)

    def start(self) -> None:
        """Start the clock; call it on the running loop."""
        self._clockwork = asyncio.get_running_loop().create_task(self._keep_time())
        self._webhooks.start()
        if self.bus is not None:
            self.bus.start()

    async def stop(self) -> None:
        """Say goodbye to all, then stop the clock. Takes a few seconds at the most."""
        await self.drain()
        if self.bus is not None:
            await self.bus.stop()
        await self._webhooks.stop()
        if self._clockwork is not None:
            self._clockwork.cancel()
            await asyncio.wait([self._clockwork])
            self._clockwork = None
        await self.tracer.close()

    @property
    def draining(self) -> bool:
        """Whether this server takes nobody in any more, because it leaves."""
        return self.gate.draining

    @property
    def degraded(self) -> bool:
        """Whether the bus is away: the rooms of this node go on, those at other nodes are out of reach."""
        return self.bus is not None and not self.bus.is_there

    def why_not_ready(self) -> str | None:
        """``draining``, ``full``, ``short of …``, or None when new clients are welcome."""
        if self.draining:
            return "draining"
        if len(self.hub.sessions) >= self.config.limits.max_sessions:
            return "full"
        if self.pressure.shortage is not None:
            return f"short of {self.pressure.shortage}"
        return None

    @property
    def uptime(self) -> float:
        """Seconds since it was made."""
        return self._now() - self._made_at

    def nodes(self) -> list[NodeAddress]:
        """All that clients may go to; none where they use one address in front of the nodes."""
        cluster = self.config.cluster
        if not cluster.public_url:
            return []
        here = NodeAddress(cluster.public_url, cluster.region, cluster.weight, self.id, self.draining)
        living = [] if self.bus is None else self.bus.nodes.living
        beats = [(node.id, node.beat) for node in living if node.beat.url]
        return [here, *(NodeAddress(b.url, b.region, b.weight, id, b.is_draining) for id, b in beats)]

    def nodes_changed(self) -> None:
        """Tell all clients where else they may go, and whether this node is degraded, if that is news."""
        self._note_nodes()
        before, self._offered = self._offered, self._offer()
        was_degraded, self._told_degraded = self._told_degraded, self.degraded
        links = [link for link in self._links if link.session is not None]
        if self._offered != before and links:
            self._performer.perform([DeliverAll(links, Nodes(self._offered))])
        if self.degraded != was_degraded and links:
            self._performer.perform([DeliverAll(links, Degraded(self.degraded))])

    def _note_nodes(self) -> None:
        if self.bus is None:
            return
        journal = self.hub.journal
        if self.bus.is_there != self._bus_was_there:
            self._bus_was_there = self.bus.is_there
            journal.bus_changed(self.bus.is_there)
        living = {NodeId(node.id): node.beat.region for node in self.bus.nodes.living}
        for lost in self._known - living.keys():
            journal.node_lost(lost)
        for seen in living.keys() - self._known:
            journal.node_seen(seen, living[seen])
        self._known = frozenset(living)

    def _offer(self) -> list[NodeAddress]:
        return offered(self.id, self.config.cluster.region, self.nodes())

    def why_not(self, address: str) -> Turned | None:
        """Why a new link from this address must wait; None when it may come in."""
        return self.gate.why_not(address, self._now())

    def why_not_judged(self, address: str) -> Turned | None:
        """Why no token from this address is looked at now; None when one is."""
        return self.gate.why_not_judged(address, self._now())

    def count_bad_token(self, address: str) -> None:
        """After too many of them nobody at this address is let in for a while."""
        self.gate.count_bad_token(address, self._now())

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

    def seal(self, text: str) -> str:
        """Signed, as every node with the same ticket key would."""
        return self._tickets.seal(text)

    def is_sealed(self, text: str, seal: str) -> bool:
        """Whether one of them has signed this."""
        return self._tickets.is_sealed(text, seal)

    async def ask_node(self, node: NodeId, word: ForLink) -> FromLink:
        """Pass on a request of a client whose link another node has."""
        return FromLink(0, 410) if self.bus is None else await self.bus.ask_link(node, word)

    def answer_node(self, node: NodeId, word: FromLink) -> None:
        """Tell the node that has passed a request on."""
        self._performer.perform([Tell((node,), word)])

    async def serve(
        self,
        pipe: Pipe,
        codec: LinkCodec,
        host: str,
        who: Caller = NOBODY,
        transport: Transport = "websocket",
    ) -> None:
        """Speak with one client until its link ends. Raises nothing for what the client does."""
        link = self._link(pipe, codec)
        if isinstance(codec, ForeignCodec):
            codec.use(link, lambda requests: self._hear(link, requests, self._now()))
        self._links.add(link)
        self.gate.opened(who.address)
        self.metrics.links[transport] += 1
        self.metrics.links_opened["accepted"] += 1
        if self.draining:
            # It was upgraded while the others were told.
            self._performer.close(link, DRAINING)
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
            self._performer.cut_off(link, FAULT)
        finally:
            session, link.session = link.session, None
            if session is not None:
                self._performer.perform(self.hub.link_lost(session, link, self._now()))
            await link.finish()
            self._links.discard(link)
            self.gate.closed(who.address)
            self.metrics.links[transport] -= 1

    async def drain(self) -> None:
        """Take nobody in, tell all that this server leaves, and wait until another node has them."""
        drain = self.begin_drain()
        if not drain.done():
            # Whoever is cancelled here, as the last one who has time, ends the drain with that.
            await drain

    def begin_drain(self) -> asyncio.Task[None]:
        """The same, without waiting. It begins only once; :meth:`stop` waits for its end."""
        if self._drain is None:
            self.gate.draining = self.metrics.draining = True
            self.hub.journal.draining()
            if self.bus is not None:
                self.bus.say_beat()
            self._drain = asyncio.get_running_loop().create_task(self._leave())
        return self._drain

    def drain_state(self) -> DrainState:
        """How far the drain is."""
        links, sessions = len(self._links), len(self.hub.sessions)
        others = 0 if self.bus is None else len(self.bus.nodes.living)
        if self._drain is None:
            return DrainState("serving", links, sessions, others)
        return DrainState("left" if self._drain.done() else "leaving", links, sessions, others)

    async def _leave(self) -> None:
        began = self._now()
        await self._leaving.leave()
        self.metrics.drain_time.observe(self._now() - began)

    async def _greet(self, link: Link, host: str, who: Caller) -> None:
        """Wait for hello and open the session; what came with it in one frame is heard too."""
        try:
            async with asyncio.timeout(self.config.session.hello_timeout):
                frame = await link.pipe.receive()
        except TimeoutError:
            self._performer.close(link, NO_HELLO)
            return
        if frame is None or link.closing:
            return
        hello, *more = link.codec.decode(frame)
        if not isinstance(hello, Hello):
            code = hello.code if isinstance(hello, Malformed) else ErrorCode.HELLO_FIRST
            refusal = Refused(code, HINTS[code])
            self._performer.say(link, refusal, link.codec.encode(refusal))
            self._performer.close(link, BAD_WORDS)
            return
        with self.tracer.span("hello") as span:
            await self._welcome(link, hello, host, who, span)
        self._hear(link, more, self._now())

    async def _welcome(self, link: Link, hello: Hello, host: str, who: Caller, span: Span) -> None:
        """A session on this link, or last words."""
        token = hello.token or who.bearer
        verified = await self.judge(token, who)
        unix_now = time.time()
        claimed = self.hub.claimed(hello, unix_now)
        if hello.resume is not None and not claimed:
            self.gate.count_bad_ticket(who.address, self._now())
        if isinstance(verified, str) or not self._authority.spent.may_use(verified.token_id, claimed):
            self.count_bad_token(who.address)
            self.metrics.auth["refused"] += 1
            span.set_attribute("peerlane.outcome", "bad-token")
            self._performer.close(link, BAD_TOKEN)
            return
        self.metrics.auth["accepted" if token else "guest"] += 1
        if self.bus is not None:
            hello = await self._fetch(self.bus, hello, verified.grants, unix_now)
        session, effects = self.hub.open(link, hello, self._now(), unix_now, verified.grants)
        if session is not None and verified.token_id:
            ends = (verified.grants.expires or 0.0) + self.config.auth.leeway
            self._authority.spent.use(verified.token_id, session.id, ends, unix_now)
        link.session = session
        for welcome in _said(effects, Welcome):
            welcome.ice_servers = [*welcome.ice_servers, *self._own_stun(host)]
            welcome.node, welcome.region, welcome.nodes = self.id, self.config.cluster.region, self._offered
            welcome.degraded = self.degraded
            if hello.resume is not None:
                has_missed = any(isinstance(each, Replay) and each.messages for each in effects)
                self.metrics.resumed_whole += welcome.resumed and not has_missed
                self.metrics.resumed_with_messages += welcome.resumed and has_missed
                self.metrics.resumed_fresh += not welcome.resumed
        span.set_attribute("peerlane.outcome", _outcome(hello, effects))
        self._performer.perform(effects)

    async def _fetch(self, bus: Bus, hello: Hello, grants: Grants, unix_now: float) -> Hello:
        """The same hello, once the session that it claims is here, if another node had it."""
        claim = self.hub.claim_elsewhere(hello, unix_now)
        if claim is None or hello.resume is None or claim.subject != subject_digest(grants.subject):
            return hello
        asked_at = self._now()
        with self.tracer.span("handover") as span:
            outcome = await bus.fetch(claim, hello.resume, grants)
            span.set_attribute("peerlane.outcome", outcome)
        self.metrics.handover_time.observe(self._now() - asked_at)
        self.metrics.bus.handovers[outcome] += 1
        if outcome == "whole":
            resume = msgspec.structs.replace(hello.resume, epoch=self.hub.epoch)
            return msgspec.structs.replace(hello, resume=resume)
        if outcome == "spent" or self.hub.is_elsewhere(claim):
            return msgspec.structs.replace(hello, resume=None)
        return hello

    def _bus(self, backplane: Backplane) -> Bus:
        return Bus(
            self.config.cluster,
            self.id,
            backplane,
            self.hub,
            perform=lambda effects: self._performer.perform(effects),
            beat=self._beat,
            changed=self.nodes_changed,
            now=self._now,
            counts=self.metrics.bus,
        )

    def _beat(self) -> Beat:
        cluster = self.config.cluster
        return Beat(
            cluster.region,
            cluster.public_url,
            cluster.weight,
            self.draining,
            len(self.hub.sessions),
            self.hub.room_count,
            package_version(),
        )

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
            self._performer.perform(
                self.hub.authenticated(session, message.request, grants, now, time.time())
            )
        link.renewals = []

    def _link(self, pipe: Pipe, codec: LinkCodec) -> Link:
        limits = self.config.limits
        outbox = Outbox(limits.outbox_messages, limits.outbox_bytes)
        bucket = TokenBucket(limits.messages_per_second, limits.messages_burst)
        return Link(pipe, codec, outbox, bucket)

    def _hear_frame(self, link: Link, frame: bytes) -> float:
        """How long to wait before this link is read again."""
        messages = link.codec.decode(frame)
        now = self._now()
        wait = link.bucket.take(now, max(len(messages), len(frame) * self._byte_cost))
        self._hear(link, messages, now)
        if link.pause > 0.0:
            wait, link.pause = max(wait, link.pause), 0.0
        return wait

    def _hear(self, link: Link, messages: Sequence[Request | Malformed], now: float) -> None:
        count, receive, perform = self.metrics.messages_in, self.hub.receive, self._performer.perform
        for message in messages:
            session = link.session
            if session is None:
                return
            kind = type(message)
            count[kind] += 1
            effects = receive(session, message, now)
            if kind in NOTICED:
                self._notice(link, message, effects, now)
            perform(effects)

    def _notice(
        self, link: Link, message: Request | Malformed, effects: Iterable[Effect], now: float
    ) -> None:
        """What concerns the link, or needs a clock, besides the hub."""
        if isinstance(message, Join):
            link.bucket.take(now, self._join_cost)
            self._performer.asked(link, message)
            self.metrics.joins += any(_said(effects, Joined))
        elif isinstance(message, Authenticate):
            link.renewals = [*link.renewals, message]
        else:
            for pong in _said(effects, Pong):
                pong.unix_now = time.time()

    async def _keep_time(self) -> None:
        lag = self.metrics.loop_lag
        while True:
            before = self._now()
            await asyncio.sleep(TICK)
            now = self._now()
            lag.observe(max(0.0, now - before - TICK))
            try:
                if self.hub.wake_at is not None and self.hub.wake_at <= now:
                    self._performer.perform(self.hub.wake(now, time.time()))
                if self.bus is not None:
                    self.bus.look()
                self._performer.relieve(self.pressure)
            except Exception:
                # Without a clock nobody would be pinged or given up any more.
                log.exception("! the clock failed")

    def _own_stun(self, host: str) -> list[IceServer]:
        return own_stun(host, self.stun_port) if self.config.ice.advertise_stun else []

    @staticmethod
    def _now() -> float:
        return time.monotonic()


def _former_keys(config: Config) -> list[bytes]:
    return [key.encode() for key in config.server.former_ticket_keys]


def _outcome(hello: Hello, effects: list[Effect]) -> str:
    """What became of a hello, in a word."""
    welcome = next(_said(effects, Welcome), None)
    if welcome is None:
        return "closed"
    return "new" if hello.resume is None else "resumed" if welcome.resumed else "fresh"


def _said(effects: Iterable[Effect], kind: type[WordT]) -> Iterator[WordT]:
    """The messages of one kind that go to a single link."""
    for effect in effects:
        if isinstance(effect, Deliver) and isinstance(effect.message, kind):
            yield effect.message
