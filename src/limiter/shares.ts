// The shares that isolates were lent of one partition: which there are, what each is charged, and what storage counts of
// it. No clock, no I/O.
import { BoundedMap } from '../lib/bounded-map.ts';
import { sharingOf } from './algorithms/sharing.ts';
import type { Counter, Counters } from './counters.ts';
import type { Policy } from './policy.ts';
import type { Wish } from './sharing.ts';

/** A share of at least this part of a quota is large: lent to an isolate that itself uses so much. */
export const LARGE = 0.4;

/** All smaller shares of a quota together take at most this part of it. */
const SMALL_TOGETHER = 1 / 3;

/** Shares known by name; one that is forgotten stays charged until it drains, and is renewed as a new one. */
const MAX_SHARES = 1_024;

/** Asks for a share, or renews one, or with no permits gives it back. */
export interface ShareAsk {
  /** Chosen by the isolate and kept as long as it has the history of the share. */
  readonly name: string;
  /** Rises with every ask for this share: one that was overtaken by a later one changes nothing. */
  readonly order: number;
  /** One for each policy that is to be lent by rate. */
  readonly wishes: readonly Wish[];
}

/** One policy's part of a share. */
interface Part {
  readonly policy: Policy;
  /** Permits lent in every window. */
  readonly permits: number;
  readonly charge: unknown;
  /** Permits that storage counts of it for as long as it counts a reserve. */
  readonly stored: number;
}

interface Share {
  readonly order: number;
  readonly until: number;
  readonly parts: readonly Part[];
}

export interface RenewedShare {
  readonly counters: Counters;
  /** Permits lent in every window, in the order of the wishes; undefined when nothing changed. */
  readonly permits: readonly number[] | undefined;
  /** Whether storage counts all of it already. */
  readonly isStored: boolean;
}

export class Shares {
  readonly #shares = new BoundedMap<string, Share>(MAX_SHARES);
  /** Until when storage counts what it counts of the shares. */
  #storedUntil = 0;

  /**
   * Renews a share until `until`, or lends a new one. Nothing changes where the ask was overtaken, or where a policy has
   * not even `cost` to lend: the share then ends when it would have.
   */
  renew(
    counters: Counters,
    now: number,
    until: number,
    policies: readonly Policy[],
    cost: number,
    ask: ShareAsk,
  ): RenewedShare {
    const unchanged = { counters, permits: undefined, isStored: true };
    const known = this.#shares.get(ask.name);
    const isReturn = ask.wishes.every(({ permits }) => permits === 0);
    if (known === undefined ? isReturn : ask.order <= known.order) return unchanged;
    const renewed = new Map(counters);
    const parts = ask.wishes.flatMap((wish) => {
      const policy = strictest(policies, wish.counter);
      return (policy && this.#renewPart(renewed, now, until, policy, known, wish, ask.name)) ?? [];
    });
    if (parts.length < ask.wishes.length) return unchanged;
    if (!isReturn && parts.some(({ permits }) => permits < cost)) {
      if (known !== undefined) this.#shares.set(ask.name, { ...known, order: ask.order });
      return unchanged;
    }
    const isStored =
      isReturn || (now < this.#storedUntil && parts.every(({ permits, stored }) => permits <= stored));
    this.#shares.set(ask.name, { order: ask.order, until, parts });
    return { counters: renewed, permits: parts.map(({ permits }) => permits), isStored };
  }

  #renewPart(
    counters: Map<string, Counter>,
    now: number,
    until: number,
    policy: Policy,
    known: Share | undefined,
    wish: Wish,
    name: string,
  ): Part | undefined {
    const before = known?.parts.find((part) => part.policy.counter === policy.counter);
    const most = wish.permits >= policy.quota * LARGE ? policy.quota : this.#roomForSmall(name, policy, now);
    const renewed = sharingOf(policy)?.renew(
      counters.get(policy.counter)?.state,
      now,
      until,
      policy,
      before?.charge,
      wish,
      most,
    );
    if (renewed === undefined) return undefined;
    const { state, charge, permits } = renewed;
    counters.set(policy.counter, { policy, state });
    return { policy, permits, charge, stored: before?.stored ?? 0 };
  }

  /** What a small share may have beside the others. */
  #roomForSmall(name: string, { counter, quota }: Policy, now: number): number {
    let others = 0;
    for (const [other, { until, parts }] of this.#shares.entries())
      if (other !== name && until > now)
        for (const part of parts)
          if (part.policy.counter === counter && part.permits < quota * LARGE) others += part.permits;
    return Math.max(0, Math.floor(quota * SMALL_TOGETHER) - others);
  }

  /**
   * The counters for storage: every share that may still be renewed counts until `end`.
   * @param storedUntil until when renewals need no other write.
   */
  store(counters: Counters, now: number, storedUntil: number, end: number): Counters {
    const ahead = new Map(counters);
    for (const [name, share] of [...this.#shares.entries()]) {
      if (isDrained(share, now)) this.#shares.delete(name);
      else if (share.until > now) this.#shares.set(name, storeShare(ahead, share, now, end));
      else
        this.#shares.set(
          name,
          withStored(share, () => 0),
        );
    }
    this.#storedUntil = storedUntil;
    return ahead;
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
    const state = counter && sharingOf(policy)?.extend(counter.state, now, end, policy, charge, permits);
    if (state !== undefined) counters.set(policy.counter, { policy, state });
  }
  return withStored(share, ({ permits }) => permits);
};

const withStored = (share: Share, storedOf: (part: Part) => number): Share => ({
  ...share,
  parts: share.parts.map((part) => ({ ...part, stored: storedOf(part) })),
});

/** Nothing of it counts any more, so that to renew it is to lend a new one. */
const isDrained = ({ until, parts }: Share, now: number): boolean =>
  parts.every(({ policy }) => until + 2 * policy.windowMs < now);

/** What a load goes on from: nothing that was lent before it is used after `end`. */
export const recall = (counters: Counters, end: number): Counters =>
  new Map(
    [...counters].map(([name, { policy, state }]) => {
      const recalled = sharingOf(policy)?.recall(state, end, policy) ?? state;
      return [name, { policy, state: recalled }];
    }),
  );
