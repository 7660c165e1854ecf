/** How a connection does, in a few figures, from two reports of RTCPeerConnection.getStats(). Pure. */

/** @typedef {"good" | "fair" | "poor" | "none"} Quality */

/**
 * @typedef {object} PeerStatistics
 * @property {"direct" | "reflexive" | "relayed" | null} route null: there is no path
 * @property {"udp" | "tcp" | "tls" | null} protocol how a relay is reached; otherwise that of the path
 * @property {number | null} rtt seconds
 * @property {number | null} loss the fraction of packets of sound and pictures that were lost, of the last interval
 * @property {number | null} jitter seconds, the largest of what arrives
 * @property {number | null} bitrateIn bits a second
 * @property {number | null} bitrateOut
 * @property {string[]} codecs in use, as `opus`, `VP8`
 * @property {Quality} quality
 */

/** @typedef {ReadonlyMap<string, any>} Report as RTCStatsReport: id → dictionary */

/** From 0.3 s on people begin to talk at the same time; past 0.8 s a talk is hardly possible. */
const FAIR_RTT = 0.3;
const POOR_RTT = 0.8;
/** Opus and VP8 hide 2 %; at 8 % every listener notices. */
const FAIR_LOSS = 0.02;
const POOR_LOSS = 0.08;

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
 * @param {Report | null} before null when there is no earlier one: then nothing is said about an interval
 * @param {Report} now
 * @param {number} seconds between the two
 * @returns {PeerStatistics}
 */
export function summarize(before, now, seconds) {
  const pair = selectedPair(now);
  if (!pair) return NO_STATISTICS;
  const local = now.get(pair.localCandidateId);
  const remote = now.get(pair.remoteCandidateId);
  const rtt = finite(pair.currentRoundTripTime);
  const loss = before ? lossOf(before, now) : null;
  const earlier = before?.get(pair.id);
  return {
    route: routeOf(local?.candidateType, remote?.candidateType),
    protocol: local?.candidateType === "relay" ? (local.relayProtocol ?? "udp") : (local?.protocol ?? null),
    rtt,
    loss,
    jitter: jitterOf(now),
    bitrateIn: rate(earlier?.bytesReceived, pair.bytesReceived, seconds),
    bitrateOut: rate(earlier?.bytesSent, pair.bytesSent, seconds),
    codecs: codecsOf(now),
    quality: qualityOf(rtt, loss),
  };
}

/** @param {number | null} rtt @param {number | null} loss @returns {Quality} */
export function qualityOf(rtt, loss) {
  if ((rtt ?? 0) >= POOR_RTT || (loss ?? 0) >= POOR_LOSS) return "poor";
  return (rtt ?? 0) >= FAIR_RTT || (loss ?? 0) >= FAIR_LOSS ? "fair" : "good";
}

/** Chromium names the pair in the transport; Firefox marks it as selected. @param {Report} report */
function selectedPair(report) {
  let found = null;
  for (const entry of report.values()) {
    if (entry.type === "transport" && entry.selectedCandidatePairId) return report.get(entry.selectedCandidatePairId);
    if (entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded") {
      if (!found || entry.selected) found = entry;
    }
  }
  return found;
}

/** @param {string | undefined} local @param {string | undefined} remote @returns {PeerStatistics["route"]} */
function routeOf(local, remote) {
  if (local === "relay" || remote === "relay") return "relayed";
  return local === "host" && remote === "host" ? "direct" : "reflexive";
}

/** What we lost on the way in, and what the other side says that it lost. @param {Report} before @param {Report} now */
function lossOf(before, now) {
  let lost = 0;
  let received = 0;
  let reported = 0;
  for (const entry of now.values()) {
    if (entry.type === "inbound-rtp") {
      const earlier = before.get(entry.id);
      lost += Math.max(0, (entry.packetsLost ?? 0) - (earlier?.packetsLost ?? 0));
      received += Math.max(0, (entry.packetsReceived ?? 0) - (earlier?.packetsReceived ?? 0));
    } else if (entry.type === "remote-inbound-rtp") {
      reported = Math.max(reported, finite(entry.fractionLost) ?? 0);
    }
  }
  return received + lost > 0 ? Math.max(lost / (received + lost), reported) : null;
}

/** @param {Report} report */
function jitterOf(report) {
  const all = [...report.values()].filter((entry) => entry.type === "inbound-rtp").map((entry) => finite(entry.jitter) ?? 0);
  return all.length > 0 ? Math.max(...all) : null;
}

/** @param {Report} report @returns {string[]} */
function codecsOf(report) {
  const names = new Set();
  for (const entry of report.values()) {
    const flows = (entry.packetsReceived ?? entry.packetsSent ?? 0) > 0;
    if ((entry.type !== "inbound-rtp" && entry.type !== "outbound-rtp") || !flows) continue;
    const name = report.get(entry.codecId)?.mimeType?.split("/")[1];
    if (name) names.add(name);
  }
  return [...names].sort();
}

/** Bits a second. @param {number | undefined} before @param {number | undefined} now @param {number} seconds */
function rate(before, now, seconds) {
  if (before === undefined || now === undefined || !(seconds > 0)) return null;
  return (Math.max(0, now - before) * 8) / seconds;
}

/** @param {unknown} value */
const finite = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
