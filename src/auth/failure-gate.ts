// The gate between the token caches and the crypto: bounds how much verifying an address that sends junk can cause.
import { BoundedMap } from '../lib/bounded-map.ts';
import { delay } from '../lib/delay.ts';
import { PerSecond } from '../lib/per-second.ts';
import { callerPartition } from '../partition.ts';
import { type FailureCount, IsolateFailures } from './failure-count.ts';

/** How long the isolate remembers that an address failed too often, milliseconds. */
const REMEMBERED_MS = 10_000;
/** Addresses remembered. */
const MAX_ADDRESSES = 10_000;
/** Verifications a second that all remembered addresses share in one isolate. */
const SHARED_PER_SECOND = 20;
/**
 * The same for tokens that are presented again: an honest caller retries the one it has, junk is new each time. At a tenth
 * of a millisecond each they take a few hundredths of a core.
 */
const RETRIES_PER_SECOND = 300;
/** Tokens remembered that were turned away, each by its last characters. */
const MAX_TURNED_AWAY = 10_000;
const TAIL_CHARS = 40;
/** Verifications of one address at once. */
const MAX_AT_ONCE = 4;
/** A verification that takes longer was dropped with its request. */
const SLOT_MS = 2_000;
/** How long a request waits for a slot, and how many begin to wait in a second. */
const SLOT_WAIT_MS = 1_000;
const WAITS_PER_SECOND = 1_000;

/** One of an address's places to verify, and when it expires by itself. */
type Slot = { readonly until: number };

/** The address of every Worker of another zone, by Cloudflare's documentation; `CF-Worker` names the zone. */
const WORKERS_ADDRESS = '2a06:98c0:3600::103';

/** Whom a bad token is charged to: the client's address, or the zone of a Worker. */
export const gateKeyOf = (request: Request, ipv6Prefix: number): string => {
  const { headers } = request;
  const isWorker = headers.get('CF-Connecting-IP') === WORKERS_ADDRESS;
  return isWorker ? `worker ${headers.get('CF-Worker')}` : callerPartition(request, ipv6Prefix);
};

/**
 * Bounds verifications by address. Holds no promise and no count of running requests, since a runtime that drops a request
 * runs no `finally`: a slot that is never released expires.
 */
export class FailureGate {
  readonly #failing = new BoundedMap<string, number>(MAX_ADDRESSES);
  readonly #running = new BoundedMap<string, Slot[]>(MAX_ADDRESSES);
  readonly #shared = new PerSecond(SHARED_PER_SECOND);
  readonly #retries = new PerSecond(RETRIES_PER_SECOND);
  readonly #turnedAway = new BoundedMap<string, true>(MAX_TURNED_AWAY);
  readonly #waits = new PerSecond(WAITS_PER_SECOND);
  readonly #ownCount = new IsolateFailures();

  /** Whether an address has failed too often, so that its tokens share what is left. */
  isClosedTo(address: string): boolean {
    return Date.now() < (this.#failing.get(address) ?? 0);
  }

  /**
   * Whether a token of this address that was never verified here may be verified now.
   *
   * @param token left out where being presented again earns it nothing.
   */
  admits(address: string, token = ''): boolean {
    if (!this.isClosedTo(address)) return true;
    const now = Date.now();
    const tail = token.slice(-TAIL_CHARS);
    const isRetry = this.#turnedAway.get(tail) === true;
    if (this.#shared.take(now) || (isRetry && this.#retries.take(now))) return true;
    if (token !== '') this.#turnedAway.set(tail, true);
    return false;
  }

  /** Runs `verification` once a slot is free; undefined if none was in time. */
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
    if (failures === undefined) return this.chargeHere(address);
    const { success } = await failures.limit({ key: address });
    if (!success) this.#close(address);
  }

  /** Counts it in this isolate alone: a flood keeps an address closed out without a call for each failure. */
  chargeHere(address: string): void {
    if (!this.#ownCount.count(address)) this.#close(address);
  }

  #close(address: string): void {
    this.#failing.set(address, Date.now() + REMEMBERED_MS);
  }

  /** A fifth verification waits for a slot, since many honest callers may share an address; not for long, and not all of them. */
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
