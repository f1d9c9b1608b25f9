// How long the headers of a response may take. Bodies take as long as they take.

/** Not running until `start`. One timer and one promise: abort signals would cost each request five times as much. */
export class Deadline {
  readonly #ms: number;
  #pass: ((nothing: undefined) => void) | undefined;

  /** @param ms counted from `start`. */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /**
   * Starts the timer. It is not cleared when the answer comes first: it ends with its request, and clearing it would cost
   * as much as setting it.
   */
  start(): void {
    setTimeout(() => this.pass(), this.#ms);
  }

  /** Ends the race before its time. */
  pass(): void {
    this.#pass?.(undefined);
  }

  /** The result of `work`; undefined if the time passes first. */
  race<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#pass = resolve;
      work.then(resolve, reject);
    });
  }
}
