// A count that starts anew each second: bounds work that nobody can be trusted to report as finished.

/**
 * Allows `limit` a second. A runtime that drops a request runs no `finally`, so a count of what is *running* would
 * leak; a count of what has *begun* cannot.
 */
export class PerSecond {
  readonly #limit: number;
  #second = 0;
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param now milliseconds since the epoch. */
  take(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= this.#limit) return false;
    this.#taken += 1;
    return true;
  }
}
