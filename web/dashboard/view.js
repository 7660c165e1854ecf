/** The dashboard's tables, tiles and lists. What stays the same is not built anew, so that a reader keeps its place. */

import { byId, element } from "../page/dom.js";
import { Chart } from "./chart.js";
import { Rate, Series } from "./series.js";
import { counted, duration, levelOf, perSecond, sentence, size, stateOf } from "./words.js";

/** @typedef {import("./rooms.js").FeedEvent} FeedEvent */
/** @typedef {import("./rooms.js").Rooms} Rooms */
/** @typedef {import("./words.js").Statistics} Statistics */

const SPAN = 300;
const MOST_ROOMS = 50;
const MOST_EVENTS = 100;

export class View {
  constructor() {
    this._messagesIn = new Rate(SPAN);
    this._messagesOut = new Rate(SPAN);
    this._joins = new Rate(SPAN);
    this._refused = new Rate(SPAN);
    this._sessions = new Series(SPAN);
    this._links = new Series(SPAN);
    this._queued = new Series(SPAN);
    this._largest = new Series(SPAN);
    const figure = (/** @type {string} */ name) => byId(`chart-${name}`, HTMLElement);
    this._charts = [
      new Chart(
        figure("messages"),
        "Messages",
        [
          { name: "in", series: this._messagesIn.series },
          { name: "out", series: this._messagesOut.series },
        ],
        perSecond,
      ),
      new Chart(
        figure("people"),
        "People",
        [
          { name: "sessions", series: this._sessions },
          { name: "links", series: this._links },
        ],
        counted,
      ),
      new Chart(
        figure("joins"),
        "Joins and refusals",
        [
          { name: "joins", series: this._joins.series },
          { name: "refusals", series: this._refused.series },
        ],
        perSecond,
      ),
      new Chart(
        figure("queues"),
        "Queues",
        [
          { name: "all", series: this._queued },
          { name: "largest", series: this._largest },
        ],
        size,
        1024,
      ),
    ];
    this._mostLeaving = 0;
  }

  /** @param {Statistics} told */
  showStatistics(told) {
    const { at, node: epoch } = told;
    this._messagesIn.add(at, told.messages_in_total, epoch);
    this._messagesOut.add(at, told.messages_out_total, epoch);
    this._joins.add(at, told.joins_total, epoch);
    this._refused.add(at, told.refused_total, epoch);
    this._sessions.add(at, told.sessions);
    this._links.add(at, told.links);
    this._queued.add(at, told.queue_bytes);
    this._largest.add(at, told.largest_queue_bytes);
    for (const chart of this._charts) chart.draw(at);
    const region = told.region ? ` in ${told.region}` : "";
    // A status that is set anew is said anew.
    setText(byId("state", HTMLElement), stateOf(told));
    byId("state-card", HTMLElement).dataset.level = levelOf(told);
    byId("about", HTMLElement).textContent = `${told.node}${region}, version ${told.version}, up for ${duration(told.uptime)}`;
    this._showDrain(told);
    tiles(byId("tiles", HTMLElement), [
      ["Sessions", counted(told.sessions)],
      ["Links", counted(told.links)],
      ["Rooms", counted(told.rooms)],
      ["Nodes", counted(told.nodes.length + 1)],
      ["Messages in", perSecond(this._messagesIn.series.last)],
      ["Messages out", perSecond(this._messagesOut.series.last)],
    ]);
    tiles(byId("queues", HTMLElement), [
      ["In queues", `${size(told.queue_bytes)} of ${size(told.queue_bytes_limit)}`],
      ["Largest queue", size(told.largest_queue_bytes)],
      ["Memory in use", told.memory_share > 0 ? `${Math.round(told.memory_share * 100)} %` : "not told"],
      ["Queues dropped", counted(told.shed_total)],
      ["Closed as too slow", counted(told.slow_closed_total)],
      ["Read more slowly", counted(told.throttled_total)],
      ["Messages refused", counted(told.refused_total)],
      ["Stalls of the loop", counted(told.stalls_total)],
    ]);
    const state = stateOf(told).replace(/^This node (is )?/, "").split(/[.:]/)[0];
    const here = { id: `${told.node} (this one)`, region: told.region, version: told.version, sessions: told.sessions, rooms: told.rooms };
    const others = told.nodes.map((each) => ({ ...each, state: each.draining ? "leaves" : "there" }));
    rows(
      byId("nodes", HTMLElement),
      [{ ...here, state }, ...others].map(({ id, region, version, sessions, rooms, state }) => ({
        key: id,
        cells: [id, region || "–", version, counted(sessions), counted(rooms), state],
      })),
      [3, 4],
    );
  }

  /** @param {Rooms} rooms */
  showRooms(rooms) {
    const shown = rooms.fullest(MOST_ROOMS);
    const more = rooms.byName.size > shown.length ? `The ${shown.length} fullest of ${counted(rooms.byName.size)}.` : "";
    const words = byId("rooms-words", HTMLElement);
    setText(words, shown.length === 0 ? "Nobody is in any room here." : more);
    words.hidden = words.textContent === "";
    rowsOf(byId("rooms", HTMLElement), shown);
  }

  /** @param {FeedEvent[]} events */
  showEvents(events) {
    const list = byId("events", HTMLElement);
    const items = events
      .slice(-MOST_EVENTS)
      .reverse()
      .map((event) => {
        const time = new Date((event.at ?? Date.now() / 1000) * 1000);
        const clock = element("time", { datetime: time.toISOString() }, time.toLocaleTimeString("en-GB"));
        return element("li", { "data-type": event.type }, clock, " ", sentence(event));
      });
    list.prepend(...items);
    while (list.children.length > MOST_EVENTS) list.lastChild?.remove();
  }

  /** @param {Statistics} told */
  _showDrain({ drain }) {
    const bar = byId("drain", HTMLProgressElement);
    this._mostLeaving = drain.state === "serving" ? drain.links : Math.max(this._mostLeaving, drain.links);
    bar.hidden = drain.state === "serving";
    bar.max = Math.max(1, this._mostLeaving);
    bar.value = bar.max - drain.links;
  }
}

/** @param {HTMLElement} list @param {[string, string][]} values */
function tiles(list, values) {
  if (list.children.length === 0) {
    list.append(...values.map(([name]) => element("div", { class: "card" }, element("dt", {}, name), element("dd", {}))));
  }
  const shown = list.querySelectorAll("dd");
  for (const [index, [, value]] of values.entries()) setText(shown[index], value);
}

/** @param {HTMLElement} body @param {ReturnType<Rooms["fullest"]>} shown */
function rowsOf(body, shown) {
  rows(
    body,
    shown.map(({ name, settings, members }) => {
      const all = [...members.values()];
      const away = all.filter((each) => each.away).length;
      const nodes = new Set(all.map((each) => each.node)).size;
      const rules = [
        settings.locked && "nobody, it is locked",
        settings.has_lobby && "who is let in",
        settings.has_password && "who knows the password",
      ].filter(Boolean);
      return { key: name, cells: [name, counted(all.length), counted(away), counted(nodes), rules.join(", ") || "everybody"] };
    }),
    [1, 2, 3],
  );
}

/**
 * The rows of a table, in this order; those that are there already are kept.
 *
 * @param {HTMLElement} body
 * @param {{ key: string, cells: string[] }[]} wanted
 * @param {number[]} numbers which columns hold numbers
 */
function rows(body, wanted, numbers) {
  /** @type {Map<string, Element>} */
  const there = new Map([...body.children].map((row) => [row.getAttribute("data-key") ?? "", row]));
  const made = wanted.map(({ key, cells }) => {
    const row = there.get(key) ?? emptyRow(key, cells.length, numbers);
    for (const [index, text] of cells.entries()) setText(row.children[index], text);
    return row;
  });
  if (made.length !== body.children.length || made.some((row, index) => row !== body.children[index])) body.replaceChildren(...made);
}

/** @param {string} key @param {number} count @param {number[]} numbers */
function emptyRow(key, count, numbers) {
  const cells = Array.from({ length: count - 1 }, (_, index) => element("td", numbers.includes(index + 1) ? { class: "number" } : {}));
  return element("tr", { "data-key": key }, element("th", { scope: "row" }), ...cells);
}

/** @param {Element} node @param {string} text */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
