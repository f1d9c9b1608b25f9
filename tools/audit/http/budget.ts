// How much the audit may send: a number of requests in all, and a rate that no second exceeds.
import { Inconclusive, pause } from '../stop.ts';

const SECOND_MS = 1000;

export interface BudgetLimits {
  /** Requests in all. */
  readonly maxRequests: number;
  /** Requests in any one second. */
  readonly rate: number;
}

/** Hands out permission to send. Single requests are spaced evenly; a burst waits until a second has room for all of it. */
export class Budget {
  readonly limits: BudgetLimits;
  readonly #signal: AbortSignal;
  #sent = 0;
  #lastSecond: number[] = [];
  #queue: Promise<void> = Promise.resolve();

  constructor(limits: BudgetLimits, signal: AbortSignal) {
    this.limits = limits;
    this.#signal = signal;
  }

  get sent(): number {
    return this.#sent;
  }

  get left(): number {
    return this.limits.maxRequests - this.#sent;
  }

  /** Resolves when `count` requests may leave together. `count` is at most `rate`. */
  take(count = 1): Promise<void> {
    const turn = this.#queue.then(() => this.#admit(count));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #admit(count: number): Promise<void> {
    if (count > this.left)
      throw new Inconclusive(`the budget of ${this.limits.maxRequests} requests is spent`);
    for (let wait = this.#wait(count); wait > 0; wait = this.#wait(count)) await pause(wait, this.#signal);
    const now = performance.now();
    for (let i = 0; i < count; i++) this.#lastSecond.push(now);
    this.#sent += count;
  }

  /** Whole milliseconds until `count` more keep the rate. */
  #wait(count: number): number {
    const now = performance.now();
    this.#lastSecond = this.#lastSecond.filter((at) => at > now - SECOND_MS);
    const spacing =
      count === 1 ? (this.#lastSecond.at(-1) ?? -SECOND_MS) + SECOND_MS / this.limits.rate - now : 0;
    const over = this.#lastSecond.length + count - this.limits.rate;
    const room = over > 0 ? (this.#lastSecond[over - 1] ?? now) + SECOND_MS - now : 0;
    return Math.ceil(Math.max(spacing, room, 0));
  }
}
