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
    /**
     * How often a label was closed before its id was known, and the other side has not said it yet.
     *
     * @type {Map<string, number>}
     */
    this._unnamed = new Map();
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
      this._unnamed.set(label, (this._unnamed.get(label) ?? 0) + 1);
      keepNewest(this._unnamed);
    }
    const wasSaid = this._say({ type: "close", label, id });
    if (id !== "" && !wasSaid) {
      this._unsaid.set(id, label);
      keepNewest(this._unsaid);
    }
  }

  /** Whether the next lane of this label may still be that of a channel which was closed. @param {string} label */
  isUnnamed(label) {
    return this._unnamed.has(label);
  }

  /** The other side has answered one of those. @param {string} label */
  named(label) {
    const unanswered = (this._unnamed.get(label) ?? 1) - 1;
    if (unanswered > 0) this._unnamed.set(label, unanswered);
    else this._unnamed.delete(label);
  }

  /** The other side can hear us now. */
  sayAll() {
    const unsaid = [...this._unsaid];
    this._unsaid.clear();
    for (const [id, label] of unsaid) this._say({ type: "close", label, id });
    for (const label of this._unnamed.keys()) {
      // What was said before has been lost, or its answer has.
      this._unnamed.set(label, 1);
      this._say({ type: "close", label, id: "" });
    }
  }
}

/** @param {Set<string> | Map<string, unknown>} items */
function keepNewest(items) {
  if (items.size <= MAX_REMEMBERED) return;
  const [oldest] = items.keys();
  items.delete(oldest);
}
