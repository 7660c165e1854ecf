/** Whether a TURN server relays: two ends in this page that know only their relays there, and a message between them. */

import { now } from "../../clock.js";
import { Gathering } from "./gathering.js";

/** @typedef {import("./gathering.js").Gathered} Gathered */
/** @typedef {import("./servers.js").TurnServer} TurnServer */
/** @typedef {Partial<import("../observations.js").TurnAnswer>} TurnAnswer */

/** Seconds; a relay that comes later than that before the end cannot be judged by what comes through it. */
const FOR_ECHO = 1.2;
const ECHOES = 3;
const CHANNEL = Object.freeze({ negotiated: true, id: 0, ordered: false, maxRetransmits: 0 });
const UNREACHABLE = 701;
const REFUSED = 401;

/**
 * @param {TurnServer} server
 * @param {number} deadline as of `now()`
 * @returns {Promise<TurnAnswer>}
 */
export async function turnAnswer(server, deadline) {
  const { url, transport } = server;
  /** @type {Gathering[]} */
  const ends = [];
  try {
    const here = await allocated(server, deadline, ends);
    const relay = relayIn(here.gathered);
    if (!relay) return { url, transport, ...whyNoRelay(here.gathered, transport) };
    const answer = { url, transport, allocated: relay.after, relayed: relay.endpoint };
    const came = now();
    const there = open(server, ends);
    const echo = await within(deadline, joined(here, there));
    if (echo !== null) return { ...answer, permitted: true, echo_rtt: echo };
    return deadline - came < FOR_ECHO ? answer : { ...answer, ...whyNoEcho(there.gathered) };
  } catch (error) {
    return { url, transport, code: 0, trouble: error instanceof Error ? error.message : String(error) };
  } finally {
    for (const end of ends) end.close();
  }
}

/** @param {TurnServer} server @param {Gathering[]} ends where it is kept, to be closed */
function open({ url, username, credential }, ends) {
  const end = new Gathering([{ urls: [url], username, credential }], "relay");
  ends.push(end);
  return end;
}

/**
 * An end with all that the server has to say to it. Who is refused asks once more: coturn refuses some good credentials
 * that are used for the first time over several connections at once.
 *
 * @param {TurnServer} server
 * @param {number} deadline
 * @param {Gathering[]} ends
 */
async function allocated(server, deadline, ends) {
  const ask = async () => {
    const end = open(server, ends);
    end.pc.createDataChannel("nat", CHANNEL);
    await end.pc.setLocalDescription();
    await end.until(deadline, isSettled);
    return end;
  };
  const end = await ask();
  return failuresIn(end.gathered).some(({ code }) => code === REFUSED) ? ask() : end;
}

/** @param {Gathered} gathered */
function isSettled(gathered) {
  return Boolean(relayIn(gathered)) || failuresIn(gathered).some(({ code }) => code !== UNREACHABLE);
}

/** @param {Gathered} gathered */
const relayIn = ({ found }) => found.find(({ type }) => type === "relay");

/** Of the TURN server; browsers use it as a STUN server, too. @param {Gathered} gathered */
const failuresIn = ({ failures }) => failures.filter(({ url }) => !/^stun/i.test(url));

/**
 * What stands in the way, as far as the browser tells.
 *
 * @param {Gathered} gathered
 * @param {string} transport
 * @returns {{ code: number, trouble: string }}
 */
export function whyNoRelay(gathered, transport) {
  const failures = failuresIn(gathered);
  const said = failures.find(({ code }) => code !== UNREACHABLE) ?? failures[0];
  if (said && said.code !== UNREACHABLE) return { code: said.code, trouble: said.text };
  if (said && /lookup/i.test(said.text)) return { code: UNREACHABLE, trouble: "the lookup of its name has failed" };
  if (gathered.took === null) return { code: UNREACHABLE, trouble: "nothing came back" };
  if (transport === "udp" && !said && gathered.found.some(({ type }) => type === "srflx")) {
    return { code: REFUSED, trouble: "it answers, but gives no relay" };
  }
  const tls = transport === "tls" ? ", or its TLS cannot be trusted" : "";
  return { code: UNREACHABLE, trouble: `no connection: nobody listens there, or something stands in between${tls}` };
}

/** @param {Gathered} gathered of the second end @returns {TurnAnswer} */
function whyNoEcho(gathered) {
  const refusal = failuresIn(gathered).find(({ code }) => code !== UNREACHABLE);
  if (refusal) return { code: refusal.code, trouble: `it gives no second relay: ${refusal.text}` };
  return { code: UNREACHABLE, trouble: "no data comes from one relay there to another" };
}

/**
 * Join the two and send; resolves with the seconds that a message takes from one end over both relays to the other.
 *
 * @param {Gathering} here which has its relay already
 * @param {Gathering} there
 * @returns {Promise<number>}
 */
async function joined(here, there) {
  const channel = here.pc.createDataChannel("echo", { ...CHANNEL, id: 1 });
  const other = there.pc.createDataChannel("echo", { ...CHANNEL, id: 1 });
  await there.pc.setRemoteDescription(/** @type {RTCSessionDescription} */ (here.pc.localDescription));
  // One that comes after everything was closed is nobody's loss.
  there.oncandidate = (candidate) => void here.pc.addIceCandidate(candidate).catch(() => {});
  const answer = await there.pc.createAnswer();
  await here.pc.setRemoteDescription(answer);
  await there.pc.setLocalDescription(answer);
  return echoed(channel, other);
}

/** @param {RTCDataChannel} channel @param {RTCDataChannel} other @returns {Promise<number>} */
function echoed(channel, other) {
  return new Promise((resolve) => {
    /** @type {number[]} */
    const times = [];
    let sent = 0;
    const send = () => {
      sent = now();
      channel.send("?");
    };
    other.onmessage = () => {
      times.push(now() - sent);
      if (times.length < ECHOES) send();
      else resolve(Math.min(...times));
    };
    if (channel.readyState === "open") send();
    else channel.onopen = send;
  });
}

/**
 * Null when it is not there in time.
 *
 * @template T
 * @param {number} deadline
 * @param {Promise<T>} promise
 * @returns {Promise<T | null>}
 */
async function within(deadline, promise) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((/** @type {(value: null) => void} */ resolve) => {
    timer = setTimeout(() => resolve(null), Math.max(0, deadline - now()) * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
