/**
 * How everything here tells what has happened: typed events, and bounded streams to iterate over.
 */

/**
 * An EventTarget whose events are known: `Events` maps each name to the type of its `detail`.
 *
 * @template {Record<string, any>} Events
 */
export class Emitter extends EventTarget {
  /**
   * Call `handler` with the detail of each such event; returns the function that stops it.
   *
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(detail: Events[Name]) => void} handler
   * @param {{signal?: AbortSignal}} [options]
   * @returns {() => void}
   */
  on(name, handler, options = {}) {
    /** @param {Event} event */
    const listener = (event) => handler(/** @type {CustomEvent<Events[Name]>} */ (event).detail);
    this.addEventListener(name, listener, options);
    return () => this.removeEventListener(name, listener);
  }

  /**
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {Events[Name]} detail
   */
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/**
 * A bounded queue between one that puts and one that iterates; when full, the oldest goes.
 *
 * @template T
 * @implements {AsyncIterable<T>}
 */
export class Stream {
  /** @param {number} limit */
  constructor(limit) {
    this._limit = limit;
    /** @type {T[]} */
    this._items = [];
    /** @type {((result: IteratorResult<T>) => void)[]} */
    this._waiting = [];
    this._ended = false;
    /** How many items were lost because nobody took them. */
    this.dropped = 0;
  }

  get length() {
    return this._items.length;
  }

  /** @param {T} item */
  put(item) {
    if (this._ended) return;
    const waiting = this._waiting.shift();
    if (waiting) {
      waiting({ value: item, done: false });
      return;
    }
    if (this._items.length >= this._limit) {
      this._items.shift();
      this.dropped += 1;
    }
    this._items.push(item);
  }

  /** Take all that waits, at once. */
  drain() {
    return this._items.splice(0);
  }

  /** What is inside can still be read; then the iteration ends. */
  end() {
    this._ended = true;
    for (const waiting of this._waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  /** @returns {AsyncIterator<T>} */
  [Symbol.asyncIterator]() {
    return {
      next: () => {
        const item = this._items.shift();
        if (item !== undefined) return Promise.resolve({ value: item, done: false });
        if (this._ended) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => this._waiting.push(resolve));
      },
      return: () => Promise.resolve({ value: undefined, done: true }),
    };
  }
}
