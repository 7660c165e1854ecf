/** A queue whose first leaves at no cost, however many wait behind it. */

/** @template T */
export class Deque {
  constructor() {
    /** @type {(T | undefined)[]} */
    this._items = [];
    this._head = 0;
  }

  get length() {
    return this._items.length - this._head;
  }

  /** @param {T} item */
  push(item) {
    this._items.push(item);
  }

  /** The first, which leaves; only when there is one. @returns {T} */
  shift() {
    const item = /** @type {T} */ (this._items[this._head]);
    this._items[this._head] = undefined;
    this._head += 1;
    if (2 * this._head >= this._items.length) {
      this._items = this._items.slice(this._head);
      this._head = 0;
    }
    return item;
  }

  /** Counted from the first; only when there are so many. @param {number} index @returns {T} */
  at(index) {
    return /** @type {T} */ (this._items[this._head + index]);
  }

  clear() {
    this._items = [];
    this._head = 0;
  }
}
