/**
 * How a connection does, in a few figures, from two reports of RTCPeerConnection.getStats(). Pure. The twin of peer/stats.py.
 *
 * Chromium names the selected pair in its `transport`; Firefox has no such thing, and marks the pair. Both leave out what
 * they have not measured yet, so everything here may be missing.
 */

/** @typedef {"good" | "fair" | "poor" | "none"} Quality */

/**
 * Null is what is not known: not measured yet, or nothing of the kind flows.
 *
 * @typedef {object} PeerStatistics
 * @property {"direct" | "reflexive" | "relayed" | null} route `direct`: both use their own addresses; `reflexive`: through
 *   a NAT; `relayed`: over a TURN server; null: there is no path
 * @property {"udp" | "tcp" | "tls" | null} protocol how a relay is reached; otherwise that of the path
 * @property {number | null} rtt seconds
 * @property {number | null} loss the fraction of packets of sound and pictures that were lost of late, in the direction
 *   that fares worse
 * @property {number | null} jitter seconds, the largest of what arrives
 * @property {number | null} bitrateIn bits a second
 * @property {number | null} bitrateOut
 * @property {string[]} codecs in use, as `opus`, `VP8`
 * @property {Quality} quality `none`: there is no path
 */

/** @typedef {ReadonlyMap<string, any>} Report as RTCStatsReport: id → dictionary */
/** @typedef {Record<string, any>} Entry of a report */

/** @type {PeerStatistics} */
export const NO_STATISTICS = {
  route: null,
  protocol: null,
  rtt: null,
  loss: null,
  jitter: null,
  bitrateIn: null,
  bitrateOut: null,
  codecs: [],
  quality: "none",
};

/**
 * Seconds. ITU-T G.114 on delay one way: up to 150 ms hardly anybody notices, past 400 ms a talk is no longer one. There
 * and back it is twice that.
 */
const FAIR_RTT = 0.3;
const POOR_RTT = 0.8;
/**
 * Up to 2 % is what senders take for the noise of a network that is not full (draft-ietf-rmcat-gcc, section 6), and what
 * Opus conceals without being noticed. From 8 % on words are missed, though Opus repairs what it can, and pictures freeze.
 */
const FAIR_LOSS = 0.02;
const POOR_LOSS = 0.08;
/** One packet of three is no 33 % of loss: fewer than this in an interval say nothing. Sound alone has 50 a second. */
const MIN_PACKETS = 20;
/** Seconds. The other side tells every 5 s, more or less by half, what it has lost (RFC 3550 section 6.2); older news is stale. */
const NEWS_LAST = 8;

/**
 * @param {Report | null} before of the same connection; null when there is none: then nothing is said about an interval
 * @param {Report} now
 * @param {number} seconds between the two
 * @returns {PeerStatistics}
 */
export function summarize(before, now, seconds) {
  const pair = selectedPair(now);
  if (!pair) return NO_STATISTICS;
  const local = end(now, pair.localCandidateId);
  const remote = end(now, pair.remoteCandidateId);
  const rtt = roundTrip(now, pair);
  const loss = most([lossIn(before, now), lossOut(now)]);
  return {
    route: routeOf(local?.candidateType, remote?.candidateType),
    protocol: protocolOf(local),
    rtt,
    loss,
    jitter: most(ofType(now, "inbound-rtp").map((each) => finite(each.jitter))),
    bitrateIn: bitrate(before, now, pair, "bytesReceived", seconds),
    bitrateOut: bitrate(before, now, pair, "bytesSent", seconds),
    codecs: codecsOf(before, now),
    quality: qualityOf(rtt, loss),
  };
}

/**
 * Of a connection that has a path: the worse of both counts. Data channels alone have no loss to judge by, as SCTP sends
 * again what is lost.
 *
 * @param {number | null} rtt
 * @param {number | null} loss
 * @returns {Quality}
 */
export function qualityOf(rtt, loss) {
  if ((rtt ?? 0) >= POOR_RTT || (loss ?? 0) >= POOR_LOSS) return "poor";
  return (rtt ?? 0) >= FAIR_RTT || (loss ?? 0) >= FAIR_LOSS ? "fair" : "good";
}

/** @param {Report} report @returns {Entry | undefined} */
function selectedPair(report) {
  const transport = ofType(report, "transport").find((each) => each.selectedCandidatePairId);
  if (transport) return report.get(transport.selectedCandidatePairId);
  const pairs = ofType(report, "candidate-pair");
  return pairs.find((each) => each.selected) ?? pairs.find((each) => each.nominated && each.state === "succeeded");
}

/** One of the two candidates of a pair, as it was announced. @param {Report} report @param {string} id @returns {Entry | undefined} */
function end(report, id) {
  const candidate = report.get(id);
  if (candidate?.candidateType !== "prflx" || !candidate.address) return candidate;
  // A check may come in before the candidate that it was sent from is announced.
  const announced = ofType(report, candidate.type).find(
    ({ candidateType, address, port }) =>
      candidateType !== "prflx" && address === candidate.address && port === candidate.port,
  );
  return announced ?? candidate;
}

/** @param {string | undefined} local @param {string | undefined} remote @returns {PeerStatistics["route"]} */
function routeOf(local, remote) {
  if (local === "relay" || remote === "relay") return "relayed";
  return local === "host" && remote === "host" ? "direct" : "reflexive";
}

/** @param {Entry | undefined} local @returns {PeerStatistics["protocol"]} */
function protocolOf(local) {
  const isRelay = local?.candidateType === "relay";
  return (isRelay && local.relayProtocol) || (local?.protocol ?? null);
}

/**
 * By the checks of the path; where a browser does not tell, by what the other side says of our packets.
 *
 * @param {Report} report
 * @param {Entry} pair
 */
function roundTrip(report, pair) {
  return finite(pair.currentRoundTripTime) ?? most(fresh(report).map((each) => finite(each.roundTripTime)));
}

/** @param {Report | null} before @param {Report} now */
function lossIn(before, now) {
  if (!before) return null;
  let lost = 0;
  let received = 0;
  for (const stream of ofType(now, "inbound-rtp")) {
    // Packets that come after all are taken back, so that this shrinks.
    lost += growth(before, stream, "packetsLost");
    received += growth(before, stream, "packetsReceived");
  }
  return lost + received < MIN_PACKETS ? null : lost / (lost + received);
}

/** What the other side says that it has lost. @param {Report} report */
const lossOut = (report) => most(fresh(report).map((each) => finite(each.fractionLost)));

/** What the other side has told of late. @param {Report} report */
function fresh(report) {
  const latest = Math.max(...[...report.values()].map(({ timestamp }) => finite(timestamp) ?? 0));
  return ofType(report, "remote-inbound-rtp").filter(({ timestamp }) => latest - (timestamp ?? 0) <= NEWS_LAST * 1000);
}

/** @param {Report | null} before @param {Report} now @param {Entry} pair @param {string} counter @param {number} seconds */
function bitrate(before, now, pair, counter, seconds) {
  // A transport goes on counting when its path changes; of a new pair nobody knows since when it counts.
  const counts = ofType(now, "transport").find((each) => finite(each[counter]) !== null) ?? pair;
  if (!before?.has(counts.id) || finite(counts[counter]) === null || !(seconds > 0)) return null;
  return (growth(before, counts, counter) * 8) / seconds;
}

/** @param {Report | null} before @param {Report} now @returns {string[]} */
function codecsOf(before, now) {
  const names = new Set();
  for (const stream of [...ofType(now, "inbound-rtp"), ...ofType(now, "outbound-rtp")]) {
    const flows = growth(before, stream, "packetsReceived") + growth(before, stream, "packetsSent") > 0;
    const name = now.get(stream.codecId)?.mimeType?.split("/")[1];
    if (flows && name) names.add(name);
  }
  return [...names].sort();
}

/** What a counter has grown by; one that starts again is no negative growth. @param {Report | null} before @param {Entry} entry @param {string} counter */
function growth(before, entry, counter) {
  return Math.max(0, (finite(entry[counter]) ?? 0) - (finite(before?.get(entry.id)?.[counter]) ?? 0));
}

/** @param {Report} report @param {string} type @returns {Entry[]} */
const ofType = (report, type) => [...report.values()].filter((entry) => entry.type === type);

/** @param {unknown} value */
const finite = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** The largest of those that are known. @param {(number | null)[]} values */
function most(values) {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? Math.max(...known) : null;
}
