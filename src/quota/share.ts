// A share that this isolate was lent: so many permits in every window, until it expires. The isolate keeps count of its own
// uses with the algorithms' arithmetic. Plain data and functions of it, so that requests may share it; no clock, no I/O.
import { sharingOf } from '../limiter/algorithms/index.ts';
import { newUses, type Uses, use, used } from '../limiter/algorithms/uses.ts';
import { permitsOf } from '../limiter/counters.ts';
import type { Adopted, LentShare, ShareAsk } from '../limiter/messages.ts';
import type { Policy } from '../limiter/policy.ts';

/** A share saves calls only where several requests come in a lease's life. */
const LEAST_REQUESTS = 3;

/** A share is this much more than what is used, so that uneven arrivals fit in. */
const MARGIN = 1.25;

/** A share is for an isolate that has been in use for a window, or for so long: by then others' use shows at the Limiter. */
const HOT_AFTER_MS = 2_000;

/** Of a caller who has only begun, this part of a window tells how much the whole of it will be. */
const TELLING = 0.3;

/** A renewal is asked for so long before the end, as a part of a lease's life: at least and at most. */
const LEAST_LEAD = 0.15;
const LONGEST_LEAD = 0.6;

/** What a share is of. */
interface ShareOptions {
  /** Nobody else's; the names of all shares that this object is lent, one after the other, begin with it. */
  readonly id: string;
  /** The policies that are lent by rate. */
  readonly policies: readonly Policy[];
  /** Permits one request spends of each. */
  readonly cost: number;
  /** Whether requests meet other policies besides, of which permits are lent by number. */
  readonly isPartial: boolean;
  /** A lease's life, milliseconds. */
  readonly leaseMs: number;
}

export interface Share extends ShareOptions {
  /** Another one once it was given back, since its uses are then forgotten here. */
  name: string;
  /** Names that were used up, and shares that were given back. */
  begun: number;
  ended: number;
  /** Of the newest ask. */
  order: number;
  /** Permits in every window, by policy; empty before the first answer. */
  permits: readonly number[];
  /** By the isolate's clock, from when it asked. */
  expires: number;
  /** What was used, by policy, as its algorithm counts it. */
  uses: readonly unknown[];
  /** Permits that requests were granted lately, of the share or one by one, by policy: what is asked for goes by it. */
  readonly recent: readonly Uses[];
  /** When the first of these was used since the last window without any. */
  busySince: number;
  lastUse: number;
  roundTripMs: number;
}

/** What one request took of a share. */
export interface Use {
  /** Name of the share. */
  readonly of: string;
  readonly at: number;
}

export const newShare = (options: ShareOptions): Share => {
  const policies = options.policies.filter(
    ({ counter }, i) => options.policies.findIndex((other) => other.counter === counter) === i,
  );
  return {
    ...options,
    name: `${options.id}.0`,
    begun: 0,
    ended: 0,
    policies,
    order: 0,
    permits: [],
    expires: 0,
    uses: policies.map(usesOf),
    recent: policies.map(newUses),
    busySince: 0,
    lastUse: 0,
    roundTripMs: 0,
  };
};

const usesOf = ({ algorithm }: Policy): unknown => sharingOf(algorithm)?.newUses();

/**
 * Lowers the share to what is wished for, if that is less, before the Limiter hears of it; says what to ask.
 * @param wishes permits in every window, by policy of the share; 0 gives it back.
 * @param adopted grants whose requests are among its uses since the last ask.
 * @param underWay requests that are asked for by themselves.
 */
export const askShare = (
  share: Share,
  now: number,
  wishes: readonly number[],
  adopted?: readonly Adopted[],
  underWay = 0,
): ShareAsk => {
  share.order++;
  share.permits = share.permits.map((permits, i) => Math.min(permits, wishes[i] ?? 0));
  return {
    name: share.name,
    order: share.order,
    wishes: share.policies.map((policy, i) => ({
      counter: policy.counter,
      permits: wishes[i] ?? 0,
      lowered: share.permits[i] ?? 0,
      used: usedOf(share, i, now, policy),
      recent: recentOf(share, i, now) + permitsOf(policy, share.cost, underWay),
    })),
    adopted,
  };
};

/** Counts requests, used by `at`, as uses of the share: its own, or before the Limiter hears of it such as were granted by themselves. */
export const countUses = (share: Share, at: number, requests: number): void => {
  for (const [i, policy] of share.policies.entries())
    sharingOf(policy.algorithm)?.use(share.uses[i], at, policy, permitsOf(policy, share.cost, requests));
};

/**
 * Gives the share back: the Limiter is told of its uses, which count by themselves from then on, and the next one is
 * another, of another name. Whether this one's return arrives or not, it is never renewed.
 */
export const endShare = (share: Share, now: number): ShareAsk => {
  const { wishes, ...ask } = askShare(share, now, []);
  const ages = share.policies.map(
    (policy, i) => sharingOf(policy.algorithm)?.ages(share.uses[i], now, policy) ?? [],
  );
  beginAnew(share);
  share.ended++;
  return { ...ask, wishes: wishes.map((wish, i) => ({ ...wish, ages: ages[i] })) };
};

/** What was asked for was not lent, and nothing is: it was no use of a share. */
export const beginAnew = (share: Share): void => {
  share.name = `${share.id}.${++share.begun}`;
  share.order = 0;
  share.permits = [];
  share.expires = 0;
  share.uses = share.policies.map(usesOf);
};

/** Whether there is a share, which has not been given back; it may have expired. */
export const isLent = ({ permits }: Share): boolean => permits.length > 0;

/** Books the answer to an ask. One that was overtaken by a later ask counts for nothing: the Limiter knows of that one. */
export const settleShare = (
  share: Share,
  ask: ShareAsk,
  askedAt: number,
  now: number,
  lent: LentShare | undefined,
): void => {
  share.roundTripMs = now - askedAt;
  if (ask.name !== share.name || ask.order !== share.order || lent === undefined) return;
  share.permits = lent.permits;
  share.expires = askedAt + lent.lifeMs;
};

/** Uses one request's permits of every policy; undefined where one has too few left. */
export const takeShare = (share: Share, now: number): Use | undefined => {
  if (requestsOfShare(share, now) < 1) return undefined;
  countUses(share, now, 1);
  noteRequests(share, now, 1);
  return { of: share.name, at: now };
};

/** Puts the permits of a request back that were not used after all. What the Limiter was told of as used stays spent. */
export const putBackShare = (share: Share, { of, at }: Use): void => {
  if (of !== share.name) return;
  for (const [i, policy] of share.policies.entries())
    sharingOf(policy.algorithm)?.unuse(share.uses[i], at, policy, permitsOf(policy, share.cost));
};

/** Requests that were granted: they show how much this isolate uses. */
export const noteRequests = (share: Share, now: number, requests: number): void => {
  const { policies, cost } = share;
  if (now - share.lastUse > Math.max(...policies.map(({ windowMs }) => windowMs))) share.busySince = now;
  share.lastUse = now;
  for (const [i, recent] of share.recent.entries()) {
    const policy = policies[i];
    if (policy !== undefined) use(recent, now, policy, permitsOf(policy, cost, requests));
  }
};

/** Permits of each policy that may still be used now; 0 once it has expired. */
export const heldOfShare = (share: Share, now: number): number[] => {
  const isLive = now < share.expires;
  return share.policies.map((policy, i) => (isLive ? Math.max(0, leftOf(share, i, now, policy)) : 0));
};

/** Milliseconds until the share can serve a request under one of its policies; undefined where it cannot. */
export const freedInMs = (share: Share, counter: string, now: number): number | undefined => {
  const i = share.policies.findIndex((policy) => policy.counter === counter);
  const policy = share.policies[i];
  if (policy === undefined || now >= share.expires) return undefined;
  const cost = permitsOf(policy, share.cost);
  return sharingOf(policy.algorithm)?.freedInMs(share.uses[i], now, policy, share.permits[i] ?? 0, cost);
};

/** Requests that may pass on it; none once it has expired. */
export const requestsOfShare = (share: Share, now: number): number => {
  if (now >= share.expires) return 0;
  let requests = Number.POSITIVE_INFINITY;
  for (const [i, policy] of share.policies.entries()) {
    const left = leftOf(share, i, now, policy);
    requests = Math.min(requests, Math.floor(left / permitsOf(policy, share.cost)));
  }
  return Math.max(0, requests);
};

/**
 * Permits in every window to ask for, by policy; undefined where so little is used that a share is not worth a call.
 * @param waiting requests that wait for permits.
 */
export const wishesOf = (share: Share, now: number, waiting: number): readonly number[] | undefined => {
  const wishes = share.policies.map((policy, i) => wishOf(share, now, policy, i, waiting));
  return wishes.every((permits) => permits > 0) ? wishes : undefined;
};

const wishOf = (share: Share, now: number, policy: Policy, i: number, waiting: number): number => {
  const cost = permitsOf(policy, share.cost);
  const used = recentOf(share, i, now) + waiting * cost;
  const least = usedOf(share, i, now, policy) + waiting * cost;
  const { quota, windowMs } = policy;
  const perLife = used * Math.min(1, share.leaseMs / windowMs);
  const isHot = now - share.busySince >= Math.min(windowMs, HOT_AFTER_MS);
  // Those that wait want what is lent beside it.
  const isNeeded = waiting > 0 && now < share.expires;
  if (!isNeeded && (!isHot || perLife < LEAST_REQUESTS * cost)) return 0;
  const expected = projected(share, now, policy, used);
  return Math.min(quota, Math.max(least, Math.ceil(expected * MARGIN)));
};

const recentOf = ({ policies, recent }: Share, i: number, now: number): number => {
  const [policy, uses] = [policies[i], recent[i]];
  return policy === undefined || uses === undefined ? 0 : used(uses, now, policy);
};

/** What will have been used in a whole window. */
const projected = ({ busySince }: Share, now: number, { windowMs }: Policy, used: number): number => {
  const busyMs = Math.max(now - busySince, windowMs * TELLING);
  return busyMs < windowMs ? (used * windowMs) / busyMs : used;
};

/** Requests in a lease's life, by what is used. */
export const requestsPerLife = (share: Share, now: number): number => {
  const [policy] = share.policies;
  if (policy === undefined) return 0;
  const requests = projected(share, now, policy, recentOf(share, 0, now)) / permitsOf(policy, share.cost);
  return (requests * share.leaseMs) / policy.windowMs;
};

/** Whether the next request may come too late to renew in time. */
export const isShareEnding = (share: Share, now: number): boolean => {
  if (now >= share.expires || share.permits.length === 0) return false;
  const { leaseMs, roundTripMs } = share;
  const gapMs = leaseMs / Math.max(1, requestsPerLife(share, now));
  const leadMs = Math.max(LEAST_LEAD * leaseMs, 1.5 * roundTripMs, gapMs + roundTripMs);
  return share.expires - now <= Math.min(leadMs, LONGEST_LEAD * leaseMs);
};

/** Permits of one policy that a share which lives has left; fewer than none where it was lowered. */
const leftOf = (share: Share, i: number, now: number, policy: Policy): number =>
  (share.permits[i] ?? 0) - usedOf(share, i, now, policy);

const usedOf = (share: Share, i: number, now: number, policy: Policy): number =>
  sharingOf(policy.algorithm)?.used(share.uses[i], now, policy) ?? 0;
