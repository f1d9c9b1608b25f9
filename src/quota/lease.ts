// Leases: permits of one partition and plan that an isolate already holds, a denial that it already knows, and the
// requests that wait for either. Plain data and functions of it, so that requests may share it; no clock, no I/O.
import { type Abnormal, type Return, type ShareAsk, VERSION } from '../limiter/messages.ts';
import type { Marks } from '../limiter/standing.ts';
import { type Arrivals, newArrivals } from './arrivals.ts';
import { draw, type Grant, isUsable, newGrant } from './grant.ts';
import {
  beginAnew,
  endShare,
  isLent,
  putBackShare,
  requestsOfShare,
  type Share,
  takeShare,
} from './share.ts';
import type { Said, Waiter } from './waiter.ts';

/** Names of spent grants told to the Limiter with one ask, at most. */
const MAX_SPENT = 64;

/** An ask that is under way. */
export interface Asking {
  readonly askedAt: number;
  /** By then it is counted as lost. */
  readonly deadline: number;
  /** Whom it is for, in the order they came. */
  readonly waiters: readonly Waiter[];
  /** Requests to lend permits for beyond those. */
  readonly ahead: number;
  /** Grants that are used up. */
  readonly spent: readonly string[];
  /** What is left of grants that have ended. */
  readonly returns: readonly Return[];
  /** Name of the share then. */
  readonly holder: string | undefined;
  /** Shares that had been given back by then. */
  readonly ended: number;
  /** What the share is to take over. */
  readonly singles: readonly Single[];
  /** Undefined: no share is asked for. `ahead` is then for the policies that are not lent by rate. */
  readonly share: ShareAsk | undefined;
}

/** Requests that were granted by themselves, not of a lease, and used; a share may take them over. */
export interface Single {
  readonly grant: Grant;
  requests: number;
  /** When they had been used. */
  readonly usedAt: number;
}

/** What an isolate holds of one partition under one plan, what it knows of it, and who waits there. */
export interface Lease {
  /** Oldest first, so that what expires first is used first. */
  grants: Grant[];
  /** Those that nobody asks for yet, in the order they came. */
  waiting: Waiter[];
  /** Asks under way. */
  asking: Asking[];
  /** Grants that are used up, which the Limiter does not know yet. */
  spent: string[];
  /** What is left of grants that have ended, to be told with the next ask. */
  returns: Return[];
  /** Undefined where no policy is lent by rate. */
  readonly share: Share | undefined;
  /** What the share may take over, the newest last. */
  singles: Single[];
  readonly arrivals: Arrivals;
  /** Nothing was lent ahead: not to be asked for alone before then. */
  lendableFrom: number;
  deniedUntil: number;
  /** Only loans are in the way until then, and so many more requests may wait for them. */
  obstructedUntil: number;
  obstructedRoom: number;
  /** Some of them are of requests that tell after their answer what they spent. */
  obstructedByHeld: boolean;
  /** The Limiter's newest answer. */
  said: Said;
  abnormal: Abnormal | undefined;
  /** Revocation marks, and when the answer that brought them was asked for. */
  marks: Marks | undefined;
  markedAt: number;
  /** Requests since the last ask. */
  uses: number;
}

/** @param share what is lent by rate; undefined where nothing is. */
export const newLease = (share?: Share): Lease => ({
  share,
  singles: [],
  returns: [],
  grants: [],
  waiting: [],
  asking: [],
  spent: [],
  arrivals: newArrivals(),
  lendableFrom: 0,
  deniedUntil: 0,
  obstructedUntil: 0,
  obstructedRoom: 0,
  obstructedByHeld: false,
  said: { decisions: [], decidedAt: 0, policies: undefined },
  abnormal: undefined,
  marks: undefined,
  markedAt: 0,
  uses: 0,
});

/** Whether a request may pass without asking. */
export const isHeld = (lease: Lease, now: number): boolean => {
  const grant = firstUsable(lease, now);
  if (grant !== undefined && !grant.within) return true;
  const { share } = lease;
  if (share === undefined || (share.isPartial && grant === undefined)) return false;
  return requestsOfShare(share, now) > 0;
};

const firstUsable = (lease: Lease, now: number): Grant | undefined => {
  while (lease.grants[0] !== undefined && !isUsable(lease.grants[0], now)) dropFirst(lease);
  return lease.grants[0];
};

/** Takes the permit of one request, if one is held. */
export const take = (lease: Lease, now: number): Grant | undefined => {
  const grant = firstUsable(lease, now);
  if (grant !== undefined && !grant.within) return draw(grant);
  return lease.share && takeWithin(lease.share, grant, now);
};

/** One request of the share, and of what is lent beside it. */
const takeWithin = (share: Share, beside: Grant | undefined, now: number): Grant | undefined => {
  if (share.isPartial && beside === undefined) return undefined;
  const use = takeShare(share, now);
  if (use === undefined) return undefined;
  if (beside !== undefined) draw(beside);
  return newGrant({ name: '', size: 0, leased: true, expires: share.expires, taken: { use, beside } });
};

const dropFirst = (lease: Lease): void => {
  const grant = lease.grants.shift();
  if (grant?.unused === 0) noteSpent(lease, grant);
};

/** Nothing of a grant will be returned; the next ask says so. */
const noteSpent = (lease: Lease, { name }: Grant): void => {
  if (name !== '' && lease.spent.length < MAX_SPENT) lease.spent.push(name);
};

/** Takes that back: something will be returned after all. */
export const unnoteSpent = (lease: Lease, grant: Grant): void => {
  lease.spent = lease.spent.filter((name) => name !== grant.name);
};

/** A request that was granted by itself, not of a lease, is decided for good: its permit does not come back. */
export const noteDecided = (lease: Lease, grant: Grant): void => {
  grant.decided++;
  // A share is to find it where it was charged.
  if (lease.share !== undefined) return;
  if (!grant.leased && grant.decided === grant.size) noteSpent(lease, grant);
};

/** A request of a grant comes back: false where a share has taken it over, so that it stays spent. */
export const noteReturned = (lease: Lease, grant: Grant): boolean => {
  if (grant.adopted) return false;
  grant.returned++;
  for (const single of lease.singles) if (single.grant === grant) single.requests--;
  return true;
};

/** Puts a permit back that was taken but not used. */
export const putBack = (lease: Lease, grant: Grant): void => {
  if (grant.taken !== undefined) {
    putBackWithin(lease, grant.taken);
    return;
  }
  grant.unused++;
  if (!lease.grants.includes(grant)) lease.grants.unshift(grant);
};

const putBackWithin = (lease: Lease, { use, beside }: NonNullable<Grant['taken']>): void => {
  if (lease.share !== undefined) putBackShare(lease.share, use);
  if (beside !== undefined) putBack(lease, beside);
};

/** Whether a share is being asked for. */
export const isShareAsked = ({ asking }: Lease): boolean => asking.some(({ share }) => share !== undefined);

/** Gives the share back with the next ask or return, where one is lent. */
export const giveBackShare = (lease: Lease, share: Share, now: number): void => {
  if (!isLent(share)) {
    beginAnew(share);
    return;
  }
  lease.returns.push({ version: VERSION, grant: '', unused: 0, share: endShare(share, now) });
  lease.deniedUntil = 0;
};

/** Gives it back if it is over and nobody renews it. */
export const endShareIfOver = (lease: Lease, now: number): void => {
  const { share } = lease;
  if (share === undefined || !isLent(share) || now < share.expires || isShareAsked(lease)) return;
  giveBackShare(lease, share, now);
};

/** Requests that may still pass without asking. */
export const held = (lease: Lease, now: number): number => {
  const { share } = lease;
  const isWithin =
    share !== undefined && !lease.grants.some((grant) => !grant.within && isUsable(grant, now));
  if (!isWithin) return heldByNumber(lease, now);
  const requests = requestsOfShare(share, now);
  return share.isPartial ? Math.min(requests, heldByNumber(lease, now)) : requests;
};

/** Requests of the grants that are held. */
export const heldByNumber = (lease: Lease, now: number): number =>
  lease.grants.reduce((sum, grant) => (isUsable(grant, now) ? sum + grant.unused : sum), 0);

/** Whether the Limiter has said that nothing is left, for longer than now. */
export const isDenied = (lease: Lease, now: number): boolean =>
  now < lease.deniedUntil && held(lease, now) === 0;

/**
 * A place among those who wait for loans to come back: until when, or undefined where there is none. Counted as begun, not
 * as running, since a request that is dropped undoes nothing.
 */
export const awaitLoans = (lease: Lease, now: number): number | undefined => {
  if (now >= lease.obstructedUntil || lease.obstructedRoom <= 0) return undefined;
  lease.obstructedRoom--;
  return lease.obstructedUntil;
};

/** Ends a grant; says how many of its requests were never made. */
export const endGrant = (lease: Lease, grant: Grant): number => {
  const { unused } = grant;
  grant.unused = 0;
  lease.grants = lease.grants.filter((other) => other !== grant);
  return unused;
};

/** What is to be told of unusual use; a report is told once. */
export const tellAbnormal = (lease: Lease): Abnormal | undefined => {
  const { abnormal } = lease;
  if (abnormal?.report) lease.abnormal = { ...abnormal, report: false };
  return abnormal;
};
