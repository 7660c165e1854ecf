"""A program that knows nothing of ours but the .proto.

``grpc_client.py FOLDER HTTP-PORT GRPC-PORT SCENARIO``: the folder has what protoc has made. It ends with 0
when all was as it should be.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable
from typing import Any

sys.path.insert(0, sys.argv[1])

import aiohttp
import grpc
import signaling_pb2 as words
import signaling_pb2_grpc as stubs
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

HTTP_PORT, GRPC_PORT, SCENARIO = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
ADMIN = (("authorization", f"Bearer {'a' * 32}"),)
TIMEOUT = 10.0


class Link:
    """One call of Connect."""

    def __init__(self, stub: Any) -> None:
        self.call = stub.Connect()
        self.welcome: Any = None

    async def open(self, resume: Any = None) -> Link:
        await self.say(hello=words.Hello(resume=resume))
        self.welcome = await self.hear("welcome")
        return self

    async def say(self, **request: Any) -> None:
        await self.call.write(words.ConnectRequest(**request))

    async def hear(self, kind: str) -> Any:
        async with asyncio.timeout(TIMEOUT):
            while True:
                event = await self.call.read()
                assert event is not grpc.aio.EOF, await self.call.details()
                if event.WhichOneof("event") == kind:
                    return getattr(event, kind)

    async def join(self, room: str) -> Any:
        await self.say(join=words.Join(request=1, room=room, name="over gRPC"))
        return await self.hear("joined")


async def hear(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    while True:
        message = await socket.receive_json(timeout=TIMEOUT)
        for each in message if isinstance(message, list) else [message]:
            if each["type"] == kind:
                return dict(each)


async def signals(channel: grpc.aio.Channel) -> None:
    """Both ways, with somebody who speaks the native protocol over a WebSocket."""
    link = await Link(stubs.SignalingStub(channel)).open()
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"ws://localhost:{HTTP_PORT}/v1/ws") as native,
    ):
        await native.send_json({"type": "hello"})
        me = (await hear(native, "welcome"))["you"]
        await native.send_json({"type": "join", "request": 1, "room": "garden", "metadata": {"level": 3}})
        await hear(native, "joined")
        joined = await link.join("garden")
        assert [peer.id for peer in joined.peers if peer.id != link.welcome.you] == [me]
        assert joined.peers[0].metadata["level"] == 3
        assert (await hear(native, "peer-joined"))["peer"]["name"] == "over gRPC"
        await link.say(signal=words.Signal(to=me, n=1, payload=b'{"hello": [1, 2]}'))
        told = await hear(native, "signal")
        assert (told["from"] if "from" in told else told["sender"]) == link.welcome.you
        assert told["payload"] == {"hello": [1, 2]}
        await native.send_json({"type": "signal", "to": link.welcome.you, "n": 1, "payload": "back"})
        answer = await link.hear("signal")
        assert (answer.sender, answer.n, answer.payload) == (me, 1, b'"back"')


async def resume(channel: grpc.aio.Channel) -> None:
    """What was said while a link was away comes on the next one."""
    stub = stubs.SignalingStub(channel)
    link, other = await Link(stub).open(), await Link(stub).open()
    await link.join("garden")
    await other.join("garden")
    await link.hear("peer_joined")
    link.call.cancel()
    await other.say(signal=words.Signal(to=link.welcome.you, n=1, payload=b"1"))
    ticket, epoch = link.welcome.ticket, link.welcome.epoch
    again = await Link(stub).open(words.Resume(ticket=ticket, epoch=epoch, received=2))
    assert again.welcome.resumed
    assert (await again.hear("signal")).payload == b"1"


async def admin(channel: grpc.aio.Channel) -> None:
    """Watch, and the calls of those who look after a server."""
    stub, signaling = stubs.AdminStub(channel), stubs.SignalingStub(channel)
    watching = signaling.Watch(words.WatchRequest(types=["member-joined"]), metadata=ADMIN)
    await asyncio.sleep(0.2)
    link = await Link(signaling).open()
    await link.join("garden")
    async with asyncio.timeout(TIMEOUT):
        while (event := await watching.read()).WhichOneof("event") != "member_joined":
            pass
    assert event.resume_token
    rooms = await stub.ListRooms(words.ListRoomsRequest(), metadata=ADMIN, timeout=TIMEOUT)
    assert [room.room for room in rooms.rooms] == ["default/garden"]
    order = words.BroadcastToRoomRequest(room="garden", payload=b'"to all"')
    await stub.Broadcast(order, metadata=ADMIN, timeout=TIMEOUT)
    assert (await link.hear("broadcast")).payload == b'"to all"'
    kick = words.KickMemberRequest(room="garden", id=link.welcome.you, reason="enough")
    await stub.Kick(kick, metadata=ADMIN, timeout=TIMEOUT)
    assert (await link.hear("kicked")).reason == "enough"


async def errors(channel: grpc.aio.Channel) -> None:
    """Status codes, and what standard details say about them."""
    stub = stubs.AdminStub(channel)
    error = await failure(stub.ListRooms(words.ListRoomsRequest(), timeout=TIMEOUT))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(error).details[0].Unpack(info)
    assert (info.reason, info.domain) == ("BAD_TOKEN", "peerlane")
    asked = words.GetRoomRequest(room="a/b/c")
    error = await failure(stub.GetRoom(asked, metadata=ADMIN, timeout=TIMEOUT))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    wrong = error_details_pb2.BadRequest()
    assert any(each.Unpack(wrong) for each in rpc_status.from_call(error).details)
    assert wrong.field_violations[0].field == "room"
    watching = stubs.SignalingStub(channel).Watch(words.WatchRequest(), metadata=ADMIN, timeout=0.5)
    error = await failure(read_all(watching))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    link = Link(stubs.SignalingStub(channel))
    await link.say(join=words.Join(request=1, room="garden"))
    error = await failure(read_all(link.call))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error.details()


async def failure(call: Awaitable[Any]) -> grpc.aio.AioRpcError:
    """What the call ends with."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("it went well")


async def read_all(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def services(channel: grpc.aio.Channel) -> None:
    """Health and reflection."""
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "peerlane.v1.Signaling"):
        async with asyncio.timeout(TIMEOUT):
            while True:
                told = await health.Check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT)
                if told.status == health_pb2.HealthCheckResponse.SERVING:
                    break
                await asyncio.sleep(0.1)
    reflection = reflection_pb2_grpc.ServerReflectionStub(channel)

    async def ask() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    async for answer in reflection.ServerReflectionInfo(ask(), timeout=TIMEOUT):
        names = {service.name for service in answer.list_services_response.service}
        assert {"peerlane.v1.Signaling", "peerlane.v1.Admin", "grpc.health.v1.Health"} <= names
        return


async def drain(channel: grpc.aio.Channel) -> None:
    """A server that leaves says so, and when to come back."""
    link = await Link(stubs.SignalingStub(channel)).open()
    await stubs.AdminStub(channel).Drain(words.DrainRequest(), metadata=ADMIN, timeout=TIMEOUT)
    goodbye = await link.hear("bye")
    assert goodbye.reason
    assert await link.call.code() is grpc.StatusCode.UNAVAILABLE


async def main() -> None:
    async with grpc.aio.insecure_channel(f"localhost:{GRPC_PORT}") as channel:
        await globals()[SCENARIO](channel)
    sys.stdout.write(json.dumps({"done": SCENARIO}))


asyncio.run(main())
