/**
 * What a browser can find out about its network, within five seconds. The twin of peer/nat/runner.py.
 *
 * Asks the server that the page came from, the STUN and TURN servers that it names, and those that were typed; nobody
 * else. Needs neither camera nor microphone.
 */

import { now } from "../clock.js";
import { familyOf, hostOf } from "./endpoints.js";
import { complete } from "./observations.js";
import { gather } from "./probes/gathering.js";
import { sorted } from "./probes/servers.js";
import { iceServers, signalingAnswer } from "./probes/signaling.js";
import { hasAnswered, interfacesIn, mappingTests, stunAnswers, withoutNoise } from "./probes/stun.js";
import { turnAnswer } from "./probes/turn.js";

/** @typedef {import("./observations.js").Observations} Observations */
/** @typedef {(what: string, fraction: number) => void} Progress what is being done, and how much of all is done */
/** @typedef {import("./probes/stun.js").StunAnswer} StunAnswer */
/** @typedef {import("./probes/gathering.js").Gathered} Gathered */

/** Seconds from the beginning, until which each part has to be done. */
const UNTIL = Object.freeze({ told: 1.2, stun: 3.4, mapping: 4.4, all: 4.7 });
/** Seconds: nobody is asked, so it is over soon, or something is wrong. */
const IDLE = 0.5;
/** Seconds between one server and the next: what a browser begins at the same moment, it measures badly. */
const APART = 0.03;
/** Seconds: an answer that got lost is asked for again within them. */
const MAPPING = 0.6;
/** Seconds that the first servers wait for others, so that the NAT is looked at through all of them. */
const ROUND = 0.6;
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

const UNTOLD = "the browser does not tell whether it has answered";

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
  const asked = signalingAnswer(origin, began + UNTIL.stun);
  const told = await iceServers(origin, began + UNTIL.told);
  // It also wakes the engine, which would take its time while answers are waited for.
  const idle = await gather([], now() + IDLE);
  const servers = sorted([...told.servers, ...typed]);
  const steps = new Steps(progress, servers.stun.length + servers.turn.length + 2);
  const signaling = steps.of(`Asking ${origin}`, asked);
  const seen = await askAll(servers, steps, began, idle);
  const interfaces = interfacesIn(idle);
  const unheard = servers.stun.filter(({ url }) => !seen.stun.some((each) => each.url === url));
  const hasNoIpv6 = unheard.some(isOverIpv6);
  if (hasNoIpv6) seen.turn = seen.turn.filter((each) => each.relayed || !isOverIpv6({ endpoint: each.url ?? "" }));
  return complete({
    observer: "browser",
    interfaces,
    has_ipv6: [...(interfaces ?? []), ...seen.stun].some(({ family }) => family === 6) || null,
    ...seen,
    signaling: [{ ...(await signaling), refused: told.refused }],
    skipped: {
      ...(interfaces ? {} : { "own-addresses": "the browser hides them from pages without camera and microphone" }),
      ...(told.trouble ? { "STUN and TURN": told.trouble } : {}),
      ...Object.fromEntries(unheard.filter((each) => !isOverIpv6(each)).map(({ url }) => [url, UNTOLD])),
      ...(hasNoIpv6 ? { IPv6: "the browser has found no IPv6 address of this machine" } : {}),
      ...SKIPPED,
    },
    took: now() - began,
  });
}

/** @param {import("./probes/servers.js").Servers} servers @param {Steps} steps @param {number} began @param {Gathered} idle */
async function askAll(servers, steps, began, idle) {
  const stun = servers.stun.map((server, index) =>
    steps.of(`Asking ${server.url}`, askStun(server, index * APART, began + UNTIL.stun, idle)),
  );
  const turn = servers.turn.map((server, index) =>
    steps.of(`Asking ${server.url}`, askTurn(server, (stun.length + index) * APART, began + UNTIL.all)),
  );
  const mapping = steps.of("Looking at the NAT", askMapping(servers.stun, stun, began + UNTIL.mapping));
  return {
    stun: withoutNoise((await Promise.all(stun)).flat()),
    mapping: await mapping,
    turn: await Promise.all(turn),
  };
}

/** By its address; a name may have both. @param {{ endpoint: string }} server */
const isOverIpv6 = ({ endpoint }) => familyOf(hostOf(endpoint)) === 6;

/**
 * @param {import("./probes/servers.js").StunServer} server
 * @param {number} wait
 * @param {number} deadline
 * @param {Gathered} idle
 * @returns {Promise<StunAnswer[]>}
 */
async function askStun(server, wait, deadline, idle) {
  await after(wait);
  const iceServers = [{ urls: [`stun:${server.endpoint}`] }];
  try {
    const gathered = await gather(iceServers, deadline, ({ found }) => found.some(isReflexive));
    return stunAnswers(server, gathered, idle.took ?? 0);
  } catch (error) {
    // Browsers differ in what they take for a url.
    return [{ url: server.url, family: 4, trouble: error instanceof Error ? error.message : String(error) }];
  }
}

/** @param {import("./probes/servers.js").TurnServer} server @param {number} wait @param {number} deadline */
async function askTurn(server, wait, deadline) {
  await after(wait);
  return turnAnswer(server, deadline);
}

/**
 * Through those of which it is known that they answer, so that silence means something.
 *
 * @param {import("./probes/servers.js").StunServer[]} servers
 * @param {Promise<StunAnswer[]>[]} asked for each of them, what it has answered
 * @param {number} deadline
 */
async function askMapping(servers, asked, deadline) {
  /** @type {Map<string, number>} */
  const rtts = new Map();
  const { promise: someone, resolve: found } = Promise.withResolvers();
  const note = async (/** @type {Promise<StunAnswer[]>} */ answers, /** @type {number} */ index) => {
    const [answer] = (await answers).filter(hasAnswered);
    if (answer) found(rtts.set(servers[index].endpoint, answer.rtt ?? 0));
  };
  const all = Promise.all(asked.map(note));
  await Promise.race([someone, all]);
  await Promise.race([all, after(ROUND)]);
  const endpoints = [...rtts.keys()].slice(0, MAX_MAPPING_SERVERS);
  if (endpoints.length < 2) return [];
  const urls = endpoints.map((each) => `stun:${each}`);
  const patience = MAPPING + 2 * Math.max(...rtts.values());
  return mappingTests(endpoints, await gather([{ urls }], Math.min(deadline, now() + patience)));
}

/** @param {import("./probes/gathering.js").Found} found */
const isReflexive = ({ type }) => type === "srflx";

/** @param {number} seconds */
const after = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

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
