/**
 * Who may come into a room and what you may do in it, as the server has told it.
 *
 * The twin of peer/access.py.
 */

import { permits } from "./moderation.js";

/** @typedef {import("./protocol.js").Permission} Permission */
/** @typedef {import("./protocol.js").RoomUpdated} RoomUpdated */
/** @typedef {import("./protocol.js").Knocked} Knocked */
/** @typedef {import("./protocol.js").KnockEnded} KnockEnded */
/** @typedef {import("./protocol.js").Permitted} Permitted */

export class Access {
  /**
   * @param {import("./events.js").Emitter<import("./room.js").RoomEvents>} listeners are told what has changed
   * @param {number} capacity
   */
  constructor(listeners, capacity) {
    this._listeners = listeners;
    this.capacity = capacity;
    /** Null before you are in. @type {import("./protocol.js").RoomSettings | null} */
    this.settings = null;
    /** By id, where you may decide about them. @type {Map<string, import("./protocol.js").Peer>} */
    this.waiting = new Map();
    /** What a newer token permits; null: what the welcome says. @type {Permission[] | null} */
    this._can = null;
  }

  /** Whether you may do this; `welcomed` is what the welcome permits. @param {Permission} permission @param {{me: string, welcomed: Permission[]}} you */
  may(permission, { me, welcomed }) {
    return permits(this._can ?? welcomed, this.settings?.owner === me, permission);
  }

  /** @param {import("./protocol.js").Joined} event */
  joined(event) {
    const isAgain = this.settings !== null;
    this.capacity = event.capacity;
    this.settings = event.settings ?? null;
    this.waiting = new Map((event.waiting ?? []).map((peer) => [peer.id, peer]));
    // After a restart of the server the room was made anew, and perhaps by somebody else.
    if (isAgain && this.settings) this._listeners.emit("room-updated", this.settings);
  }

  /** @param {RoomUpdated | Knocked | KnockEnded | Permitted} event */
  changed(event) {
    switch (event.type) {
      case "room-updated":
        this.settings = event.settings;
        this.capacity = event.settings.capacity;
        this._listeners.emit("room-updated", event.settings);
        break;
      case "knocked":
        this.waiting.set(event.peer.id, event.peer);
        this._listeners.emit("knocked", event.peer);
        break;
      case "knock-ended":
        this.waiting.delete(event.id);
        this._listeners.emit("knock-ended", { id: event.id });
        break;
      case "permitted":
        this._can = event.can;
        this._listeners.emit("permitted", { can: event.can, expires: event.expires ?? null });
        break;
    }
  }

  /** A new welcome says what the token permits. */
  welcomed() {
    this._can = null;
  }
}
