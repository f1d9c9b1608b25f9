// How long the headers of a response may take. Bodies take as long as they take.

/** Not running until `start`. One timer and one promise: abort signals would cost each request five times as much. */
export class Deadline {
  /**
   * Resolves, to nothing, when the time has passed. The timer is not cleared when the answer is there before: nobody
   * listens any more, it ends with its request, and clearing it would cost as much as setting it.
   */
  readonly passed: Promise<undefined>;
  readonly start: () => void;

  /** @param ms from `start`. */
  constructor(ms: number) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.passed = promise;
    this.start = () => {
      setTimeout(resolve, ms);
    };
  }
}
