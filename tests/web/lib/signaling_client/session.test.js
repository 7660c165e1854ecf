import assert from "node:assert/strict";
import { test } from "node:test";
import { Full } from "../../../../web/lib/errors.js";
import { encode, sizeBytes } from "../../../../web/lib/protocol.js";
import { MAX_UNCONFIRMED_REQUESTS } from "../../../../web/lib/signaling_client/numbered.js";
import { Session } from "../../../../web/lib/signaling_client/session.js";
import { seeded } from "../../random.js";
import { Client, SmallServer } from "./small_server.js";

const ROOM = "default/test";

function enter(server, now = 0) {
  const client = new Client(new Session({ capabilities: { engine: "browser" }, random: () => 0.5 }), server);
  const request = client.session.nextRequest();
  client.do(client.session.join({ type: "join", request, room: ROOM }));
  client.do(client.session.start(now));
  return client;
}

/** Move everything until nothing moves. */
function settle(now, ...clients) {
  for (let moved = true, turns = 0; moved; turns += 1) {
    assert.ok(turns < 10_000, "the clients never stop talking");
    moved = clients.some((client) => client.link?.step(now, true) || client.link?.step(now, false));
  }
}

function breakLink(client, now) {
  client.link.drop();
  client.do(client.session.linkLost(now, 1006));
}

function wake(now, ...clients) {
  for (const client of clients) if (client.session.wakeAt <= now) client.do(client.session.wake(now));
}

function pair() {
  const server = new SmallServer();
  const a = enter(server);
  const b = enter(server);
  settle(0, a, b);
  return { server, a, b, idA: a.session.you, idB: b.session.you };
}

const kinds = (client) => client.told.map((event) => event.type);

test("hello and join travel together", () => {
  const server = new SmallServer();
  const a = enter(server);
  a.link.step(0, true);
  assert.deepEqual(a.link.up.map(({ type }) => type), ["hello", "join"]);
  settle(0, a);
  assert.equal(a.session.state, "open");
  assert.deepEqual(kinds(a), ["restored", "joined"]);
});

test("a signal reaches the other once and is acknowledged", () => {
  const { a, b, idA, idB } = pair();
  a.do(a.session.signal(idB, { x: 1 }, 0));
  settle(0, a, b);
  assert.deepEqual(b.signalsFrom(idA), [{ x: 1 }]);
  assert.equal(b.session.wakeAt, 0.1);
  wake(0.1, b);
  settle(0.1, a, b);
  a.do(a.session.signal(idB, { x: 2 }, 0));
  settle(0.2, a, b);
  assert.deepEqual(b.signalsFrom(idA), [{ x: 1 }, { x: 2 }]);
});

test("a whole resume loses and doubles nothing", () => {
  const { a, b, idA, idB } = pair();
  a.do(a.session.signal(idB, 1, 0));
  breakLink(a, 1);
  a.do(a.session.signal(idB, 2, 0));
  b.do(b.session.signal(idA, "while you were away", 0));
  settle(1, b);
  wake(2, a);
  settle(2, a, b);
  assert.deepEqual(b.signalsFrom(idA), [1, 2]);
  assert.deepEqual(a.signalsFrom(idB), ["while you were away"]);
  assert.deepEqual(a.told.findLast((event) => event.type === "restored"), { type: "restored", resumed: true });
});

test("fresh TURN credentials replace the old ones, and servers without any stay", () => {
  const { a } = pair();
  a.session.welcome.ice_servers = [{ urls: ["stun:192.0.2.1"] }, { urls: ["turn:192.0.2.1"], username: "old", credential: "x" }];
  const fresh = { urls: ["turn:192.0.2.1"], username: "new", credential: "y" };
  a.do(a.session.receive({ type: "ice-servers", ice_servers: [fresh] }, 1));
  assert.deepEqual(a.session.welcome.ice_servers, [{ urls: ["stun:192.0.2.1"] }, fresh]);
  a.do(a.session.receive({ type: "ice-servers", ice_servers: null }, 1));
  assert.equal(a.session.welcome.ice_servers.length, 2);
});

test("a device on another network does not wait for its dead link, and resumes", () => {
  const { a, b, idA, idB } = pair();
  const effects = a.session.moved(1);
  assert.deepEqual(effects.map((effect) => effect.do), ["disconnect", "tell", "connect"]);
  assert.deepEqual(effects[1].event, { type: "interrupted", retryIn: 0, reason: "the network has changed" });
  a.do(effects);
  a.do(a.session.signal(idB, "from elsewhere", 1));
  settle(1, a, b);
  assert.deepEqual(b.signalsFrom(idA), ["from elsewhere"]);
  assert.equal(a.told.findLast((event) => event.type === "restored").resumed, true);
});

test("a device on another network need not wait for the back-off", () => {
  const { a } = pair();
  breakLink(a, 1);
  assert.deepEqual(a.session.moved(1.01), [{ do: "connect", url: "" }]);
  a.do(a.session.bye());
  assert.deepEqual(a.session.moved(2), []);
});

test("after a restart of the server the rooms are joined again and signals are said again", () => {
  const { server, a, b, idA, idB } = pair();
  a.do(a.session.signal(idB, 1, 0));
  server.restart();
  settle(1, a, b);
  a.do(a.session.signal(idB, 2, 0));
  wake(3, a, b);
  settle(3, a, b);
  assert.equal(a.session.you, idA);
  assert.deepEqual(b.signalsFrom(idA), [1, 2]);
  assert.equal(a.told.filter((event) => event.type === "peer-joined").length, 1, "the other never left");
});

test("who is missing after a restart is doubted first and lost after the settle time", () => {
  const { server, a, b, idB } = pair();
  a.do(a.session.signal(idB, "to nobody", 0));
  server.restart();
  b.link = null;
  settle(1, a);
  wake(3, a);
  settle(3, a);
  assert.equal(a.told.at(-2).away, true);
  assert.ok(!kinds(a).includes("peer-left"));
  wake(17.9, a);
  assert.ok(!kinds(a).includes("peer-left"));
  wake(18, a);
  assert.deepEqual(a.told.slice(-2), [
    { type: "peer-left", room: ROOM, id: idB, reason: "lost" },
    { type: "undelivered", to: idB, payloads: ["to nobody"] },
  ]);
});

test("a signal that could not be delivered keeps its number, so that later ones arrive", () => {
  const { server, a, b, idA, idB } = pair();
  a.link.up.length = 0;
  a.do(a.session.signal(idB, "lost", 0));
  server.restart();
  settle(1, a, b);
  wake(3, a);
  settle(3, a);
  wake(30, a);
  settle(30, a);
  assert.ok(kinds(a).includes("undelivered"));
  a.do(a.session.signal(idB, "later", 0));
  wake(31, b);
  settle(31, a, b);
  assert.deepEqual(b.signalsFrom(idA), ["later"]);
});

test("a new id makes everything new", () => {
  const { server, a, b, idA } = pair();
  server.restart();
  settle(1, a, b);
  a.session.welcome.ticket = "peer-9";
  wake(3, a);
  settle(3, a);
  assert.notEqual(a.session.you, idA);
  assert.ok(kinds(a).indexOf("renamed") < kinds(a).indexOf("peer-left"));
});

test("silence is asked about, and only silence after that is death", () => {
  const { a } = pair();
  assert.equal(a.session.wakeAt, 25);
  wake(25, a);
  assert.equal(a.link.up.at(-1).type, "ping");
  assert.equal(a.session.wakeAt, 35);
  wake(35, a);
  assert.equal(a.session.state, "idle");
  assert.equal(kinds(a).at(-1), "interrupted");
});

test("a timer that is very late asks once more before it gives up", () => {
  const { a, b } = pair();
  wake(25, a);
  wake(95, a);
  assert.equal(a.session.state, "open");
  settle(95.1, a, b);
  assert.equal(a.session.wakeAt, 95.1 + 25);
  wake(121, a);
  a.link.up.length = 0;
  wake(190, a);
  wake(260, a);
  assert.equal(a.session.state, "idle", "the timers of a hidden tab are late each time");
});

test("a check finds a dead link within seconds and reconnects at once", () => {
  const { a } = pair();
  a.do(a.session.check(100));
  assert.equal(a.session.wakeAt, 103);
  wake(103, a);
  assert.equal(a.session.state, "idle");
  a.do(a.session.check(103.01));
  assert.equal(a.session.state, "connecting");
});

test("advice to come back later is followed, and never means never", () => {
  const { a, b } = pair();
  a.do(a.session.receive({ type: "bye", code: 4000, come_back: "elsewhere", after: 5, reason: "draining" }, 10));
  assert.ok(a.session.wakeAt >= 15);
  b.do(b.session.receive({ type: "bye", code: 4503, come_back: "never", reason: "replaced" }, 10));
  assert.equal(b.session.state, "closed");
  assert.equal(b.told.at(-1).type, "ended");
  assert.equal(b.session.wakeAt, Infinity);
});

test("the server learns what has arrived before its memory of us is full", () => {
  const { a, b, idA } = pair();
  for (let n = 0; n < 200; n += 1) {
    b.do(b.session.signal(idA, n, 0));
    settle(1, a, b);
  }
  assert.ok(a.server.sessions.get(idA).mailbox.length <= 64 * 2);
});

const MAX_BYTES = 65_536;

test("what finds no room changes nothing", () => {
  const { a, idB } = pair();
  for (let left = MAX_UNCONFIRMED_REQUESTS - 1; left > 0; left -= 1) a.do(a.session.broadcast(ROOM, left));
  assert.throws(() => a.session.broadcast(ROOM, "one too many"), Full);
  assert.throws(() => a.session.signal(idB, "one too many", 0), Full);
  a.do(a.session.receive({ type: "pong", received: MAX_UNCONFIRMED_REQUESTS }, 0));
  const [{ message }] = a.session.signal(idB, "first", 0);
  assert.deepEqual(message, { type: "signal", to: idB, n: 1, payload: "first" });
});

test("an acknowledgement waits while too many requests wait for the server", () => {
  const { a, idB } = pair();
  for (let left = MAX_UNCONFIRMED_REQUESTS - 1; left > 0; left -= 1) a.do(a.session.broadcast(ROOM, left));
  const acks = (effects) => effects.filter(({ message }) => message?.type === "ack").length;
  assert.equal(acks(a.session.receive({ type: "signal", from: idB, n: 1, payload: 1 }, 1)), 0);
  assert.equal(acks(a.session.wake(2)), 0);
  assert.ok(a.session.wakeAt > 2, "nothing to wake for until there is room");
  a.do(a.session.receive({ type: "pong", received: MAX_UNCONFIRMED_REQUESTS }, 2));
  assert.equal(acks(a.session.wake(2)), 1);
});

test("with a new id, what waited for peers that nobody had announced is undelivered too", () => {
  const { server, a, b } = pair();
  a.do(a.session.signal("stranger", "hello?", 0));
  server.restart();
  settle(1, a, b);
  a.session.welcome.ticket = "peer-9";
  wake(3, a);
  settle(3, a);
  const undelivered = a.told.filter((event) => event.type === "undelivered");
  assert.deepEqual(undelivered, [{ type: "undelivered", to: "stranger", payloads: ["hello?"] }]);
  wake(100, a);
  assert.equal(a.told.filter((event) => event.type === "undelivered").length, 1, "and told once");
});

test("a message of exactly the limit is refused before it is counted; one byte less is sent", () => {
  const { a, idB } = pair();
  const around = sizeBytes({ type: "broadcast", room: ROOM, payload: "" });
  // Two bytes each on the wire: characters are not bytes.
  const fill = (bytes) => "é".repeat(Math.floor(bytes / 2)) + "x".repeat(bytes % 2);
  assert.throws(() => a.session.broadcast(ROOM, fill(MAX_BYTES - around)), { code: "too-large" });
  const [{ message }] = a.session.broadcast(ROOM, fill(MAX_BYTES - around - 1));
  assert.equal(sizeBytes(message), MAX_BYTES - 1);
  assert.throws(() => a.session.signal(idB, "x".repeat(MAX_BYTES), 0), { code: "too-large" });
  assert.equal(a.session.signal(idB, "first", 0)[0].message.n, 1);
});

test("what is too large to join or to change leaves the rooms as they were", () => {
  const { server, a, b } = pair();
  const name = "x".repeat(MAX_BYTES);
  assert.throws(() => a.session.join({ type: "join", request: 8, room: "default/other", name }), { code: "too-large" });
  assert.throws(() => a.session.update({ type: "update", request: 9, room: ROOM, name }), { code: "too-large" });
  server.restart();
  settle(1, a, b);
  wake(3, a);
  a.link.step(3, true);
  a.link.step(3, true);
  a.link.step(3, false);
  const joins = a.link.up.filter(({ type }) => type === "join");
  assert.deepEqual(joins.map(({ room, name: called }) => [room, called]), [[ROOM, undefined]]);
});

test("a frame of several messages stays below the limit", () => {
  const broadcast = (bytes) => {
    const around = sizeBytes({ type: "broadcast", room: ROOM, payload: "" });
    return { type: "broadcast", room: ROOM, payload: "x".repeat(bytes - around) };
  };
  // Two brackets and a comma are what the array adds.
  for (const [total, frames] of [[MAX_BYTES - 1, 1], [MAX_BYTES, 2], [MAX_BYTES + 1, 2]]) {
    const encoded = encode([broadcast(30_000), broadcast(total - 3 - 30_000)], MAX_BYTES);
    assert.equal(encoded.length, frames, `${total}`);
  }
});

test("a hostile number makes no session busy, nor lets it sleep for ever", () => {
  for (const settle of [-1, 1e999, "soon", null]) {
    const server = new SmallServer();
    const a = enter(server);
    a.link.step(0, true);
    a.link.down.length = 0;
    const welcome = { type: "welcome", you: "me", epoch: "1", resumed: false, received: 0, ticket: "t", unix_now: 0 };
    const limits = { max_message_bytes: MAX_BYTES };
    a.do(a.session.receive({ ...welcome, limits, settle, ping_interval: -1, ping_timeout: "x" }, 0));
    a.do(a.session.signal("nobody", 1, 0));
    assert.ok(Number.isFinite(a.session.wakeAt));
    a.do(a.session.receive({ type: "bye", code: 4000, come_back: "here", after: 1e300 }, 1));
    assert.ok(a.session.wakeAt < 1000);
  }
});

test("two over one server say nothing twice", () => {
  const { a, b, idA, idB } = pair();
  let now = 0;
  for (const count of [1, 40, 3, 200, 0, 1]) {
    for (let n = 0; n < count; n += 1) {
      a.do(a.session.signal(idB, n, now));
      b.do(b.session.signal(idA, n, now));
    }
    for (const until = now + 5; now < until; now += 0.05) {
      settle(now, a, b);
      wake(now, a, b);
    }
  }
  assert.deepEqual([a.signalsFrom(idB).length, b.signalsFrom(idA).length], [245, 245]);
  assert.deepEqual([a.session.resends, b.session.resends], [0, 0]);
});

for (let seed = 1; seed <= 90; seed += 1) {
  test(`signals arrive exactly once and in order, whatever breaks (${seed})`, () => {
    const chance = seeded(seed);
    const { server, a, b, idA, idB } = pair();
    let loss = [0, 0.1, 0.5][seed % 3];
    server.isLost = () => loss > 0 && chance() < loss;
    const sent = { a: 0, b: 0 };
    let now = 1;
    for (let step = 0; step < 600; step += 1) {
      now += chance() * 0.2;
      const dice = chance();
      const client = chance() < 0.5 ? a : b;
      if (dice < 0.15) {
        const isA = client === a;
        client.do(client.session.signal(isA ? idB : idA, isA ? ++sent.a : ++sent.b, now));
      } else if (dice < 0.18 && client.link) breakLink(client, now);
      else if (dice < 0.185) server.restart();
      else if (dice < 0.2) client.do(client.session.check(now));
      else client.link?.step(now, chance() < 0.5);
      wake(now, a, b);
    }
    loss = 0;
    for (let turn = 0; turn < 800; turn += 1) {
      now += 0.1;
      wake(now, a, b);
      settle(now, a, b);
    }
    const upTo = (count) => Array.from({ length: count }, (_, index) => index + 1);
    assert.equal(a.session.you, idA);
    assert.deepEqual(b.signalsFrom(idA), upTo(sent.a));
    assert.deepEqual(a.signalsFrom(idB), upTo(sent.b));
    assert.ok(![...a.told, ...b.told].some((event) => event.type === "undelivered"));
  });
}
