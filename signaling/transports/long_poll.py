"""``/v1/poll``: the stream of ``/v1/sse`` in slices, for where even that does not get through.

The first request opens a link and is answered with the first slice. Each of the others names the link and the
number of the next slice; the same number again brings the same slice, so an answer may be lost on its way.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from signaling.transports.door import called, caller
from signaling.transports.event_stream import PollPipe, named_event
from signaling.transports.http_links import LINK, HttpLinks
from signaling.transports.sse import codec_of, last_of


class LongPollDoor:
    """Refuses as the door for SSE does."""

    def __init__(self, links: HttpLinks) -> None:
        self._links = links
        self._serving: set[asyncio.Task[None]] = set()

    async def poll(self, request: web.Request) -> web.Response:
        """``POST``: the first slice of a new link, or the next one of an old link."""
        links = self._links
        if LINK not in request.headers:
            return await self._open(request)
        named = links.named(request)
        if named is None:
            return links.answer(request, 400)
        part = await links.poll(*named)
        return links.answer(request, part.status, part.body)

    async def _open(self, request: web.Request) -> web.Response:
        links = self._links
        refusal = links.refusal(request)
        if refusal is not None:
            refusal.headers.update(links.headers(request))
            return refusal
        try:
            last = last_of(request)
        except ValueError:
            return web.Response(status=400, text="no event had that id", headers=links.headers(request))
        pipe = PollPipe(codec_of(request), last)
        link = links.open(pipe)
        task = asyncio.get_running_loop().create_task(self._serve(request, pipe, link))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        await pipe.write(named_event("link", {"link": link}))
        part = await pipe.ask(1)
        return links.answer(request, part.status, part.body)

    async def _serve(self, request: web.Request, pipe: PollPipe, link: str) -> None:
        links = self._links
        host, who = called(request, links.proxies) or "", caller(request, links.proxies)
        codec = codec_of(request)
        del request
        try:
            await links.host.serve(pipe, codec, host, who, "long-poll")
        finally:
            links.close(link)
            pipe.end()
