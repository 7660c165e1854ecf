/** What the banner says: who is out of reach, since when, and what is done about it; and who is back. Pure. */

/** @typedef {import("../lib/errors.js").Diagnosis} Diagnosis */
/** @typedef {import("../lib/healing.js").Doing} Doing */

/**
 * A peer that is not connected with us.
 *
 * @typedef {object} Apart
 * @property {string} name
 * @property {{since: number, doing: Doing} | null} healing seconds of silence, and what is done; null: it never was connected
 * @property {Diagnosis | null} diagnosis
 */

/**
 * @typedef {object} Trouble
 * @property {string} shown
 * @property {string} said the same for ears: without seconds, which would be read out again and again
 * @property {string} key changes when there is something new to say
 */

/** @type {Readonly<Record<NonNullable<Doing>, string>>} */
const DEEDS = Object.freeze({
  restart: "a new path is being tried",
  rebuild: "a new connection is being made",
  "waiting-for-server": "waiting until the server can be reached from there again",
});

/**
 * One for all, the worst first: peers that were lost, then the server, then peers that cannot be reached at all.
 *
 * @param {Apart[]} apart
 * @param {{retryIn: number} | null} link seconds until the server is tried again; null: the line to it stands
 * @param {number} others how many others there are, apart or not
 * @returns {Trouble | null}
 */
export function troubleOf(apart, link, others) {
  const lost = apart.filter(({ healing }) => healing !== null).sort((a, b) => silence(b) - silence(a));
  if (lost.length > 0) return outOfReach(lost, link);
  if (link) {
    const words = others > 0 ? "The server is out of reach; the call goes on." : "The server is out of reach.";
    return { shown: `${words} ${again(link)}`, said: words, key: words };
  }
  const [stuck] = apart.filter(({ diagnosis }) => diagnosis !== null);
  if (!stuck) return null;
  const words = `Connecting to ${stuck.name}: ${stuck.diagnosis?.sentence}`;
  return { shown: words, said: words, key: `${stuck.name} ${stuck.diagnosis?.code}` };
}

/** @param {string[]} names of those that are well again */
export function wordsForReturn(names) {
  return `${list(names)} ${names.length === 1 ? "is" : "are"} back`;
}

/** @param {Apart[]} lost the one that is silent for longest first @param {{retryIn: number} | null} link @returns {Trouble} */
function outOfReach(lost, link) {
  const names = lost.map(({ name }) => name);
  // Rounded as in the sentence of the diagnosis, which stands beside it.
  const seconds = `${Math.round(silence(lost[0]))} s`;
  const { diagnosis } = lost.find((each) => each.diagnosis) ?? lost[0];
  const why = diagnosis ? ` ${diagnosis.sentence}` : "";
  if (link) {
    const words = `${list(["The server", ...names])} are out of reach`;
    return { shown: `${words}… ${seconds}. ${again(link)}${why}`, said: `${words}.${why}`, key: words };
  }
  const doing = lost[0].healing?.doing ?? null;
  const deed = doing ? `: ${DEEDS[doing]}.` : ".";
  const words = `Reconnecting to ${list(names)}`;
  const key = `${words}${deed}${diagnosis?.code ?? ""}`;
  return { shown: `${words}… ${seconds}${deed}${why}`, said: `${words}${deed}${why}`, key };
}

/** @param {{retryIn: number}} link */
function again({ retryIn }) {
  return retryIn > 0 ? `Trying again in ${Math.ceil(retryIn)} s.` : "Trying again now.";
}

/** @param {Apart} peer */
const silence = ({ healing }) => healing?.since ?? 0;

/** @param {string[]} names */
function list(names) {
  const [first, ...others] = names;
  return others.length > 1 ? `${first} and ${others.length} others` : names.join(" and ");
}
