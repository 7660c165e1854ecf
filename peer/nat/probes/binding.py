"""For how long a silent mapping lets answers through (RFC 5780 section 4.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from peer.nat.endpoints import port_of
from peer.nat.observations import Family, LifetimeTest
from peer.nat.stun_codec import binding_request, packed, read_answer, response_port
from peer.nat.stun_socket import Address, StunSocket, stun_socket

SENDS = 3
SEND_EVERY = 0.5


async def probe_lifetime(
    asked: Address, steps: Sequence[float], tell: Callable[[float], None]
) -> LifetimeTest | None:
    """A mapping of its own for each step, all made at once; ``tell`` gets the seconds that have passed.

    Takes as long as the longest step, or until a mapping has gone. None: the server does not answer, or
    cannot be told where to (RESPONSE-PORT). Never raises.
    """
    loop = asyncio.get_running_loop()
    family: Family = 6 if ":" in asked[0] else 4
    try:
        async with AsyncExitStack() as stack:
            mapped: list[tuple[StunSocket, int]] = []
            for _ in (0.0, *steps):
                silent = await stack.enter_async_context(stun_socket(asked))
                answer = await silent.ask(binding_request(), asked)
                if answer is None or not answer.mapped:
                    return None
                mapped.append((silent, port_of(answer.mapped)))
            began = loop.time()
            if not await _is_alive(asked, *mapped[0]):
                return None
            alive_after = 0.0
            for step, (silent, port) in zip(steps, mapped[1:], strict=True):
                while (passed := loop.time() - began) < step:
                    tell(passed)
                    await asyncio.sleep(min(1.0, step - passed))
                if not await _is_alive(asked, silent, port):
                    return LifetimeTest(family=family, alive_after=alive_after, gone_after=step)
                alive_after = step
    except OSError:
        return None
    return LifetimeTest(family=family, alive_after=alive_after)


async def _is_alive(asked: Address, silent: StunSocket, port: int) -> bool:
    """Whether an answer that another socket has asked for arrives at this one."""
    async with stun_socket(asked) as asking:
        request = binding_request()
        for _ in range(SENDS):
            asking.send(packed(request, [response_port(port)]), asked)
            try:
                async with asyncio.timeout(SEND_EVERY):
                    while True:
                        data, source = await silent.plain.get()
                        answer = read_answer(data)
                        is_ours = answer is not None and answer.transaction_id == request.transaction_id
                        if is_ours and source == asked:
                            return True
            except TimeoutError:
                continue
    return False
