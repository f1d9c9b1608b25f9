// Virtual time: timers and the clock of this process, so that minutes of waiting pass in milliseconds. Only the clock is made
// up.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';

interface Timer {
  readonly at: number;
  readonly call: () => void;
  /** For whom it was set. */
  readonly owner: string | undefined;
}

/** Whose work runs. */
const owners = new AsyncLocalStorage<string>();

/** Replaces the clock, `setTimeout` and the Workers runtime's `scheduler.wait` until `end`. */
export class VirtualTime {
  /** Milliseconds since the epoch. */
  now: number;
  readonly #timers = new Map<number, Timer>();
  #count = 0;
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
    // At once, since a thread of its own would take time that is not this one.
    crypto.subtle.digest = async (algorithm, data) => {
      const name = String(algorithm).toLowerCase().replace('-', '');
      return Uint8Array.from(
        createHash(name)
          .update(new Uint8Array(data as ArrayBuffer))
          .digest(),
      ).buffer;
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
    for (await allElse(); !isOver; await allElse()) this.#runNext();
    return work;
  }

  /** Lets so much time pass, in which everything happens that is due. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await allElse();
    for (let next = this.#first(); next !== undefined && next[1].at <= end; next = this.#first()) {
      this.#runNext();
      await allElse();
    }
    this.now = end;
  }

  /** When the next timer is due; undefined where there is none. */
  get next(): number | undefined {
    return this.#first()?.[1].at;
  }

  /** Does somebody's work: what comes of it later is theirs as well. */
  runFor<T>(owner: string, work: () => T): T {
    return owners.run(owner, work);
  }

  /** Whose work runs; undefined: nobody's. */
  get owner(): string | undefined {
    return owners.getStore();
  }

  /** Whether timers of theirs are to go off. */
  hasTimers(owner: string): boolean {
    return [...this.#timers.values()].some((timer) => timer.owner === owner);
  }

  /** Has no timer of theirs go off, as of a request that was killed. */
  drop(owner: string): void {
    for (const [id, timer] of this.#timers) if (timer.owner === owner) this.#timers.delete(id);
  }

  /** The process has its own clock again. */
  end(): void {
    Date.now = this.#clock;
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
    crypto.subtle.digest = this.#digest;
  }

  #add(call: () => void, ms: number): number {
    this.#timers.set(++this.#count, { at: this.now + Math.max(0, ms), call, owner: this.owner });
    return this.#count;
  }

  /** The earliest timer; of two at one moment, the older. */
  #first(): [number, Timer] | undefined {
    let first: [number, Timer] | undefined;
    for (const entry of this.#timers) if (first === undefined || entry[1].at < first[1].at) first = entry;
    return first;
  }

  #runNext(): void {
    const first = this.#first();
    if (first === undefined) return;
    const [id, { at, call }] = first;
    this.#timers.delete(id);
    this.now = Math.max(this.now, at);
    call();
  }
}

/** Everything that needs no timer has been done. */
export const allElse = (): Promise<void> =>
  new Promise((resolve) => {
    process.nextTick(resolve);
  });
