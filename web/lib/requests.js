/**
 * What a room has asked the server for, and whoever waits for the answer.
 *
 * The twin of peer/requests.py.
 */

/** @typedef {import("./signaling_client/session.js").Effect} Effect */

export class Requests {
  /** @param {(effects: Effect[]) => void} perform does what asking comes to */
  constructor(perform) {
    this._perform = perform;
    /** @type {Map<number, PromiseWithResolvers<void>>} */
    this._answers = new Map();
  }

  /**
   * Resolves when it has been granted, and rejects with what it was answered with otherwise.
   *
   * @param {number} request
   * @param {() => Effect[]} act
   */
  ask(request, act) {
    // What throws here was not asked, so nobody waits for its answer.
    const effects = act();
    /** @type {PromiseWithResolvers<void>} */
    const answer = Promise.withResolvers();
    this._answers.set(request, answer);
    this._perform(effects);
    return answer.promise;
  }

  /** It is granted, or refused with this error. False when nobody waits for it. @param {number} request @param {Error} [error] */
  answer(request, error) {
    const answer = this._answers.get(request);
    this._answers.delete(request);
    if (error) answer?.reject(error);
    else answer?.resolve();
    return answer !== undefined;
  }

  /** Nothing is answered any more. @param {Error} error */
  end(error) {
    for (const request of [...this._answers.keys()]) this.answer(request, error);
  }
}
