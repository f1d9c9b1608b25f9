// Holds: permits of requests whose cost is known only after their answer. They are counted apart from the algorithms' states,
// so that they can come back under every algorithm and window, until they are settled or their time is over. No clock, no
// I/O.
import { permitsOf } from './counters.ts';
import type { Policy } from './policy.ts';

/** Groups of requests that hold permits at one time, in one partition; beyond it nothing more is held. */
const MAX_HOLDS = 4_096;

/** Requests that were granted together. */
export interface Hold {
  readonly policies: readonly Policy[];
  /** Permits that each may spend. */
  readonly cost: number;
  /** By then those that are not settled have spent their cost. */
  readonly end: number;
  /** Those that are not settled yet. */
  requests: number;
  /** Settlements that were had; each counts once. */
  readonly parts: Set<number>;
}

/** What one partition's requests hold. */
export class Holds {
  readonly #holds = new Map<string, Hold>();
  /** Permits held, by counter. */
  readonly #permits = new Map<string, number>();

  get isFull(): boolean {
    return this.#holds.size >= MAX_HOLDS;
  }

  add(name: string, hold: Omit<Hold, 'parts'>): void {
    this.#holds.set(name, { ...hold, parts: new Set() });
    this.#count(hold, hold.requests);
  }

  /**
   * Ends some requests of a hold, once for each part.
   * @returns the hold and how many requests of it were ended now; undefined where there is none, or none was.
   */
  end(name: string, part: number, requests: number): { hold: Hold; ended: number } | undefined {
    const hold = this.#holds.get(name);
    if (hold === undefined || hold.parts.has(part)) return undefined;
    hold.parts.add(part);
    const ended = Math.min(requests, hold.requests);
    hold.requests -= ended;
    this.#count(hold, -ended);
    if (hold.requests === 0) this.#holds.delete(name);
    return { hold, ended };
  }

  /** Those whose time is over, which are no longer held. */
  expire(now: number): Hold[] {
    const over = [...this.#holds].filter(([, { end }]) => end <= now);
    for (const [name, hold] of over) {
      this.#holds.delete(name);
      this.#count(hold, -hold.requests);
    }
    return over.map(([, hold]) => hold);
  }

  /** All that are held. */
  get all(): readonly Hold[] {
    return [...this.#holds.values()];
  }

  /** Permits of a counter that are held. */
  out(counter: string): number {
    return this.#permits.get(counter) ?? 0;
  }

  /** When the last of them is over; undefined where none is held. */
  lastEnd(counter: string): number | undefined {
    const ends = this.all
      .filter(({ policies }) => policies.some((policy) => policy.counter === counter))
      .map(({ end }) => end);
    return ends.length === 0 ? undefined : Math.max(...ends);
  }

  #count({ policies, cost }: Pick<Hold, 'policies' | 'cost'>, requests: number): void {
    for (const policy of policies) {
      const permits = this.out(policy.counter) + permitsOf(policy, cost, requests);
      if (permits > 0) this.#permits.set(policy.counter, permits);
      else this.#permits.delete(policy.counter);
    }
  }
}
