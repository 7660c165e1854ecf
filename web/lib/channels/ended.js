/** Channels that have ended, and what the other side has not been told of it yet. */

/** Of each sort; the oldest leaves. It may come back then, which is a nuisance and no harm. */
const MAX_REMEMBERED = 256;

export class Ended {
  /** @param {(message: import("../wire.js").Close) => boolean} say over the control channel; false when it cannot */
  constructor(say) {
    this._say = say;
    /** @type {Set<string>} */
    this._ids = new Set();
    /** What could not be said: id → label. @type {Map<string, string>} */
    this._unsaid = new Map();
    /** Labels that were closed before their id was known; the other side will say it. @type {Set<string>} */
    this._unnamed = new Set();
  }

  /** @param {string} id */
  has(id) {
    return this._ids.has(id);
  }

  /** @param {string} id */
  remember(id) {
    if (id === "") return;
    this._ids.delete(id);
    this._ids.add(id);
    keepNewest(this._ids);
  }

  /** Say that it is closed, now or when that is possible. @param {string} label @param {string} id */
  close(label, id) {
    this.remember(id);
    if (id === "") {
      this._unnamed.add(label);
      keepNewest(this._unnamed);
    }
    const wasSaid = this._say({ type: "close", label, id });
    if (id !== "" && !wasSaid) {
      this._unsaid.set(id, label);
      keepNewest(this._unsaid);
    }
  }

  /** Whether the other side's next word about this label is about the one that was closed. @param {string} label */
  isUnnamed(label) {
    return this._unnamed.has(label);
  }

  /** @param {string} label */
  named(label) {
    this._unnamed.delete(label);
  }

  /** The other side can hear us now. */
  sayAll() {
    const unsaid = [...this._unsaid];
    this._unsaid.clear();
    for (const [id, label] of unsaid) this._say({ type: "close", label, id });
    for (const label of this._unnamed) this._say({ type: "close", label, id: "" });
  }
}

/** @param {Set<string> | Map<string, string>} items */
function keepNewest(items) {
  if (items.size <= MAX_REMEMBERED) return;
  const [oldest] = items.keys();
  items.delete(oldest);
}
