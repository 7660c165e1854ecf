/**
 * What a page does when a test tells it, beside tests/natlab/nat/meeting_process.py: `window.actor.do_this({...})`.
 * Times are the clock of the test, in seconds.
 */

(async () => {
  const { RELIABLE } = await import("/lib/channels/kinds.js");
  const { join } = await import("/lib/room.js");
  const SETTLE = 3;
  /** What `performance.now()` is behind the clock of the test. */
  let offset = 0;
  const now = () => performance.now() / 1000 + offset;

  /** Browsers take the first path that works, and leave it for a better one. */
  async function settled(peer) {
    const until = now() + SETTLE;
    for (;;) {
      const { route, protocol } = await peer.statistics();
      if ((route !== null && route !== "relayed") || now() > until) return { path: route ?? "", protocol };
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function talk(room, found) {
    for await (const peer of room.peers()) {
      found.offers = room.me < peer.id;
      const channel = peer.open("hello", RELIABLE);
      await channel.send("hello");
      const messages = channel[Symbol.asyncIterator]();
      await messages.next();
      found.first_at = now();
      found.first_path = (await peer.statistics()).route ?? "";
      Object.assign(found, await settled(peer));
      await channel.send("goodbye");
      // Who leaves first would take the other's words along.
      await messages.next();
      return;
    }
  }

  window.actor = {
    /** The test tells its own time, and gets ours. */
    do_clock: ({ set }) => {
      if (set !== undefined) offset = set;
      return performance.now() / 1000;
    },
    do_ready: async () => null,
    /** Join, say hello to the first one there, and wait for theirs. */
    do_meet: async ({ url, room, within }) => {
      const found = { joined_at: null, first_at: null, path: "", protocol: "", offers: null, why: "" };
      const joined = await join(url, room);
      found.joined_at = now();
      const limit = new Promise((resolve) => setTimeout(() => resolve("no message came in time"), 1000 * within));
      try {
        found.why = (await Promise.race([talk(joined, found), limit])) ?? "";
      } catch (error) {
        found.why = String(error);
      } finally {
        joined.close();
      }
      return found;
    },
  };
})();
