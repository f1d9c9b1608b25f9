// A share that this isolate was lent: so many permits in every window, until it expires. The isolate keeps count of its own
// uses with the algorithms' arithmetic. Plain data and functions of it, so that requests may share it; no clock, no I/O.
import { sharingOf } from '../limiter/algorithms/sharing.ts';
import type { Policy } from '../limiter/policy.ts';
import type { ShareAsk } from '../limiter/shares.ts';
import type { Moment } from '../limiter/sharing.ts';

/** The isolate's clock against the Limiter's: what to add to one to get the other, at least and at most. */
interface Offset {
  readonly least: number;
  readonly most: number;
}

export interface Share {
  /** The policies that are lent by rate, one for each counter. */
  readonly policies: readonly Policy[];
  /** Kept for as long as this object, which has the history of the share, lives. */
  readonly name: string;
  /** Of the newest ask. */
  order: number;
  /** Permits in every window, by policy; empty before the first answer. */
  permits: readonly number[];
  /** By the isolate's clock, from when it asked. */
  expires: number;
  /** What was used, by policy, as its algorithm counts it. */
  uses: readonly unknown[];
  offset: Offset;
}

/** What the Limiter lent. */
export interface Lent {
  /** Permits in every window, by policy of the share. */
  readonly permits: readonly number[];
  /** How long they may be used, from when the asker asked. */
  readonly lifeMs: number;
  /** The Limiter's clock, milliseconds since the epoch. */
  readonly at: number;
}

export const newShare = (name: string, policies: readonly Policy[]): Share => ({
  policies: policies.filter(
    ({ counter }, i) => policies.findIndex((other) => other.counter === counter) === i,
  ),
  name,
  order: 0,
  permits: [],
  expires: 0,
  uses: [],
  offset: { least: 0, most: 0 },
});

/**
 * Lowers the share to what is wished for, before the Limiter hears of it, and says what to ask.
 * @param wishes permits in every window, by policy of the share; 0 gives it back.
 */
export const askShare = (share: Share, now: number, wishes: readonly number[]): ShareAsk => {
  share.order++;
  share.permits = share.permits.map((permits, i) => Math.min(permits, wishes[i] ?? 0));
  const moment = momentOf(share, now);
  return {
    name: share.name,
    order: share.order,
    wishes: share.policies.map((policy, i) => ({
      counter: policy.counter,
      permits: wishes[i] ?? 0,
      used: usedOf(share, i, moment, policy),
    })),
  };
};

/** Books the answer to an ask. One that was overtaken by a later ask counts for nothing: the Limiter knows of that one. */
export const settleShare = (
  share: Share,
  ask: ShareAsk,
  askedAt: number,
  now: number,
  lent: Lent | undefined,
): void => {
  if (ask.order !== share.order || lent === undefined) return;
  share.permits = lent.permits;
  share.expires = askedAt + lent.lifeMs;
  share.offset = { least: lent.at - now, most: lent.at - askedAt };
};

/** Uses `cost` permits of every policy; when it was, or undefined where one has none left. */
export const takeShare = (share: Share, now: number, cost: number): Moment | undefined => {
  if (now >= share.expires) return undefined;
  const moment = momentOf(share, now);
  const uses = [];
  for (const [i, policy] of share.policies.entries()) {
    const used = sharingOf(policy)?.use(share.uses[i], moment, policy, share.permits[i] ?? 0, cost);
    if (used === undefined) return undefined;
    uses.push(used);
  }
  share.uses = uses;
  return moment;
};

/** Puts permits back that were taken at `moment` and not used. */
export const putBackShare = (share: Share, moment: Moment, cost: number): void => {
  share.uses = share.policies.map((policy, i) =>
    sharingOf(policy)?.unuse(share.uses[i], moment, policy, cost),
  );
};

/** Permits used in the window that ends now, by policy of the share. */
export const usedShare = (share: Share, now: number): number[] => {
  const moment = momentOf(share, now);
  return share.policies.map((policy, i) => usedOf(share, i, moment, policy));
};

const usedOf = (share: Share, i: number, moment: Moment, policy: Policy): number =>
  sharingOf(policy)?.used(share.uses[i], moment, policy) ?? 0;

const momentOf = ({ offset }: Share, now: number): Moment => ({
  now,
  earliest: now + offset.least,
  latest: now + offset.most,
});
