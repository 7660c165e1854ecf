/**
 * What a browser can find out about its network, within five seconds. The twin of peer/nat/runner.py.
 *
 * Asks the server that the page came from, the STUN and TURN servers that it names, and those that were typed; nobody
 * else. Needs neither camera nor microphone.
 */

import { now } from "../clock.js";
import { complete } from "./observations.js";
import { gather } from "./probes/gathering.js";
import { endpointOf, sorted } from "./probes/servers.js";
import { iceServers, signalingAnswer } from "./probes/signaling.js";
import { hasAnswered, interfacesIn, mappingTests, stunAnswers, withoutNoise } from "./probes/stun.js";
import { turnAnswer } from "./probes/turn.js";

/** @typedef {import("./observations.js").Observations} Observations */
/** @typedef {(what: string, fraction: number) => void} Progress what is being done, and how much of all is done */
/** @typedef {import("./probes/stun.js").StunAnswer} StunAnswer */
/** @typedef {import("./probes/gathering.js").Gathered} Gathered */

/** Seconds from the beginning, until which each part has to be done. */
export const UNTIL = Object.freeze({ told: 1.5, stun: 3.4, mapping: 4.4, all: 4.7 });
/** Seconds that the first servers wait for others, so that the NAT is looked at through all of them. */
const GATHER_ROUND = 0.8;
/** Browsers warn when there are more. */
const MAX_MAPPING_SERVERS = 4;

const SKIPPED = Object.freeze({
  filtering: "a browser cannot ask for an answer from another address",
  knock: "a browser cannot let a server knock first",
  hairpin: "a browser cannot send to its own address",
  lifetime: "a browser does not let a socket rest",
  size: "a browser does not choose the size of its packets",
  port_mappers: "a browser does not speak with the router",
  hops: "a browser does not see the way that packets take",
});

/**
 * Never throws for what the network or a server does, and leaves nothing open.
 *
 * @param {string} origin of the server that the page came from
 * @param {readonly RTCIceServer[]} typed
 * @param {Progress} [progress]
 * @returns {Promise<Observations>}
 */
export async function probe(origin, typed, progress = () => {}) {
  const began = now();
  progress("Asking which servers there are", 0);
  // This also opens what is used below, the connection to the server and the engine, so that they cost no time there.
  const [told, idle] = await Promise.all([iceServers(origin, began + UNTIL.told), gather([], began + UNTIL.told)]);
  const servers = sorted([...told.servers, ...typed]);
  const steps = new Steps(progress, servers.stun.length + servers.turn.length + 2);
  const signaling = steps.of("Asking the server", signalingAnswer(origin, began + UNTIL.stun));
  const turn = servers.turn.map((server) => steps.of(`Asking ${server.url}`, turnAnswer(server, began + UNTIL.all)));
  const stun = servers.stun.map((server) =>
    steps.of(`Asking ${server.url}`, askStun(server, began + UNTIL.stun, idle)),
  );
  const mapping = steps.of("Looking at the NAT", askMapping(servers, stun, turn, began));
  const answers = withoutNoise((await Promise.all(stun)).flat());
  const seen = {
    stun: answers,
    mapping: await mapping,
    turn: await Promise.all(turn),
    signaling: [{ ...(await signaling), refused: told.refused }],
  };
  const interfaces = interfacesIn(idle);
  return complete({
    observer: "browser",
    took: now() - began,
    interfaces,
    has_ipv6: interfaces?.some(({ family }) => family === 6) || answers.some(({ family }) => family === 6) || null,
    ...seen,
    skipped: {
      ...(interfaces ? {} : { "own-addresses": "the browser hides them from pages without camera and microphone" }),
      ...(told.trouble ? { "STUN and TURN": told.trouble } : {}),
      ...SKIPPED,
    },
  });
}

/** @param {import("./probes/servers.js").StunServer} server @param {number} deadline @param {Gathered} idle */
async function askStun(server, deadline, idle) {
  const gathered = await gather([{ urls: [server.url] }], deadline, ({ found }) => found.some(isReflexive));
  return stunAnswers(server, gathered, idle.took ?? 0);
}

/**
 * Through those of which it is known that they answer, so that silence means something.
 *
 * @param {import("./probes/servers.js").Servers} servers
 * @param {Promise<StunAnswer[]>[]} stun
 * @param {Promise<import("./probes/turn.js").TurnAnswer>[]} turn
 * @param {number} began
 */
async function askMapping(servers, stun, turn, began) {
  /** @type {Set<string>} */
  const known = new Set();
  const asked = [
    ...stun.map((each) => each.then((answers) => answers.filter(hasAnswered))),
    ...turn.map((each) => each.then((answer) => (answer.transport === "udp" && answer.relayed ? [answer] : []))),
  ];
  const first = Promise.any(asked.map((each) => each.then((answers) => answers.length > 0 || Promise.reject())));
  for (const each of asked) void each.then((answers) => answers.forEach(({ url = "" }) => known.add(endpointOf(url))));
  const isAny = await Promise.race([first.catch(() => false), after(UNTIL.stun, began)]);
  if (!isAny) return [];
  await Promise.race([Promise.all(asked), after(GATHER_ROUND, now())]);
  const endpoints = [...servers.stun, ...servers.turn].map(({ endpoint }) => endpoint).filter((each) => known.has(each));
  const used = [...new Set(endpoints)].slice(0, MAX_MAPPING_SERVERS);
  if (used.length < 2) return [];
  const deadline = Math.min(began + UNTIL.mapping, now() + 1.5);
  const gathered = await gather([{ urls: used.map((each) => `stun:${each}`) }], deadline);
  // A TURN server need not be a STUN server, too.
  const sure = gathered.took === null ? servers.stun.map(({ endpoint }) => endpoint) : used;
  return mappingTests(used.filter((each) => sure.includes(each)), gathered);
}

/** @param {import("./probes/gathering.js").Found} found */
const isReflexive = ({ type }) => type === "srflx";

/** @param {number} seconds @param {number} since @returns {Promise<false>} */
const after = (seconds, since) =>
  new Promise((resolve) => setTimeout(() => resolve(false), Math.max(0, since + seconds - now()) * 1000));

class Steps {
  /** @param {Progress} progress @param {number} count */
  constructor(progress, count) {
    this._progress = progress;
    this._count = count;
    this._done = 0;
    /** @type {Set<string>} */
    this._underWay = new Set();
  }

  /** @template T @param {string} what @param {Promise<T>} step @returns {Promise<T>} */
  async of(what, step) {
    this._underWay.add(what);
    this._tell();
    try {
      return await step;
    } finally {
      this._underWay.delete(what);
      this._done += 1;
      this._tell();
    }
  }

  _tell() {
    const [what = "Done"] = this._underWay;
    this._progress(what, this._done / this._count);
  }
}
