"""Tells an application's web servers what has happened: signed, in order, again until they have it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

from signaling.config import Webhook, Webhooks
from signaling.hooks import GAP, STARTED, HookQueue, Message, Mine, body, headers
from signaling.journal import Entry, Journal
from signaling.metrics import Metrics, package_version

log = logging.getLogger("signaling.webhooks")

LAST_WORDS = 3.0
"""Seconds at the end for what is still waiting."""
GONE = 410
"""The endpoint wants nothing any more, until the node starts anew or is told of it again."""


class WebhookSender:
    """Of one node. ``mine`` is what its journal calls it."""

    def __init__(
        self,
        config: Webhooks,
        journal: Journal,
        node: str,
        mine: str,
        metrics: Metrics,
        now: Callable[[], float] = time.monotonic,
        unix_now: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._journal = journal
        self._node = node
        self._mine = Mine(mine)
        self._metrics = metrics
        self._now = now
        self._unix_now = unix_now
        self._told = itertools.count(1)
        """Messages that are not in the journal."""
        self._endpoints: dict[str, _Endpoint] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._http: ClientSession | None = None

    def start(self) -> None:
        """Call it on the running loop."""
        self._journal.heard.append(self._hear)
        self.use(self._config)

    def use(self, config: Webhooks) -> None:
        """From now on these are told; who was told before goes on where it was."""
        self._config = config
        if config.endpoints and self._http is None:
            self._http = ClientSession(
                timeout=ClientTimeout(total=config.timeout),
                headers={"User-Agent": f"peerlane/{package_version()}", "Content-Type": "application/json"},
                cookie_jar=DummyCookieJar(),
            )
        wanted = {endpoint.url: endpoint for endpoint in config.endpoints}
        for url in self._endpoints.keys() - wanted.keys():
            ending = self._endpoints.pop(url).task
            ending.cancel()
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
        for url, settings in wanted.items():
            if url in self._endpoints:
                self._endpoints[url].queue.endpoint = settings
            else:
                self._endpoints[url] = self._begin(settings)

    @property
    def waiting(self) -> int:
        """Messages, in all queues."""
        return sum(len(endpoint.queue) for endpoint in self._endpoints.values())

    async def stop(self) -> None:
        """Tell what is left, for some seconds at the most."""
        end = self._now() + LAST_WORDS
        while self.waiting and self._now() < end:  # noqa: ASYNC110 # several tasks empty several queues
            await asyncio.sleep(0.05)
        if self.waiting:
            log.warning("! %d webhooks could not be delivered before the end", self.waiting)
        tasks = [*self._ending, *(endpoint.task for endpoint in self._endpoints.values())]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._http is not None:
            await self._http.close()

    # Inside

    def _begin(self, settings: Webhook) -> _Endpoint:
        queue = HookQueue(self._config, settings, random.random, self._gap)
        endpoint = _Endpoint(queue)
        started = self._message(STARTED, b"{}", f"{self._node}-started-{next(self._told)}")
        endpoint.put(started, self._now())
        endpoint.task = asyncio.get_running_loop().create_task(self._deliver(endpoint))
        return endpoint

    def _hear(self, entry: Entry) -> None:
        if not self._endpoints or not self._mine.is_told(entry):
            return
        wanting = [each for each in self._endpoints.values() if each.queue.wants(entry.type, entry.room)]
        if wanting:
            message = self._message(entry.type, entry.encoded, self._journal.id_of(entry.number))
            for endpoint in wanting:
                dropped = endpoint.put(message, self._now())
                self._metrics.webhooks["dropped"] += dropped

    def _message(self, kind: str, data: bytes, id: str) -> Message:
        return Message(f"msg_{id}", body(kind, data, self._node, self._unix_now()), self._now())

    def _gap(self, missed: int, now: float) -> Message:
        return self._message(GAP, b'{"missed":%d}' % missed, f"{self._node}-gap-{next(self._told)}")

    async def _deliver(self, endpoint: _Endpoint) -> None:
        queue = endpoint.queue
        while True:
            message = queue.next(self._now())
            if message is None:
                endpoint.news.clear()
                await endpoint.news.wait()
                continue
            status, retry_after = await self._post(message, queue.endpoint)
            if 200 <= status < 300:
                queue.told()
                self._metrics.webhooks["delivered"] += 1
                endpoint.is_failing = False
                continue
            if status == GONE:
                log.warning("! the webhook at %s wants nothing any more (410)", endpoint.host)
                queue.close()
                return
            self._metrics.webhooks["failed"] += 1
            if not endpoint.is_failing:
                endpoint.is_failing = True
                log.warning("! the webhook at %s takes nothing (%s)", endpoint.host, status or "no answer")
            before = queue.dropped
            wait = queue.failed(self._now(), retry_after)
            self._metrics.webhooks["dropped"] += queue.dropped - before
            await asyncio.sleep(wait)

    async def _post(self, message: Message, endpoint: Webhook) -> tuple[int, float]:
        """The status, 0 for none; and how long to wait, if the answer says so."""
        assert self._http is not None
        signed = headers(message, self._unix_now(), endpoint.secrets)
        try:
            # What it answers is not read. A redirect could lead to where no operator has pointed.
            async with self._http.post(
                endpoint.url, data=message.body, headers=signed, allow_redirects=False
            ) as answer:
                return answer.status, _seconds(answer.headers.get("Retry-After", ""))
        except (ClientError, TimeoutError, OSError):
            return 0, 0.0


class _Endpoint:
    """One that is told, and the task that does it."""

    task: asyncio.Task[None]

    def __init__(self, queue: HookQueue) -> None:
        self.queue = queue
        self.news = asyncio.Event()
        self.is_failing = False

    @property
    def host(self) -> str:
        """What may be in the log: the rest of an address can be secret."""
        return urlsplit(self.queue.endpoint.url).netloc

    def put(self, message: Message, now: float) -> int:
        """How many were dropped for it."""
        before = self.queue.dropped
        self.queue.put(message, now)
        self.news.set()
        return self.queue.dropped - before


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0.0
