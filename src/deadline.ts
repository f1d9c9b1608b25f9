// How long the headers of a response may take. Bodies take as long as they take.

/** Not running until `start`; its signal aborts when it has passed, unless it was cleared before. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: number | null = null;
  #cleared = false;

  /** @param ms from `start`. */
  constructor(ms: number) {
    this.#ms = ms;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get passed(): boolean {
    return this.signal.aborted;
  }

  readonly start = (): void => {
    if (!this.#cleared) this.#timer = setTimeout(() => this.#controller.abort(), this.#ms);
  };

  clear(): void {
    this.#cleared = true;
    clearTimeout(this.#timer);
  }
}
