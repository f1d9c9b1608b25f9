// Virtual time: timers and the clock of this process, so that minutes of waiting pass in milliseconds. Only the clock is made
// up.

interface Timer {
  readonly at: number;
  readonly call: () => void;
}

/** Replaces the clock, `setTimeout` and the Workers runtime's `scheduler.wait` until `end`. */
export class VirtualTime {
  /** Milliseconds since the epoch. */
  now: number;
  readonly #timers = new Map<number, Timer>();
  #count = 0;
  /** Digests that are being computed, which takes no time here. */
  #digests = 0;
  readonly #clock = Date.now;
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  readonly #digest = crypto.subtle.digest.bind(crypto.subtle);

  /** @param start milliseconds since the epoch. */
  constructor(start: number) {
    this.now = start;
    Date.now = () => Math.floor(this.now);
    Object.assign(globalThis, {
      setTimeout: (call: () => void, ms = 0) => this.#add(call, ms),
      clearTimeout: (id: number) => this.#timers.delete(id),
      scheduler: { wait: (ms: number) => this.wait(ms) },
    });
    crypto.subtle.digest = async (...args) => {
      this.#digests++;
      return this.#digest(...args).finally(() => {
        this.#digests--;
      });
    };
  }

  /** Waits in virtual time. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#add(resolve, ms);
    });
  }

  /** Runs `work` to its end, as fast as its timers allow. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    work.then(over, over);
    for (await allElse(); !isOver; await allElse()) if (this.#digests === 0) this.#runNext();
    return work;
  }

  /** The process has its own clock again. */
  end(): void {
    Date.now = this.#clock;
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
    crypto.subtle.digest = this.#digest;
  }

  #add(call: () => void, ms: number): number {
    this.#timers.set(++this.#count, { at: this.now + Math.max(0, ms), call });
    return this.#count;
  }

  /** The earliest timer; of two at one moment, the older. */
  #runNext(): void {
    let first: [number, Timer] | undefined;
    for (const entry of this.#timers) if (first === undefined || entry[1].at < first[1].at) first = entry;
    if (first === undefined) return;
    const [id, { at, call }] = first;
    this.#timers.delete(id);
    this.now = Math.max(this.now, at);
    call();
  }
}

/** Everything that needs no timer has been done. */
const allElse = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
