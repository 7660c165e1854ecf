import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { EventParser, HttpSocket } from "../../../../web/lib/signaling_client/sse.js";
import { httpUrl, Transports } from "../../../../web/lib/signaling_client/transports.js";

function parsed(...parts) {
  const events = [];
  const parser = new EventParser((name, data) => events.push([name, data]));
  for (const part of parts) parser.feed(part);
  return events;
}

test("events are read however they are cut", () => {
  const text = ':   \n\nevent: link\ndata: {"link":"x"}\n\n:\n\nid: e-1\ndata: [1: 2]\n\n';
  const expected = [
    ["link", '{"link":"x"}'],
    ["", "[1: 2]"],
  ];
  assert.deepEqual(parsed(text), expected);
  assert.deepEqual(parsed(...text), expected);
});

test("all ways are tried until one has worked, and then that one", () => {
  const transports = new Transports();
  assert.deepEqual(transports.attempts, ["websocket", "sse", "long-poll"]);
  transports.opened("sse");
  assert.deepEqual(transports.attempts, ["sse"]);
});

test("the other paths are where the WebSocket is", () => {
  assert.equal(httpUrl("wss://a.example/v1/ws?x=1", "/v1/sse"), "https://a.example/v1/sse");
  assert.equal(httpUrl("ws://a.example:81/under/v1/ws", "/v1/poll"), "http://a.example:81/under/v1/poll");
});

/** A server that streams `events`, and takes the second try of every frame. */
async function streaming(t, ...events) {
  const posts = [];
  const server = createServer((request, response) => {
    if (request.url === "/v1/sse") {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      for (const event of events) response.write(`${event}\n\n`);
      return;
    }
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      const number = Number(request.headers["peerlane-number"]);
      const isSecond = posts.some(([before]) => before === number);
      posts.push([number, request.headers["peerlane-link"], body]);
      response.writeHead(isSecond ? 204 : 429).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { posts, server, url: `ws://127.0.0.1:${server.address().port}/v1/ws` };
}

test("a frame is said again, under its number, until it has arrived", async (t) => {
  const { posts, url } = await streaming(t, 'event: link\ndata: {"link":"secret"}', "id: e-0\ndata: {}");
  const socket = new HttpSocket(url, false);
  const heard = new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
  await new Promise((resolve) => (socket.onopen = () => resolve(undefined)));
  assert.equal(await heard, "{}");
  const ready = new Promise((resolve) => (socket.onready = () => resolve(undefined)));
  socket.send("one");
  socket.send("two");
  assert.ok(socket.isBusy);
  await ready;
  assert.ok(!socket.isBusy);
  assert.deepEqual(posts, [
    [1, "secret", "one"],
    [1, "secret", "one"],
    [2, "secret", "two"],
    [2, "secret", "two"],
  ]);
  socket.close();
});

test("the goodbye tells the code, and a server that is gone tells none", async (t) => {
  const { server, url } = await streaming(
    t,
    'event: link\ndata: {"link":"secret"}',
    'event: close\ndata: {"code":4503,"reason":"replaced"}',
  );
  const socket = new HttpSocket(url, false);
  const closed = new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code)));
  await new Promise((resolve) => (socket.onopen = () => resolve(undefined)));
  await new Promise((resolve) => setImmediate(resolve));
  server.closeAllConnections();
  assert.ok([4503, 1006].includes(await closed));
  const another = new HttpSocket("ws://127.0.0.1:1/v1/ws", false);
  assert.equal(await new Promise((resolve) => (another.onclose = ({ code }) => resolve(code))), 1006);
});
