/** Wakes everybody who waits; whoever has waited looks again. */
export class Bell {
  constructor() {
    /** @type {(() => void)[]} */
    this._waiting = [];
  }

  ring() {
    for (const wake of this._waiting.splice(0)) wake();
  }

  /** Until the next `ring`. @returns {Promise<void>} */
  wait() {
    return new Promise((resolve) => this._waiting.push(resolve));
  }
}
