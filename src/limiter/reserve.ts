// The reserve: permits that storage counts already and memory has not granted yet, so that most grants write nothing. No
// clock, no I/O.
import type { Books } from './books.ts';
import { boundary, type Counters, type Draw, peek, reserve, undrained } from './counters.ts';
import type { Policy } from './policy.ts';

/** How long a reserve may be granted from after it was written. */
export const RESERVE_MS = 10_000;

/**
 * A crash loses what is reserved and what is lent, so both together take no more than this share of what remains; but a
 * reserve may always have the least one, so that a hot subject's writes stay few.
 */
const SHARE = 0.1;
const LEAST_SHARE = SHARE / 4;

/** What is reserved of one counter. */
interface Part {
  readonly permits: number;
  /** The quota that they were reserved under: a smaller one may make more of them. */
  readonly quota: number;
}

/** The reserve of one partition. */
export class Reserve {
  #parts = new Map<string, Part>();
  #size = 0;
  #end = 0;
  #writtenAt = Number.NEGATIVE_INFINITY;

  /** Takes all of it, if there is so much: then nothing needs to be written. */
  draw(now: number, drawn: readonly Draw[]): boolean {
    if (drawn.every(({ permits }) => permits === 0)) return true;
    const left = new Map(this.#parts);
    for (const { policy, permits } of drawn) {
      const { permits: before = 0, quota = 0 } = left.get(policy.counter) ?? {};
      if (quota > policy.quota || before < permits) return false;
      left.set(policy.counter, { permits: before - permits, quota });
    }
    if (now >= this.#end) return false;
    this.#parts = left;
    return true;
  }

  /**
   * Books a new reserve for these policies, and anew what is still reserved of other counters.
   * @param drawn what could not be drawn and is in the books by now.
   * @param leaseMs the longest life of a lease.
   * @returns the counters to write.
   */
  renew(
    books: Books,
    now: number,
    policies: readonly Policy[],
    drawn: readonly Draw[],
    leaseMs: number,
  ): Counters {
    const granted = Math.max(0, ...drawn.map(({ permits }) => permits));
    const size = this.#nextSize(books, now, policies, granted);
    const wanted = new Map([
      ...[...this.#parts].map(([counter, { permits }]) => [counter, permits] as const),
      ...policies.map((policy) => [policy.counter, size - granted] as const),
    ]);
    const spent = undrained(books.counters, now);
    this.#end = now + RESERVE_MS;
    const end = this.#end + leaseMs;
    let ahead = books.shares.store(spent, now, this.#end, end);
    this.#parts = new Map();
    for (const { policy } of ahead.values()) {
      const permits = wanted.get(policy.counter) ?? 0;
      const booked = reserve(ahead, now, end, policy, permits);
      if (booked === undefined) continue;
      ahead = booked;
      this.#parts.set(policy.counter, { permits, quota: policy.quota });
      this.#end = Math.min(this.#end, boundary([policy], now));
    }
    this.#size = size;
    this.#writtenAt = now;
    return ahead;
  }

  /** The grant at hand after a load or a quiet time, then doubling, up to ten seconds' worth of quota and a share of the rest. */
  #nextSize({ counters, loans }: Books, now: number, policies: readonly Policy[], granted: number): number {
    if (now - this.#writtenAt > RESERVE_MS) return granted;
    const rooms = policies.map((policy) => {
      const worth = (policy.quota * RESERVE_MS) / policy.windowMs;
      const { remaining } = peek(counters, now, policy);
      const room = Math.max(remaining * LEAST_SHARE, remaining * SHARE - loans.out(policy.counter, now));
      return Math.floor(Math.min(worth, room));
    });
    return Math.max(granted, Math.min(this.#size * 2, ...rooms));
  }
}
