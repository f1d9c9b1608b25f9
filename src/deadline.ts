// How long the headers of a response may take. Bodies take as long as they take.

/** Not running until `start`. One timer and one promise: abort signals would cost each request five times as much. */
export class Deadline {
  /** Resolves, to nothing, when the time has passed. */
  readonly passed: Promise<undefined>;
  readonly start: () => void;
  #timer: number | null = null;
  #cleared = false;

  /** @param ms from `start`. */
  constructor(ms: number) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.passed = promise;
    this.start = () => {
      if (!this.#cleared) this.#timer = setTimeout(resolve, ms);
    };
  }

  /** What was awaited is here: `passed` stays pending for good. */
  clear(): void {
    this.#cleared = true;
    clearTimeout(this.#timer);
  }
}
