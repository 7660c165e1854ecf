/** What the dashboard says, in words. */

/** @typedef {import("./rooms.js").FeedEvent} FeedEvent */
/**
 * @typedef {object} Statistics as GET /v1/admin/stats tells them
 * @property {string} node
 * @property {string} region
 * @property {string} version
 * @property {number} at
 * @property {number} uptime
 * @property {string} ready
 * @property {boolean} degraded
 * @property {number} links
 * @property {number} sessions
 * @property {number} rooms
 * @property {number} feed_readers
 * @property {number} joins_total
 * @property {number} messages_in_total
 * @property {number} messages_out_total
 * @property {number} refused_total
 * @property {number} throttled_total
 * @property {number} shed_total
 * @property {number} slow_closed_total
 * @property {number} stalls_total
 * @property {number} queue_bytes
 * @property {number} queue_bytes_limit
 * @property {number} largest_queue_bytes
 * @property {number} memory_share
 * @property {{ state: "serving" | "leaving" | "left", links: number, sessions: number, nodes: number }} drain
 * @property {{ id: string, region: string, url: string, version: string, sessions: number, rooms: number, draining: boolean }[]} nodes
 */

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** @param {number} value */
export const counted = (value) => number.format(value);

/** @param {number} value */
export const perSecond = (value) => `${(value < 100 ? small : number).format(value)}/s`;

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${number.format(bytes)} B`;
  if (bytes < 1_048_576) return `${small.format(bytes / 1024)} KiB`;
  return `${small.format(bytes / 1_048_576)} MiB`;
}

/** @param {number} seconds */
export function duration(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

/** @param {number} count @param {string} one @param {string} many */
const some = (count, one, many) => `${counted(count)} ${count === 1 ? one : many}`;

/** How the node is, in a sentence or two. @param {Statistics} told */
export function stateOf(told) {
  const { drain } = told;
  if (drain.state === "leaving") {
    const where = drain.nodes > 0 ? `${some(drain.nodes, "other node takes", "other nodes take")} them` : "there is no other node";
    return `This node leaves: ${some(drain.links, "link", "links")} to go, ${where}.`;
  }
  if (drain.state === "left") return "This node has left: everybody has been told, and its process may be ended.";
  const bus = told.degraded ? " Its bus is away: rooms here go on, those at other nodes are out of reach." : "";
  if (told.ready !== "ready") return `This node takes nobody in: it is ${told.ready}.${bus}`;
  return `This node is ready.${bus}`;
}

/** @param {Statistics} told @returns {"good" | "warning" | "bad"} */
export function levelOf(told) {
  if (told.ready !== "ready" && told.ready !== "draining") return "bad";
  return told.degraded || told.drain.state !== "serving" ? "warning" : "good";
}

/** Why there is nothing to see. @param {number} status */
export function refusal(status) {
  if (status === 401) return "The server does not take this token. It is one of server.admin_tokens in its configuration.";
  if (status === 404) return "This server has no admin API: set server.admin_tokens, and start it again or send it SIGHUP.";
  if (status === 429) return "Too many wrong tokens came from your address. Wait a minute, then try again.";
  return `The server has answered ${status}; its log says why.`;
}

/** @param {FeedEvent} event */
export function sentence(event) {
  const room = event.room ?? "";
  const who = event.member ? event.member.name || event.member.id : (event.id ?? "");
  switch (event.type) {
    case "room-opened":
      return `Room ${room} opened`;
    case "room-changed":
      return `Room ${room} has other settings`;
    case "room-closed":
      return `Room ${room} closed`;
    case "member-joined":
      return `${who} joined ${room}`;
    case "member-changed":
      return event.member?.away ? `${who} has lost the link, in ${room}` : `${who} changed, in ${room}`;
    case "member-left":
      return `${who} left ${room} (${event.reason})`;
    case "node-seen":
      return `Node ${event.node}${event.region ? ` in ${event.region}` : ""} is there`;
    case "node-lost":
      return `Node ${event.node} is gone`;
    case "bus-changed":
      return event.is_there ? "The bus is there" : "The bus is away";
    case "draining":
      return "This node leaves";
    case "gap":
      return "Some events were missed; below is how it is now";
    default:
      return event.type;
  }
}
