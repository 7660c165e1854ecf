/** Server-Sent Events as text that comes in pieces (WHATWG HTML, 9.2.6). `EventSource` cannot send a token. */

/** @typedef {{ type: string, data: string, id: string }} StreamEvent */

export class EventStream {
  constructor() {
    /** Of the last event that had one; to be sent as `Last-Event-ID`. */
    this.lastId = "";
    /** Milliseconds that the server wants us to wait before we come back; null when it has not said. @type {number | null} */
    this.retry = null;
    this._rest = "";
    this._begin();
  }

  /**
   * The events that are whole now.
   *
   * @param {string} text
   * @returns {StreamEvent[]}
   */
  push(text) {
    const lines = (this._rest + text).split(/\r\n|\n|\r(?!$)/);
    this._rest = /** @type {string} */ (lines.pop());
    /** @type {StreamEvent[]} */
    const events = [];
    for (const line of lines) {
      if (line === "") {
        if (this._data.length > 0) events.push({ type: this._type || "message", data: this._data.join("\n"), id: this.lastId });
        this._begin();
      } else {
        this._field(line);
      }
    }
    return events;
  }

  /** What had begun when the line broke is forgotten; it comes again. */
  restart() {
    this._rest = "";
    this._begin();
  }

  _begin() {
    this._type = "";
    /** @type {string[]} */
    this._data = [];
  }

  /** @param {string} line */
  _field(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this._data.push(value);
    else if (name === "event") this._type = value;
    else if (name === "id" && !value.includes("\0")) this.lastId = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.retry = Number(value);
  }
}
