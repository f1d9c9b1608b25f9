// How much verifying an address gets for its junk: the gate between the token caches and the crypto.
import { BoundedMap } from '../lib/bounded-map.ts';
import { delay } from '../lib/delay.ts';
import { PerSecond } from '../lib/per-second.ts';
import { type FailureCount, IsolateFailures } from './failure-count.ts';

/** How long the isolate remembers that an address failed too often, milliseconds. */
const REMEMBERED_MS = 10_000;
/** Addresses remembered. */
const MAX_ADDRESSES = 10_000;
/** Verifications a second that all remembered addresses share in one isolate. */
const SHARED_PER_SECOND = 20;
/** Verifications of one address at once. */
const MAX_AT_ONCE = 4;
/** A verification that has not ended by then was dropped with its request. */
const SLOT_MS = 2_000;
/** How long a request waits for a slot, and how many begin to wait in a second. */
const SLOT_WAIT_MS = 1_000;
const WAITS_PER_SECOND = 1_000;

/** A place among the verifications of an address: when it ends by itself. */
type Slot = { readonly until: number };

/**
 * Keeps no promise and no count of running requests: a runtime that drops a request runs no `finally`. What is never
 * given back runs out by time.
 */
export class FailureGate {
  readonly #failing = new BoundedMap<string, number>(MAX_ADDRESSES);
  readonly #running = new BoundedMap<string, Slot[]>(MAX_ADDRESSES);
  readonly #shared = new PerSecond(SHARED_PER_SECOND);
  readonly #waits = new PerSecond(WAITS_PER_SECOND);
  readonly #ownCount = new IsolateFailures();

  /** Whether a token of this address that was never verified here may be verified now. */
  admits(address: string): boolean {
    const now = Date.now();
    return now >= (this.#failing.get(address) ?? 0) || this.#shared.take(now);
  }

  /** Runs `verification` in its turn, or returns undefined where that did not come. */
  async run<T>(address: string, verification: () => Promise<T>): Promise<T | undefined> {
    const slot = await this.#slot(address);
    if (!slot) return undefined;
    try {
      return await verification();
    } finally {
      this.#release(address, slot);
    }
  }

  /**
   * Counts a failed verification. The binding counts for the data centre and cannot be asked without counting; without it
   * the isolate counts for itself.
   */
  async charge(failures: FailureCount | undefined, address: string): Promise<void> {
    const { success } = await (failures ?? this.#ownCount).limit({ key: address });
    if (!success) this.#failing.set(address, Date.now() + REMEMBERED_MS);
  }

  /** A fifth verification waits its turn, since many honest callers may share an address; not for long, and not all. */
  async #slot(address: string): Promise<Slot | undefined> {
    const slot = this.#take(address, Date.now());
    if (slot || !this.#waits.take(Date.now())) return slot;
    return this.#awaitSlot(address, Date.now() + SLOT_WAIT_MS);
  }

  async #awaitSlot(address: string, until: number): Promise<Slot | undefined> {
    for (let step = 2; Date.now() < until; step = Math.min(50, step * 2)) {
      await delay(step);
      const slot = this.#take(address, Date.now());
      if (slot) return slot;
    }
    return undefined;
  }

  #take(address: string, now: number): Slot | undefined {
    const slots = (this.#running.get(address) ?? []).filter(({ until }) => until > now);
    if (slots.length >= MAX_AT_ONCE) return undefined;
    const slot = { until: now + SLOT_MS };
    this.#running.set(address, [...slots, slot]);
    return slot;
  }

  #release(address: string, slot: Slot): void {
    const slots = (this.#running.get(address) ?? []).filter((other) => other !== slot);
    if (slots.length > 0) this.#running.set(address, slots);
    else this.#running.delete(address);
  }
}
