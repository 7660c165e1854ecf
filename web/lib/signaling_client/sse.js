/**
 * A link without WebSocket: the server's words as an event stream, ours as POSTs.
 *
 * It is used as a WebSocket is. The stream comes in one piece (SSE), or in slices (long-poll). How much of it has been
 * had is said with the hello, so the ids of events are passed over.
 */

import { httpUrl } from "./transports.js";

const LINK = "Peerlane-Link";
const NUMBER = "Peerlane-Number";
/** For one try. */
const POST_TIMEOUT_MS = 10_000;
/** So often one request is tried before the link is given up; the session resumes on the next one. */
const TRIES = 6;
const FIRST_PAUSE_MS = 100;
const SLICE_TIMEOUT_MS = 30_000;
const MAX_EVENT_CHARACTERS = 48 * 1024 * 1024;
const LATER = [408, 429, 500, 502, 503, 504];
/** It was our server, which says no to every other way too. */
const HAS_ANSWERED = [429, 503];
const NO_ANSWER = 1006;

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The stream is not there, or not any more; with the HTTP status, if there was one. */
class NoStream extends Error {
  /** @param {number} status */
  constructor(status = 0) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

/** As much of a WebSocket as a link needs. */
export class HttpSocket {
  /**
   * @param {string} url as signalingUrl makes it
   * @param {boolean} isPolling
   */
  constructor(url, isPolling) {
    /** @type {number} */
    this.readyState = WebSocket.CONNECTING;
    /** @type {(() => void) | null} */
    this.onopen = null;
    /** @type {((event: {data: string}) => void) | null} */
    this.onmessage = null;
    /** @type {((event: {code: number}) => void) | null} */
    this.onclose = null;
    /** All that was sent has arrived. @type {(() => void) | null} */
    this.onready = null;
    /** Whether another way is worth a try. */
    this.mayBeBlocked = true;
    this._url = url;
    this._isPolling = isPolling;
    this._link = "";
    this._number = 0;
    this._arrived = 0;
    this._code = NO_ANSWER;
    this._hungUp = new AbortController();
    /** Frames go out one after the other. @type {Promise<void>} */
    this._posts = Promise.resolve();
    void this._run();
  }

  /** Something is under way: what is said meanwhile had better travel together. */
  get isBusy() {
    return this._arrived < this._number;
  }

  /** Exactly once, or the link ends. @param {string} frame */
  send(frame) {
    this._number += 1;
    const number = this._number;
    this._posts = this._posts.then(async () => {
      await this._post(frame, number);
      this._arrived = number;
      if (!this.isBusy) this.onready?.();
    });
  }

  /** After what was sent. */
  close() {
    if (this.readyState >= WebSocket.CLOSING) return;
    this.readyState = WebSocket.CLOSING;
    void this._posts.then(() => this._hungUp.abort());
  }

  async _run() {
    try {
      const parser = new EventParser((name, data) => this._heard(name, data));
      if (this._isPolling) await this._slices(parser);
      else await this._stream(parser);
    } catch (error) {
      if (error instanceof NoStream && HAS_ANSWERED.includes(error.status)) this.mayBeBlocked = false;
    }
    this.readyState = WebSocket.CLOSED;
    this._hungUp.abort();
    this.onclose?.({ code: this._code });
  }

  /** @param {string} name @param {string} data */
  _heard(name, data) {
    if (name === "link") {
      this._link = String(JSON.parse(data).link);
      if (this.readyState !== WebSocket.CONNECTING) return;
      this.readyState = WebSocket.OPEN;
      this.onopen?.();
    } else if (name === "close") {
      this._code = Number(JSON.parse(data).code) || NO_ANSWER;
    } else {
      this.onmessage?.({ data });
    }
  }

  /** @param {EventParser} parser */
  async _stream(parser) {
    const answer = await this._ask("/v1/sse", {}, this._hungUp.signal);
    const reader = streamOf(answer).body?.getReader();
    if (!reader) throw new NoStream();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
    }
  }

  /** @param {EventParser} parser */
  async _slices(parser) {
    const decoder = new TextDecoder();
    let number = 1;
    let failures = 0;
    while (!this._hungUp.signal.aborted) {
      /** @type {Record<string, string>} */
      const headers = number === 1 ? {} : { [LINK]: this._link, [NUMBER]: String(number) };
      let body;
      try {
        const answer = await this._ask("/v1/poll", headers, this._within(SLICE_TIMEOUT_MS));
        if (LATER.includes(answer.status)) throw new NoStream(answer.status);
        if (answer.status !== 200 && number > 1) return;
        body = await streamOf(answer).arrayBuffer();
      } catch (error) {
        failures += 1;
        if (number === 1 || failures >= TRIES || this._hungUp.signal.aborted) throw error;
        await pause(FIRST_PAUSE_MS * 2 ** failures);
        continue;
      }
      number += 1;
      failures = 0;
      parser.feed(decoder.decode(body, { stream: true }));
    }
  }

  /** @param {string} frame @param {number} number */
  async _post(frame, number) {
    for (let tried = 0; tried < TRIES && !this._hungUp.signal.aborted; tried += 1) {
      const headers = { [LINK]: this._link, [NUMBER]: String(number), "Content-Type": "application/json" };
      const keepalive = this.readyState === WebSocket.CLOSING;
      const status = await this._ask("/v1/messages", headers, this._within(POST_TIMEOUT_MS), frame, keepalive).then(
        (answer) => answer.status,
        () => 503,
      );
      if (status === 204) return;
      if (!LATER.includes(status)) break;
      await pause(FIRST_PAUSE_MS * 2 ** tried);
    }
    this._hungUp.abort();
  }

  /**
   * A POST, since a browser names the origin of a page with every one.
   *
   * @param {string} path
   * @param {Record<string, string>} headers
   * @param {AbortSignal} signal
   * @param {string} [body]
   * @param {boolean} [keepalive] the page is going
   */
  _ask(path, headers, signal, body, keepalive) {
    const url = httpUrl(this._url, path);
    return fetch(url, { method: "POST", headers, body, signal, keepalive, cache: "no-store", credentials: "omit" });
  }

  /** @param {number} milliseconds */
  _within(milliseconds) {
    return AbortSignal.any([this._hungUp.signal, AbortSignal.timeout(milliseconds)]);
  }
}

/** @param {Response} answer */
function streamOf(answer) {
  const isStream = answer.headers.get("Content-Type")?.startsWith("text/event-stream");
  if (answer.status !== 200 || !isStream) throw new NoStream(answer.status);
  return answer;
}

/** What a server of ours writes of WHATWG HTML §9.2: lines end with LF, comments keep the line open. */
export class EventParser {
  /** @param {(name: string, data: string) => void} tell */
  constructor(tell) {
    this._tell = tell;
    this._waiting = "";
    this._searched = 0;
  }

  /** @param {string} part */
  feed(part) {
    this._waiting += part;
    if (this._waiting.length > MAX_EVENT_CHARACTERS) throw new NoStream();
    for (;;) {
      const end = this._waiting.indexOf("\n\n", this._searched);
      if (end < 0) break;
      const event = this._waiting.slice(0, end);
      this._waiting = this._waiting.slice(end + 2);
      this._searched = 0;
      this._read(event);
    }
    this._searched = Math.max(0, this._waiting.length - 1);
  }

  /** @param {string} event */
  _read(event) {
    let name = "";
    let data = "";
    for (const line of event.split("\n")) {
      if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("data: ")) data = line.slice(6);
    }
    if (data) this._tell(name, data);
  }
}
