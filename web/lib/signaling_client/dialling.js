/** Opening a link to the server, by whatever gets through. */

import { JSON_SUBPROTOCOL } from "../protocol.js";
import { HttpSocket } from "./sse.js";
import { OPEN_TIMEOUT } from "./transports.js";

/** @typedef {import("./transports.js").Transport} Transport */
/** @typedef {WebSocket | HttpSocket} Socket */

/**
 * @typedef {object} LinkHandlers
 * @property {() => void} opened
 * @property {() => void} ready it is not busy any more
 * @property {(frame: unknown) => void} received
 * @property {(code: number) => void} closed it has ended, or none came about; nothing is called after it
 */

/** One link, from its first attempt to its end. */
export class Link {
  /**
   * @param {string} url
   * @param {import("./transports.js").Transports} transports
   * @param {LinkHandlers} handlers
   */
  constructor(url, transports, handlers) {
    this._url = url;
    this._transports = transports;
    this._handlers = handlers;
    this._attempts = transports.attempts;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    this._socket = this._dial();
  }

  get isOpen() {
    return this._socket.readyState === WebSocket.OPEN;
  }

  /** Whether messages had better wait, to travel together. */
  get isBusy() {
    return this._socket instanceof HttpSocket && this._socket.isBusy;
  }

  /** @param {string} frame */
  send(frame) {
    this._socket.send(frame);
  }

  /** Without a word to whoever handles it. */
  close() {
    clearTimeout(this._timer);
    hangUp(this._socket);
  }

  /** @returns {Socket} */
  _dial() {
    const transport = /** @type {Transport} */ (this._attempts.shift());
    const socket =
      transport === "websocket"
        ? new WebSocket(this._url, JSON_SUBPROTOCOL)
        : new HttpSocket(this._url, transport === "long-poll");
    let hasOpened = false;
    socket.onopen = () => {
      hasOpened = true;
      clearTimeout(this._timer);
      this._transports.opened(transport);
      this._handlers.opened();
    };
    if (socket instanceof HttpSocket) socket.onready = this._handlers.ready;
    socket.onmessage = (/** @type {{data: unknown}} */ { data }) => this._handlers.received(data);
    socket.onclose = (/** @type {{code: number}} */ { code }) => {
      clearTimeout(this._timer);
      const mayBeBlocked = !(socket instanceof HttpSocket) || socket.mayBeBlocked;
      if (!hasOpened && mayBeBlocked && this._attempts.length > 0) this._socket = this._dial();
      else this._handlers.closed(code);
    };
    if (this._attempts.length > 0) {
      this._timer = setTimeout(() => {
        hangUp(socket);
        this._socket = this._dial();
      }, OPEN_TIMEOUT * 1000);
    }
    return socket;
  }
}

/** @param {Socket} socket */
function hangUp(socket) {
  socket.onopen = socket.onmessage = socket.onclose = null;
  if (socket instanceof HttpSocket) socket.onready = null;
  socket.close(1000);
}
