"""gRPC, as others speak it: code generated from the .proto, and Connect for Web in a real browser."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from grpc_tools import protoc

from tests import needs
from tests.doors.conftest import OpenBundle
from tests.doors.sides import HERE, NODE, scenario
from tests.end_to_end.conftest import ServerProcess, StartServer, until

ROOT = HERE.parents[1]
PROTO = ROOT / "signaling" / "protocol" / "proto" / "peerlane" / "v1"
CLIENT = "grpcio, generated"
WEB_CLIENT = "@connectrpc/connect-web 2.2.0"
ADMIN = "a" * 32

pytestmark = pytest.mark.end_to_end


def test_what_is_kept_of_the_proto_is_what_protoc_makes_of_it() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "protos"), "--check"], check=False)
    assert done.returncode == 0


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What protoc makes of the .proto for a program of somebody else."""
    out = tmp_path_factory.mktemp("generated")
    command = ["protoc", f"-I{PROTO}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
    assert protoc.main([*command, f"--python_out={out}", f"--grpc_python_out={out}", "signaling.proto"]) == 0
    return out


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def grpc_port() -> int:
    return free_port()


@pytest.fixture
def server(start_server: StartServer, grpc_port: int) -> ServerProcess:
    return start_server(PEERLANE_SERVER_GRPC_PORT=str(grpc_port), PEERLANE_SERVER_ADMIN_TOKENS=ADMIN)


def play(name: str, folder: Path, server: ServerProcess, port: int) -> None:
    program = str(HERE / "clients" / "grpc_client.py")
    done = subprocess.run(
        [sys.executable, program, str(folder), str(server.port), str(port), name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        # Away from what we have made of the same .proto.
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr + server.log[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"done": name}


@scenario(CLIENT, "signals both ways with a native member")
def test_signals_both_ways(generated: Path, server: ServerProcess, grpc_port: int) -> None:
    play("signals", generated, server, grpc_port)


@scenario(CLIENT, "a call that was cut is resumed")
def test_a_call_that_was_cut_is_resumed(generated: Path, server: ServerProcess, grpc_port: int) -> None:
    play("resume", generated, server, grpc_port)


@scenario(CLIENT, "Watch, and the admin calls")
def test_watch_and_the_admin_calls(generated: Path, server: ServerProcess, grpc_port: int) -> None:
    play("admin", generated, server, grpc_port)


@scenario(CLIENT, "status codes, error details, deadlines")
def test_errors_have_codes_and_details(generated: Path, server: ServerProcess, grpc_port: int) -> None:
    play("errors", generated, server, grpc_port)


@scenario(CLIENT, "health and reflection")
def test_health_and_reflection(generated: Path, server: ServerProcess, grpc_port: int) -> None:
    play("services", generated, server, grpc_port)


@scenario(CLIENT, "a drain")
def test_a_drain_ends_calls_with_unavailable(generated: Path, server: ServerProcess, grpc_port: int) -> None:
    play("drain", generated, server, grpc_port)


PAGE = """
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { Signaling } from "GENERATED";

const text = new TextDecoder();
window.told = [];
window.enter = async (port, room) => {
  const transport = createGrpcWebTransport({ baseUrl: `http://localhost:${port}` });
  const client = createClient(Signaling, transport);
  let link = "";
  const say = (request) => client.say({ link, requests: [{ request }] });
  for await (const { response } of client.listen({ hello: {} })) {
    if (response.case === "link") {
      link = response.value;
      await say({ case: "join", value: { request: 1n, room, name: "a page" } });
    } else {
      const { event } = response.value;
      window.told.push(event.case);
      if (event.case === "signal") {
        window.heard = text.decode(event.value.payload);
        await say({ case: "signal", value: { to: event.value.sender, n: 1n, payload: event.value.payload } });
      }
    }
  }
};
"""


@pytest.mark.needs("chromium-headless-shell")
@scenario(WEB_CLIENT, "a page and a native member signal each other")
async def test_a_page_over_grpc_web(
    start_server: StartServer, page_server: TestServer, open_bundle: OpenBundle, tmp_path: Path
) -> None:
    plugin = HERE / "node_modules" / "@bufbuild" / "protoc-gen-es" / "bin" / "protoc-gen-es"
    run = tmp_path / "protoc-gen-es"
    run.write_text(f'#!/bin/sh\nexec "{NODE}" "{plugin}" "$@"\n')
    run.chmod(0o755)
    include = Path(protoc.__file__).parent / "_proto"
    command = [
        "protoc",
        f"-I{PROTO}",
        f"-I{include}",
        f"--plugin=protoc-gen-es={run}",
        f"--es_out={tmp_path}",
    ]
    assert protoc.main([*command, "--es_opt=target=js", "signaling.proto"]) == 0
    origin = str(page_server.make_url("")).rstrip("/")
    server = start_server(PEERLANE_DOORS_OPEN="grpc-web", PEERLANE_SERVER_ORIGINS=origin)
    page = await open_bundle(PAGE.replace("GENERATED", str(tmp_path / "signaling_pb.js")))
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{server.url}/v1/ws") as native:
        await native.send_json([{"type": "hello"}, {"type": "join", "request": 1, "room": "garden"}])
        await page.evaluate(f"void enter({server.port}, 'garden')")
        peer = (await hear(native, "peer-joined"))["peer"]
        assert peer["name"] == "a page"
        await native.send_json({"type": "signal", "to": peer["id"], "n": 1, "payload": {"to": "and fro"}})
        assert (await hear(native, "signal"))["payload"] == {"to": "and fro"}
    await until(page, "told.includes('peerLeft') || told.includes('peerUpdated')")
    assert json.loads(await page.evaluate("heard")) == {"to": "and fro"}


async def hear(link: aiohttp.ClientWebSocketResponse[bool], kind: str) -> dict[str, Any]:
    while True:
        message = await link.receive_json(timeout=10)
        for each in message if isinstance(message, list) else [message]:
            if each["type"] == kind:
                return dict(each)


@scenario(WEB_CLIENT, "hostile frames beside a witness")
async def test_hostile_frames_end_nothing_for_others(start_server: StartServer) -> None:
    server = start_server(PEERLANE_DOORS_OPEN="grpc-web")
    headers = {"Content-Type": "application/grpc-web+proto"}
    hostile = [
        b"",
        b"\x00",
        b"\x00\xff\xff\xff\xff",
        b"\x80\x00\x00\x00\x00",
        b"\xff" * 5_000,
        b"\x00" * 200_000,
    ]
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{server.url}/v1/ws") as witness:
        await witness.send_json({"type": "hello"})
        await hear(witness, "welcome")
        for method in ("Listen", "Say", "Connect", "Watch"):
            for body in hostile:
                url = f"{server.url}/peerlane.v1.Signaling/{method}"
                async with http.post(url, data=body, headers=headers) as answer:
                    assert answer.status == 200
                    assert b"grpc-status: " in await answer.read()
        await witness.send_json({"type": "ping", "received": 0})
        await hear(witness, "pong")


NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream peerlane {{ server 127.0.0.1:{port}; }}
    server {{ listen 127.0.0.1:{front} http2; {documented} }}
}}
"""


@pytest.mark.needs("nginx")
@scenario(CLIENT, "through nginx, as documented")
def test_through_nginx_as_documented(
    generated: Path, server: ServerProcess, grpc_port: int, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "grpc.md").read_text()
    documented = page.split("```nginx\n")[1].split("```")[0]
    front = free_port()
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        NGINX.format(folder=tmp_path, port=grpc_port, front=front, documented=documented)
    )
    with subprocess.Popen([needs.program("nginx"), "-c", str(configuration)]) as nginx:
        try:
            for name in ("signals", "resume", "errors", "drain"):
                play(name, generated, server, front)
        finally:
            nginx.terminate()
            nginx.wait(20)
