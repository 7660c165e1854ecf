/**
 * Tokens that end: a fresh one is fetched when the server asks for it, and before a link that needs it.
 *
 * The twin of peer/renewal.py.
 */

/** @typedef {() => Promise<string>} TokenSource gives a token that is good now; called again whenever one is about to end */

/** Seconds. */
const SOON = 60;
const RETRY_AFTER = 5;

export class Renewal {
  /**
   * @param {string | TokenSource} source
   * @param {(token: string) => void} present is given each fresh token
   */
  constructor(source, present) {
    this._source = source;
    this._present = present;
    this._isFetching = false;
    this._isStopped = false;
  }

  /** Fetch a fresh one and present it, unless there is no source, or one is being fetched. */
  async renew() {
    if (typeof this._source === "string" || this._isFetching) return;
    this._isFetching = true;
    try {
      while (!this._isStopped) {
        try {
          const token = await this._source();
          if (!this._isStopped) this._present(token);
          return;
        } catch (error) {
          // The application's; the session has some time left, so that is not the end.
          console.warn("peerlane: no fresh token could be fetched; trying again", error);
          await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER * 1000));
        }
      }
    } finally {
      this._isFetching = false;
    }
  }

  /** A link will be opened anew: with a token that ended meanwhile nobody would let it in. @param {number | null | undefined} expires */
  linkLost(expires) {
    if (expires != null && Date.now() / 1000 > expires - SOON) void this.renew();
  }

  stop() {
    this._isStopped = true;
  }
}
