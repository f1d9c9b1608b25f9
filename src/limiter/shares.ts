// The shares that isolates were lent of one partition: which there are, what each is charged, and what storage counts of
// it. No clock, no I/O.
import { BoundedMap } from '../lib/bounded-map.ts';
import { sharingOf } from './algorithms/index.ts';
import type { Bounds } from './arithmetic.ts';
import { type Counter, type Counters, permitsOf } from './counters.ts';
import type { Loan } from './loans.ts';
import type { ShareAsk } from './messages.ts';
import type { Policy } from './policy.ts';

/** Growth of a share leaves this part of a quota to those who ask for single permits, or as much as those use if that is more. */
const SPARE = 0.05;

/** Where several isolates spend, nothing is lent unless so many requests are free: one of them would meet it soon. */
const TIGHT = 3;

/** For so long after somebody met others' shares in the way none is lent, twice as long each time it happens again, and at most. */
const CONTESTED_MS = 30_000;
const LONGEST_CONTESTED_MS = 600_000;

/** A share that has ended may be on its way back for so long. */
const RETURNING_MS = 500;

/** Shares known by name; one that is forgotten stays charged until it drains, and is renewed as a new one. */
const MAX_SHARES = 1_024;

/** One policy's part of a share. */
interface Part {
  readonly policy: Policy;
  /** Permits lent in every window. */
  readonly permits: number;
  readonly charge: unknown;
  /** Permits that storage counts of it for as long as it counts a reserve. */
  readonly stored: number;
}

export interface Share {
  readonly order: number;
  readonly until: number;
  readonly parts: readonly Part[];
}

/** Until when no share is lent, and how long that is. */
interface Contest {
  readonly until: number;
  readonly ms: number;
}

/** A renewal that could be. */
export interface Renewal {
  readonly counters: Counters;
  readonly share: Share;
  /** Permits lent in every window, in the order of the wishes. */
  readonly permits: readonly number[];
  /** Whether storage counts all of it already. */
  readonly isStored: boolean;
}

/** When and of what a share is asked for. */
export interface Terms {
  readonly now: number;
  readonly until: number;
  readonly policies: readonly Policy[];
  /** Permits one request spends. */
  readonly cost: number;
  /** By counter, permits that the share takes over and that are no longer counted. Absent: none. */
  readonly takenOver?: ReadonlyMap<string, number>;
}

/** The shares of one partition. */
export class Shares {
  readonly #shares = new BoundedMap<string, Share>(MAX_SHARES);
  /** By counter: when others' shares were in somebody's way. */
  readonly #contests = new Map<string, Contest>();
  /** Until when storage counts what it counts of the shares. */
  #storedUntil = 0;

  /**
   * What renewing a share would be, or lending a new one, or taking one back; undefined where the ask was overtaken, or where
   * a policy has not even one request's permits to lend: the share then ends when it would have.
   */
  renewal(counters: Counters, terms: Terms, ask: ShareAsk): Renewal | undefined {
    const known = this.#shares.get(ask.name);
    const isReturn = ask.wishes.every(({ permits }) => permits === 0);
    if (known === undefined ? isReturn : ask.order <= known.order) return undefined;
    const renewed = new Map(counters);
    const parts = this.#renewParts(renewed, terms, ask, known);
    if (parts.length < ask.wishes.length) return undefined;
    const isTooSmall = parts.some(({ policy, permits }) => permits < permitsOf(policy, terms.cost));
    if (isTooSmall && !isReturn) return this.#refuse(ask, known);
    const isCovered =
      terms.now < this.#storedUntil && parts.every(({ permits, stored }) => permits <= stored);
    return {
      counters: renewed,
      share: { order: ask.order, until: terms.until, parts },
      permits: parts.map(({ permits }) => permits),
      isStored: isReturn || isCovered,
    };
  }

  /** Has a renewal come into force; its counters are the partition's from then on. */
  renew({ name }: ShareAsk, { share }: Renewal): void {
    this.#shares.set(name, share);
  }

  #refuse({ name, order }: ShareAsk, known: Share | undefined): undefined {
    if (known !== undefined) this.#shares.set(name, { ...known, order });
  }

  /** Somebody is refused though others' shares have permits left: for a while none is lent, so that permits are had where they are wanted. */
  contest(now: number, counter: string, holder: string | undefined): void {
    const last = this.#contests.get(counter);
    const isContested = last !== undefined && now < last.until;
    if (isContested || this.loans(now, counter, holder).length === 0) return;
    const isAgain = last !== undefined && now < last.until + LONGEST_CONTESTED_MS;
    const ms = isAgain ? Math.min(2 * last.ms, LONGEST_CONTESTED_MS) : CONTESTED_MS;
    this.#contests.set(counter, { until: now + ms, ms });
  }

  /**
   * Shares, any of which may turn out to be unused when it ends, and when that is; those too that have ended and may be on
   * their way back.
   * @param except the asker's own: what it has, it knows.
   */
  loans(now: number, counter: string, except?: string): Loan[] {
    const loans = [];
    for (const [name, { until, parts }] of this.#shares.entries())
      for (const { policy, permits } of until + RETURNING_MS > now && name !== except ? parts : [])
        if (policy.counter === counter && permits > 0) loans.push({ end: Math.max(now, until), permits });
    return loans;
  }

  /**
   * The counters for storage: every share that may still be renewed counts until `end`.
   * @param storedUntil until when renewals need no other write.
   */
  store(counters: Counters, now: number, storedUntil: number, end: number): Counters {
    const ahead = new Map(counters);
    for (const [name, share] of [...this.#shares.entries()]) {
      if (isDrained(share, now)) this.#shares.delete(name);
      else this.#shares.set(name, share.until > now ? storeShare(ahead, share, now, end) : unstored(share));
    }
    this.#storedUntil = storedUntil;
    return ahead;
  }

  #renewParts(counters: Map<string, Counter>, terms: Terms, ask: ShareAsk, known?: Share): Part[] {
    const { now, until } = terms;
    return ask.wishes.flatMap((wish) => {
      const policy = strictest(terms.policies, wish.counter);
      if (policy === undefined) return [];
      const before = known?.parts.find((part) => part.policy.counter === wish.counter);
      const bounds = this.#boundsOf(terms, policy);
      const { state } = counters.get(wish.counter) ?? {};
      const sharing = sharingOf(policy.algorithm);
      const renewed = sharing?.renew(state, now, until, policy, before?.charge, wish, bounds);
      if (renewed === undefined) return [];
      const { permits, charge } = renewed;
      counters.set(wish.counter, { policy, state: renewed.state });
      return [{ policy, permits, charge, stored: before?.stored ?? 0 }];
    });
  }

  #boundsOf({ now, cost, takenOver }: Terms, policy: Policy): Bounds {
    const { counter, quota } = policy;
    const isContested = now < (this.#contests.get(counter)?.until ?? 0);
    return {
      most: isContested ? 0 : quota,
      takenOver: takenOver?.get(counter) ?? 0,
      spare: Math.ceil(quota * SPARE),
      tight: permitsOf(policy, cost, TIGHT),
    };
  }
}

/** Policies of one counter differ in quota alone. */
const strictest = (policies: readonly Policy[], counter: string): Policy | undefined =>
  policies
    .filter((policy) => policy.counter === counter)
    .reduce<Policy | undefined>(
      (least, policy) => (least && least.quota <= policy.quota ? least : policy),
      undefined,
    );

/** Moves what a share is charged in `counters` to `end`. */
const storeShare = (counters: Map<string, Counter>, share: Share, now: number, end: number): Share => {
  for (const { policy, charge, permits } of share.parts) {
    const counter = counters.get(policy.counter);
    const sharing = sharingOf(policy.algorithm);
    const state = counter && sharing?.extend(counter.state, now, end, policy, charge, permits);
    if (state !== undefined) counters.set(policy.counter, { policy, state });
  }
  return { ...share, parts: share.parts.map((part) => ({ ...part, stored: part.permits })) };
};

const unstored = (share: Share): Share => ({
  ...share,
  parts: share.parts.map((part) => ({ ...part, stored: 0 })),
});

/** Nothing of it counts any more, so that to renew it is to lend a new one. */
const isDrained = ({ until, parts }: Share, now: number): boolean =>
  parts.every(({ policy }) => until + 2 * policy.windowMs < now);
