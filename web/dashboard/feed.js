/** Reads `/v1/feed` for as long as the page lives, and comes back where it was. */

import { delay } from "../lib/backoff.js";
import { EventStream } from "./event_stream.js";

/** @typedef {import("./rooms.js").FeedEvent} FeedEvent */

/** Seconds without a byte, after which the line is dead: the server says something every 15. */
const SILENCE = 40;

/** The server does not take our token, or has no admin API. */
export class Refused extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`the server has answered ${status}`);
    this.status = status;
  }
}

export class Feed {
  /**
   * @param {string} token
   * @param {{ heard: (events: FeedEvent[]) => void, changed: (isOpen: boolean) => void, refused: (error: Refused) => void }} handlers
   */
  constructor(token, handlers) {
    this._token = token;
    this._handlers = handlers;
    this._stream = new EventStream();
    this._stopped = new AbortController();
  }

  stop() {
    this._stopped.abort();
  }

  async run() {
    let attempt = 0;
    while (!this._stopped.signal.aborted) {
      try {
        await this._read(() => {
          attempt = 0;
        });
      } catch (error) {
        if (error instanceof Refused) return this._handlers.refused(error);
      }
      if (this._stopped.signal.aborted) return;
      this._handlers.changed(false);
      const advised = attempt === 0 ? (this._stream.retry ?? 0) / 1000 : 0;
      await pause(Math.max(advised, delay(attempt, Math.random())));
      attempt += 1;
    }
  }

  /** @param {() => void} opened */
  async _read(opened) {
    const stream = this._stream;
    stream.restart();
    stream.retry = null;
    const abort = new AbortController();
    const stop = () => abort.abort();
    this._stopped.signal.addEventListener("abort", stop);
    let timer = setTimeout(stop, SILENCE * 1000);
    try {
      const answer = await fetch("/v1/feed", { headers: this._headers(), signal: abort.signal, cache: "no-store" });
      if (answer.status === 401 || answer.status === 404) throw new Refused(answer.status);
      if (!answer.ok || !answer.body) throw new Error(`${answer.status}`);
      opened();
      this._handlers.changed(true);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(stop, SILENCE * 1000);
        const events = stream.push(value).map(({ data }) => JSON.parse(data));
        if (events.length > 0) this._handlers.heard(events);
      }
    } finally {
      clearTimeout(timer);
      this._stopped.signal.removeEventListener("abort", stop);
      abort.abort();
    }
  }

  _headers() {
    const { lastId } = this._stream;
    return { Authorization: `Bearer ${this._token}`, ...(lastId && { "Last-Event-ID": lastId }) };
  }
}

/** @param {number} seconds */
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
