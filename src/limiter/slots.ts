// The slots of one partition: which of its requests are in flight, and until when each counts unless it is heard of again.
// Pure but for its own fields: the clock is passed in and writing is the caller's, so that the Limiter and the property
// tests run the same code.
import type { SlotPolicy } from './policy.ts';

/** A slot that was not heard of for so long has come back: its isolate is gone. */
export const SLOT_MS = 20_000;

/** What is stored holds for so long, so that a busy partition writes every few seconds and not for every request. */
const STORED_MS = SLOT_MS + 8_000;

/** Messages of isolates are at most so late, and so many ended requests are remembered for that. */
const LATE_MS = 5_000;
const MAX_ENDED = 4_096;

/** Beyond those that are taken, this share of them may be lent before the next write. */
const SPARE = 0.25;

/**
 * What storage holds: as much as memory may have lent. Members are only ever added.
 */
export interface StoredSlots {
  /** By then every slot that was lent under this record has come back or was heard of again. */
  readonly until: number;
  /** By counter: slots that may be lent at one time under this record. */
  readonly lent: ReadonlyMap<string, number>;
}

/** A slot that is taken. */
interface Taken {
  readonly counters: readonly string[];
  end: number;
}

/** A record to store; it must be durable before what came of the call leaves. */
interface Write {
  readonly write: StoredSlots | undefined;
}

/** The books of one partition's slots. */
export class Slots {
  /** Those that end first stand first. */
  readonly #taken = new Map<string, Taken>();
  readonly #counts = new Map<string, number>();
  /** By counter: slots that lost memory may have lent, and of which nothing was heard yet. */
  #unheard: Map<string, number>;
  readonly #unheardUntil: number;
  /** Requests that have ended lately: a renewal that was sent before may come after. */
  readonly #ended = new Map<string, number>();
  #stored: StoredSlots | undefined;
  /** By counter: the most that were taken since the last write, and how many there are in all. */
  #most = new Map<string, number>();
  readonly #slots = new Map<string, number>();
  #now = 0;

  /** @param stored what storage held when this object was loaded. */
  constructor(stored: StoredSlots | undefined) {
    this.#stored = stored;
    this.#unheard = new Map(stored?.lent);
    this.#unheardUntil = stored?.until ?? 0;
  }

  /**
   * Lends a slot of every policy under each of these names, the first ones first, as long as there are any.
   * @returns how many of the names have slots now.
   */
  lend(clock: number, names: readonly string[], policies: readonly SlotPolicy[]): Write & { lent: number } {
    const now = this.#tick(clock);
    const free = Math.min(...policies.map((policy) => this.#free(policy)));
    const lent = names.slice(0, Math.max(0, free));
    for (const name of lent) this.#take(name, policies, now);
    return { lent: lent.length, write: this.#writeAhead(now) };
  }

  /** These requests are in flight still: their slots count on, and of those that lost memory lent, it is known now. */
  renew(clock: number, names: readonly string[], policies: readonly SlotPolicy[]): Write {
    const now = this.#tick(clock);
    for (const name of names.filter((each) => !this.#ended.has(each))) {
      if (!this.#taken.has(name)) this.#hear(policies);
      this.#take(name, policies, now);
    }
    return { write: this.#writeAhead(now) };
  }

  /** These requests have ended. Each is told once. */
  end(clock: number, names: readonly string[], policies: readonly SlotPolicy[]): void {
    const now = this.#tick(clock);
    for (const name of names) {
      if (!this.#giveBack(name)) this.#hear(policies);
      this.#ended.set(name, now);
    }
  }

  /** Slots of a policy that are left. */
  free(clock: number, policy: SlotPolicy): number {
    this.#tick(clock);
    return Math.max(0, this.#free(policy));
  }

  /** Whether nothing is taken, nor may be. */
  isAtRest(clock: number): boolean {
    this.#tick(clock);
    return this.#taken.size === 0 && this.#unheard.size === 0;
  }

  /** At rest, what is stored may go. */
  forget(): void {
    this.#stored = undefined;
    this.#most = new Map();
  }

  #free({ counter, slots }: SlotPolicy): number {
    return slots - this.#count(counter);
  }

  /** Those that are taken, or may be. */
  #count(counter: string): number {
    return (this.#counts.get(counter) ?? 0) + (this.#unheard.get(counter) ?? 0);
  }

  #take(name: string, policies: readonly SlotPolicy[], now: number): void {
    this.#giveBack(name);
    this.#taken.set(name, { counters: policies.map(({ counter }) => counter), end: now + SLOT_MS });
    for (const { counter, slots } of policies) {
      this.#slots.set(counter, slots);
      this.#counts.set(counter, (this.#counts.get(counter) ?? 0) + 1);
      this.#most.set(counter, Math.max(this.#most.get(counter) ?? 0, this.#count(counter)));
    }
  }

  #giveBack(name: string): boolean {
    const taken = this.#taken.get(name);
    if (taken === undefined) return false;
    this.#taken.delete(name);
    for (const counter of taken.counters) lower(this.#counts, counter);
    return true;
  }

  /** One of those that were not heard of is. */
  #hear(policies: readonly SlotPolicy[]): void {
    for (const { counter } of policies) lower(this.#unheard, counter);
  }

  /** Time never runs backwards here, whatever the clock does. */
  #tick(clock: number): number {
    this.#now = Math.max(this.#now, clock);
    if (this.#unheardUntil <= this.#now) this.#unheard = new Map();
    for (const [name, { end }] of this.#taken) {
      if (end > this.#now) break;
      this.#giveBack(name);
    }
    for (const [name, at] of this.#ended) {
      if (at + LATE_MS > this.#now && this.#ended.size <= MAX_ENDED) break;
      this.#ended.delete(name);
    }
    return this.#now;
  }

  /** Undefined where what is stored covers what is taken. */
  #writeAhead(now: number): StoredSlots | undefined {
    if (this.#taken.size === 0 || this.#isCovered(now)) return undefined;
    const counters = new Set([...this.#counts.keys(), ...this.#unheard.keys()]);
    const ahead = [...counters].map((counter) => {
      const count = this.#count(counter);
      const most = Math.max(this.#most.get(counter) ?? 0, count);
      const spare = Math.min(most + Math.floor(most * SPARE), this.#slots.get(counter) ?? 0);
      return [counter, Math.max(spare, count)] as const;
    });
    this.#most = new Map();
    this.#stored = { until: now + STORED_MS, lent: new Map(ahead) };
    return this.#stored;
  }

  #isCovered(now: number): boolean {
    const { until = 0, lent } = this.#stored ?? {};
    const counters = [...this.#counts.keys()];
    return (
      until >= now + SLOT_MS && counters.every((counter) => this.#count(counter) <= (lent?.get(counter) ?? 0))
    );
  }
}

const lower = (counts: Map<string, number>, counter: string): void => {
  const left = (counts.get(counter) ?? 0) - 1;
  if (left > 0) counts.set(counter, left);
  else counts.delete(counter);
};
