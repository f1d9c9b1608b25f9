// What a lease asks its Limiter for, and when: for the requests that wait there and, of a hot caller, for those to come.
// Functions of plain data; no clock, no I/O.
import type { ShareAsk } from '../limiter/messages.ts';
import { arrivalsPerMs, isHot } from './arrivals.ts';
import {
  type Asking,
  endShareIfOver,
  held,
  heldByNumber,
  isShareAsked,
  type Lease,
  type Single,
} from './lease.ts';
import { askShare, isShareEnding, requestsPerLife, type Share, wishesOf } from './share.ts';
import { adoptSingles } from './singles.ts';
import { isWaiting, type Waiter } from './waiter.ts';

/** Requests lent ahead at once, at most. */
const MAX_AHEAD = 256;

/** Requests that may wait at one lease. */
const MAX_WAITING = 4_096;

/** Asks under way at one lease, so that a far Limiter is not waited for twice. */
const MAX_ASKS = 4;

/** Of a life's arrivals: a lease is asked for while half of the last is left, and both are to be used up in time. */
const LENT_SHARE = 0.6;

/** Beside a share so many requests are lent for each that comes in its life, and at most so many. */
const WITHIN_SHARE = 1.1;
const MAX_AHEAD_WITHIN = 4_096;

/** How a lease may ask. */
export interface Terms {
  /** Whether permits may be lent ahead by number. */
  readonly leasable: boolean;
  /** A lease's life, milliseconds. */
  readonly leaseMs: number;
  /** Whether those that wait share asks; else each has its own. */
  readonly shared: boolean;
  /** Milliseconds until an ask is counted as lost. */
  readonly timeoutMs: number;
}

/** Puts a request among those that wait; false where there is no room. */
export const join = (lease: Lease, waiter: Waiter): boolean => {
  if (lease.waiting.length >= MAX_WAITING) lease.waiting = lease.waiting.filter(isWaiting);
  if (lease.waiting.length >= MAX_WAITING) return false;
  lease.waiting.push(waiter);
  return true;
};

/**
 * Has one of those that nobody asks for yet ask for them all. One that was asked for twice in vain waits until the answer about
 * the share is in; should that be lost, each request looks for itself after a while.
 */
export const passOn = (lease: Lease): void => {
  const next = lease.waiting.find(isWaiting);
  if (next !== undefined && !(isShareAsked(lease) && (next.rejoined ?? 0) > 1)) next.tell({ kind: 'ask' });
};

/** What is to be asked now, if anything: for those that wait and, of a hot caller, for those to come. */
export const startAsking = (lease: Lease, now: number, terms: Terms): Asking | undefined => {
  lease.asking = lease.asking.filter(({ deadline }) => now < deadline);
  if (terms.shared && lease.asking.length >= maxAsks(lease)) return undefined;
  endShareIfOver(lease, now);
  const waiters = dequeue(lease, terms.shared ? MAX_WAITING : 1);
  const wish = wishShare(lease, now, waiters.length);
  const ahead = wish === undefined ? aheadByNumber(lease, now, terms) : aheadWithin(lease.share, now);
  if (waiters.length === 0 && ahead === 0 && wish === undefined) return undefined;
  for (const waiter of waiters) waiter.state = 'asked';
  const asking = {
    askedAt: now,
    deadline: now + terms.timeoutMs,
    waiters,
    ahead,
    holder: lease.share?.name,
    ended: lease.share?.ended ?? 0,
    singles: wish?.singles ?? [],
    share: wish?.ask,
    spent: lease.spent,
    returns: lease.returns,
  };
  lease.spent = [];
  lease.returns = [];
  lease.asking.push(asking);
  return asking;
};

/** After a denial one ask at a time finds out whether it is over: a flood that comes in meanwhile waits for it. */
const maxAsks = ({ deniedUntil }: Lease): number => (deniedUntil > 0 ? 1 : MAX_ASKS);

/** The first that wait are no longer on the list. */
const dequeue = (lease: Lease, most: number): Waiter[] => {
  const waiting = lease.waiting.filter(isWaiting);
  lease.waiting = waiting.splice(most);
  return waiting;
};

/** One ask to lend at a time, and none while what is held will last. */
const mayLend = ({ arrivals, lendableFrom, asking }: Lease, now: number): boolean =>
  isHot(arrivals, now) && now >= lendableFrom && !asking.some(({ ahead }) => ahead > 0);

const aheadByNumber = (lease: Lease, now: number, { leasable, leaseMs }: Terms): number =>
  leasable && mayLend(lease, now) ? lendable(lease, now, leaseMs) : 0;

interface Wish {
  readonly ask: ShareAsk;
  readonly singles: readonly Single[];
}

/** A share is asked for with whatever is asked for anyway, by one ask at a time, where it is worth it. */
const wishShare = (lease: Lease, now: number, waiting: number): Wish | undefined => {
  const { share, lendableFrom } = lease;
  if (share === undefined || now < lendableFrom || isShareAsked(lease)) return undefined;
  if (wishesOf(share, now, waiting) === undefined) return undefined;
  const singles = adoptSingles(lease, share, now);
  const adopted = singles.map(({ grant, requests }) => ({ grant: grant.name, requests }));
  const underWay = lease.asking.reduce((sum, { waiters }) => sum + waiters.length, waiting);
  return { singles, ask: askShare(share, now, wishesOf(share, now, waiting) ?? [], adopted, underWay) };
};

/** As many as come within a share, of the policies beside it. */
const aheadWithin = (share: Share | undefined, now: number): number =>
  share?.isPartial
    ? Math.min(MAX_AHEAD_WITHIN, Math.ceil(requestsPerLife(share, now) * WITHIN_SHARE) + 1)
    : 0;

/** As many as come while a lease is used up. */
const lendable = ({ arrivals }: Lease, now: number, leaseMs: number): number =>
  Math.min(MAX_AHEAD, Math.ceil(arrivalsPerMs(arrivals, now) * leaseMs * LENT_SHARE));

/** Half a lease is spent and nobody is asking for the next one yet. */
export const wantsRenewal = (lease: Lease, now: number): boolean => {
  if (lease.share !== undefined) return wantsShareRenewal(lease, lease.share, now);
  const newest = lease.grants.at(-1);
  return newest !== undefined && held(lease, now) <= newest.size / 2 && mayLend(lease, now);
};

/** The share ends soon, or what is lent beside it is used up. */
const wantsShareRenewal = (lease: Lease, share: Share, now: number): boolean => {
  if (isShareAsked(lease)) return false;
  return isShareEnding(share, now) || (share.isPartial && heldByNumber(lease, now) === 0);
};
