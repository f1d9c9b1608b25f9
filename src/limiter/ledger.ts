// The books of one partition: what was granted (memory), what storage must count (with a reserve), what may be given
// back. Pure but for its own fields: the clock is passed in and writing is the caller's, so that the Limiter, the
// simulator and the property tests run the same code.
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Decision } from './arithmetic.ts';
import { boundary, type Counters, consume, drainedAt, giveBack, peek, undrained } from './counters.ts';
import {
  type Abnormal,
  type Ask,
  DENIAL_MS,
  denial,
  LEASE_MS,
  type Reply,
  type Return,
  VERSION,
} from './messages.ts';
import { isLeasable, type Policy } from './policy.ts';
import { addUse, calmsInMs, forgottenAt, isUnusual, type Usage } from './usage.ts';

/** What storage holds: enough to resume without ever admitting more than memory would have. */
export interface Stored {
  readonly version: typeof VERSION;
  /** When this was written, by the ledger's clock. */
  readonly at: number;
  readonly counters: Counters;
  /** When the partition was first seen since it last rested. */
  readonly since: number;
  /** Only where unusual use is watched. */
  readonly usage?: Usage | undefined;
}

/** What a partition has left, for people to look at. */
export interface Look {
  /** Milliseconds since the epoch, undefined where nothing was asked since the partition last rested. */
  readonly firstSeen: number | undefined;
  readonly lastSeen: number | undefined;
  readonly policies: readonly { readonly policy: Policy; readonly decision: Decision }[];
}

/** How long a reserve may be granted from after it was written. */
const RESERVE_MS = 10_000;

/** A permit granted at the reserve's very end may be used a lease's life later; storage counts them all from there. */
const AHEAD_MS = RESERVE_MS + LEASE_MS;

/** Neither a reserve nor a lease takes more than this share of what remains. */
const SHARE = 0.1;

/** Grants that may still be given back; beyond it the oldest stay spent. */
const MAX_GRANTS = 4_096;

interface Grant {
  readonly policies: readonly Policy[];
  readonly cost: number;
  readonly until: number;
  readonly granted: number;
}

export class Ledger {
  #now: number;
  #counters: Counters;
  /** Permits by counter that storage counts and memory has not granted yet. */
  #reserve = new Map<string, number>();
  #reserveSize = 0;
  #reserveEnd = 0;
  #writtenAt = Number.NEGATIVE_INFINITY;
  readonly #grants = new BoundedMap<string, Grant>(MAX_GRANTS);
  #grantCount = 0;
  #leasedUntil = 0;
  #firstSeen: number | undefined;
  #lastSeen: number | undefined;
  #usage: Usage | undefined;
  readonly #load: string;

  /**
   * @param stored what storage held when this object was loaded.
   * @param load names this load: a return that names an earlier one is ignored, since storage counted those permits.
   */
  constructor(stored: Stored | undefined, load: string) {
    this.#now = stored?.at ?? 0;
    this.#counters = stored?.counters ?? new Map();
    this.#firstSeen = stored?.since;
    this.#lastSeen = stored?.at;
    this.#usage = stored?.usage;
    this.#load = load;
  }

  /** Grants up to `ask.want` requests, or denies. `write`, if any, must be durable before the reply leaves. */
  consume(clock: number, ask: Ask): { reply: Reply; write: Stored | undefined } {
    const now = this.#tick(clock);
    this.#firstSeen ??= now;
    this.#lastSeen = now;
    const abnormal = this.#judge(now, ask);
    const { reply, write } = abnormal?.denied
      ? { reply: { ...this.refuse(now, ask.policies), keepMs: LEASE_MS }, write: undefined }
      : this.#decide(now, ask);
    return { reply: abnormal ? { ...reply, abnormal } : reply, write };
  }

  /** Grants nothing and spends nothing. */
  refuse(clock: number, policies: readonly Policy[]): Reply {
    const now = this.#tick(clock);
    return denial(
      policies.map((policy) => peek(this.#counters, now, policy)),
      0,
    );
  }

  #decide(now: number, ask: Ask): { reply: Reply; write: Stored | undefined } {
    const granted = this.#grantSize(now, ask);
    const leased = granted > 1;
    const until = leased ? Math.min(now + LEASE_MS, boundary(ask.policies, now) - 1) : now;
    const cost = granted * ask.cost;
    const [decisions, counters] = consume(this.#counters, now, until, ask.policies, cost);
    if (!decisions.every(({ allowed }) => allowed))
      return { reply: this.#denied(now, decisions), write: undefined };

    this.#counters = counters;
    if (leased) this.#leasedUntil = Math.max(this.#leasedUntil, until);
    const write = this.#drawFromReserve(now, ask.policies, cost)
      ? undefined
      : this.#writeAhead(now, ask.policies, cost);
    const grant = ask.returnable ? this.#remember({ ...ask, until, granted }) : '';
    const lifeMs = leased ? until - now : LEASE_MS;
    return { reply: { version: VERSION, granted, decisions, keepMs: 0, lifeMs, grant }, write };
  }

  /** Gives unused permits back to the slice they were charged to; once, and only to the load that granted them. */
  giveBack(clock: number, { grant: name, unused }: Return): void {
    this.#tick(clock);
    const grant = this.#grants.get(name);
    if (grant === undefined) return;
    this.#grants.delete(name);
    const permits = Math.min(unused, grant.granted) * grant.cost;
    this.#counters = giveBack(this.#counters, grant.until, grant.policies, permits);
  }

  /** Of every counter, as it last served. */
  get policies(): readonly Policy[] {
    return [...this.#counters.values()].map(({ policy }) => policy);
  }

  /** What is left under `policies`, and since when. */
  look(clock: number, policies: readonly Policy[]): Look {
    const now = this.#tick(clock);
    return {
      firstSeen: this.#firstSeen,
      lastSeen: this.#lastSeen,
      policies: policies.map((policy) => ({ policy, decision: peek(this.#counters, now, policy) })),
    };
  }

  /** Counts the use that this ask tells of, and judges it. */
  #judge(now: number, { watch }: Ask): Abnormal | undefined {
    if (watch === undefined) return undefined;
    const { factor, deny, uses } = watch;
    const usage = addUse(this.#usage, now, uses, factor);
    this.#usage = usage;
    if (!isUnusual(usage, now, factor)) return undefined;
    this.#usage = { ...usage, reported: usage.minute };
    const report = usage.reported < usage.minute;
    return { denied: deny, report, calmsInMs: calmsInMs(usage, now, factor) };
  }

  /** Time never runs backwards here, whatever the clock does. */
  #tick(clock: number): number {
    this.#now = Math.max(this.#now, clock);
    return this.#now;
  }

  /** Many at once while the quota is far from spent, one at a time within its last tenth. */
  #grantSize(now: number, { policies, cost, want }: Ask): number {
    if (want === 1 || !policies.every(isLeasable)) return 1;
    const rooms = policies.map((policy) => {
      const { remaining } = peek(this.#counters, now, policy);
      return remaining < policy.quota * SHARE ? 1 : Math.floor((remaining * SHARE) / cost);
    });
    return Math.max(1, Math.min(want, ...rooms));
  }

  #drawFromReserve(now: number, policies: readonly Policy[], cost: number): boolean {
    if (policies.length === 0) return true;
    const covered = policies.every(({ counter }) => (this.#reserve.get(counter) ?? 0) >= cost);
    if (!covered || now >= this.#reserveEnd) return false;
    for (const { counter } of policies) this.#reserve.set(counter, (this.#reserve.get(counter) ?? 0) - cost);
    return true;
  }

  /** Books a new reserve for these policies, and anew what other counters' reserves still hold. */
  #writeAhead(now: number, policies: readonly Policy[], cost: number): Stored {
    const size = this.#nextReserveSize(now, policies, cost);
    const wanted = new Map([
      ...this.#reserve,
      ...policies.map(({ counter }) => [counter, size - cost] as const),
    ]);
    let ahead = undrained(this.#counters, now);
    this.#reserveEnd = now + RESERVE_MS;
    this.#reserve = new Map(
      [...ahead.values()].map(({ policy }) => {
        const permits = wanted.get(policy.counter) ?? 0;
        const [[decision], booked] = consume(ahead, now, now + AHEAD_MS, [policy], permits);
        if (decision?.allowed !== true) return [policy.counter, 0];
        ahead = booked;
        this.#reserveEnd = Math.min(this.#reserveEnd, boundary([policy], now));
        return [policy.counter, permits];
      }),
    );
    this.#reserveSize = size;
    this.#writtenAt = now;
    const since = this.#firstSeen ?? now;
    return { version: VERSION, at: now, counters: ahead, since, usage: this.#usage };
  }

  /** The grant at hand after a load or a quiet time, then doubling; ten seconds' worth of quota and 10 % of the rest. */
  #nextReserveSize(now: number, policies: readonly Policy[], cost: number): number {
    if (now - this.#writtenAt > RESERVE_MS) return cost;
    const rooms = policies.map((policy) => {
      const worth = (policy.quota * RESERVE_MS) / policy.windowMs;
      return Math.floor(Math.min(worth, peek(this.#counters, now, policy).remaining * SHARE));
    });
    return Math.max(cost, Math.min(this.#reserveSize * 2, ...rooms));
  }

  #remember(grant: Grant): string {
    const name = `${this.#load}.${this.#grantCount++}`;
    this.#grants.set(name, grant);
    return name;
  }

  /** Kept until a permit can exist again, but not past the end of a lease whose return could free one earlier. */
  #denied(now: number, decisions: readonly Decision[]): Reply {
    const retryAfterMs = Math.max(...decisions.map((decision) => decision.retryAfterMs));
    const leaseEnds = this.#leasedUntil > now ? this.#leasedUntil - now : DENIAL_MS;
    return denial(decisions, Math.min(retryAfterMs, leaseEnds, DENIAL_MS));
  }
}

/** When the last of these counters has drained, and what was usual is forgotten. */
export const restsAt = ({ counters, usage }: Stored): number =>
  Math.max(usage === undefined ? 0 : forgottenAt(usage), ...[...counters.values()].map(drainedAt));
