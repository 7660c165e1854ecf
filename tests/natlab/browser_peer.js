/**
 * What a page does when a test tells it, beside tests/natlab/peer_process.py: `window.actor.do_this({...})`.
 * It is put into our own page, when that is in a room of two. Times are the clock of the test, in seconds.
 */

(async () => {
  const { kindNamed } = await import("/lib/channels/kinds.js");
  const HEAD_BYTES = 12;
  const HEARD_EVERY = 0.05;
  /** What `performance.now()` is behind the clock of the test. */
  let offset = 0;
  const now = () => performance.now() / 1000 + offset;
  const { room } = window.peerlane;
  let peer = null;
  const channels = new Map();
  const arrivals = new Map();
  const senders = new Map();
  const bulk = new Map();
  const heard = [];
  const happened = [];

  room.on("peer-interrupted", () => happened.push([now(), "PeerInterrupted"]));
  room.on("peer-restored", () => happened.push([now(), "PeerRestored"]));
  room.on("interrupted", () => happened.push([now(), "Interrupted"]));
  room.on("restored", () => happened.push([now(), "Restored"]));

  function numbered(number, size) {
    const message = new Uint8Array(Math.max(size, HEAD_BYTES)).fill(46);
    const view = new DataView(message.buffer);
    view.setUint32(0, number);
    view.setFloat64(4, now());
    return message;
  }

  function note(label, message) {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const { numbers, sent, received } = arrivals.get(label);
    numbers.push(view.getUint32(0));
    sent.push(view.getFloat64(4));
    received.push(now());
  }

  /** There is sound while packets come and what they carry has energy; a browser makes up what is missing. */
  async function hear() {
    let before = { energy: 0, packets: 0 };
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * HEARD_EVERY));
      const after = { energy: 0, packets: 0 };
      (await peer.stats()).forEach((report) => {
        if (report.type !== "inbound-rtp" || report.kind !== "audio") return;
        after.energy += report.totalAudioEnergy ?? 0;
        after.packets += report.packetsReceived ?? 0;
      });
      if (after.energy > before.energy && after.packets > before.packets) heard.push(now());
      before = after;
    }
  }

  window.actor = {
    /** The test tells its own time, and gets ours. */
    do_clock: ({ set }) => {
      if (set !== undefined) offset = set;
      return performance.now() / 1000;
    },
    do_connect: async () => {
      for await (const each of room.peers()) {
        peer = each;
        await peer.waitConnected();
        break;
      }
      hear();
      return now();
    },
    do_open: async ({ label, kind }) => {
      if (channels.has(label)) return;
      const channel = peer.open(label, kindNamed(kind));
      channels.set(label, channel);
      arrivals.set(label, { numbers: [], sent: [], received: [] });
      channel.on("message", (message) => note(label, message));
    },
    do_send: async ({ label, rate, size }) => {
      const channel = channels.get(label);
      const sender = { sent: 0, timer: 0, error: null };
      const started = performance.now();
      // As many as are due: a timer of a page is no metronome.
      sender.timer = setInterval(() => {
        while (sender.sent < ((performance.now() - started) * rate) / 1000) {
          channel.send(numbered(sender.sent, size)).catch((error) => (sender.error = String(error)));
          sender.sent += 1;
        }
      }, 4);
      senders.set(label, sender);
    },
    do_stop: async ({ label }) => {
      const sender = senders.get(label);
      clearInterval(sender.timer);
      if (sender.error) throw new Error(sender.error);
      return sender.sent;
    },
    do_bulk: async ({ label, size }) => {
      bulk.set(label, null);
      const channel = channels.get(label);
      (async () => {
        for (let number = 0; number < size / 65536; number += 1) await channel.send(numbered(number, 65536));
        bulk.set(label, now());
      })();
    },
    do_bulk_sent_at: async ({ label }) => bulk.get(label),
    do_arrivals: async ({ label }) => arrivals.get(label),
    /** When the first one came that was sent after this moment; null: none has. */
    do_resumed_at: async ({ label, moment }) => {
      const { sent, received } = arrivals.get(label);
      const first = sent.findIndex((at) => at >= moment);
      return first === -1 ? null : received[first];
    },
    do_heard_at: async ({ moment }) => heard.find((at) => at >= moment) ?? null,
    do_count: async ({ label }) => arrivals.get(label).numbers.length,
    do_statistics: async ({ label }) => channels.get(label).statistics(),
    do_heard: async () => heard,
    do_happened: async () => happened,
    do_look: async () => ({
      room: room.state,
      peer: peer.state,
      statistics: await peer.statistics(),
      diagnosis: peer.diagnosis?.code ?? null,
    }),
  };
})();
