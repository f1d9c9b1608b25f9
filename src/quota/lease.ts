// Leases: permits of one partition and plan that an isolate already holds, a denial that it already knows, and the
// requests that wait for either. Plain data and functions of it, so that requests may share it; no clock, no I/O.
import type { Decision, Moment } from '../limiter/arithmetic.ts';
import {
  type Abnormal,
  type LentShare,
  type Reply,
  type Return,
  type ShareAsk,
  VERSION,
} from '../limiter/messages.ts';
import type { Policy } from '../limiter/policy.ts';
import type { Marks, TokenClaims } from '../limiter/standing.ts';
import {
  askShare,
  isShareEnding,
  noteRequests,
  putBackShare,
  requestsOfShare,
  requestsPerLife,
  type Share,
  settleShare,
  takeShare,
  wishesOf,
} from './share.ts';

/** Requests lent ahead at once, at most. */
const MAX_AHEAD = 256;

/** Requests that may wait at one lease. */
const MAX_WAITING = 4_096;

/** Asks under way at one lease, so that a far Limiter is not waited for twice. */
const MAX_ASKS = 4;

/** A caller is hot once it has had no pause of this length for that long. */
const PAUSE_MS = 500;
const HOT_AFTER_MS = 500;

/** After an answer that lent nothing ahead, none is asked for alone for so long. */
const UNLENT_MS = 500;

/** Of a life's arrivals: a lease is asked for while half of the last is left, and both are to be used up in time. */
const LENT_SHARE = 0.6;

/** Beside a share so many requests are lent for each that comes in its life, and at most so many. */
const WITHIN_SHARE = 1.1;
const MAX_AHEAD_WITHIN = 4_096;

/** Arrivals are counted over this. */
const RATE_MS = 250;

/** Names of spent grants told to the Limiter with one ask, at most. */
const MAX_SPENT = 64;

/** Permits of one grant. */
export interface Grant {
  /** As the Limiter calls it; empty where nothing may be given back. */
  readonly name: string;
  /** Requests granted. */
  readonly size: number;
  /** Any request may use it until it expires; else it is for requests that waited when it was asked for. */
  readonly leased: boolean;
  /** It is only of the policies that are not lent by rate: to be used together with the share. */
  readonly within?: boolean;
  /** Set on what one request took of a share: when, and what of the other policies. */
  readonly taken?: { readonly at: Moment; readonly beside: Grant | undefined };
  /** By the isolate's clock, from when it asked. */
  readonly expires: number;
  unused: number;
  /** Requests that have been decided for good. */
  decided: number;
  /** Returns sent, and requests that the next one is to give back. */
  returns: number;
  returning: number;
}

/** What the Limiter said of a partition. */
export interface Said {
  readonly decisions: readonly Decision[];
  /** When it was asked. */
  readonly decidedAt: number;
  /** What was decided about, where that is not what was asked; an override is in force. */
  readonly policies: readonly Policy[] | undefined;
}

export interface Granted {
  readonly kind: 'granted';
  readonly grant: Grant;
  /** Of one that waited for it, until it is decided. */
  readonly waiter?: Waiter;
}

/** What a waiting request is told. */
export type Answer =
  | Granted
  /** Only loans are in its way; those can have come back by `until`. */
  | { readonly kind: 'obstructed'; readonly until: number; readonly said: Said }
  | { readonly kind: 'denied'; readonly said: Said }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** It is to ask for all that wait, and waits on. */
  | { readonly kind: 'ask' };

/**
 * A request that waits. Once it is decided the request itself says that it has `taken` its permit: of one that was dropped
 * before, it is given back.
 */
export interface Waiter {
  state: 'waiting' | 'asked' | 'granted' | 'taken' | 'left' | 'gone';
  readonly token: TokenClaims | undefined;
  readonly tell: (answer: Answer) => void;
  /** What it was granted of the share, which is not the Limiter's to take back. */
  within?: Grant;
}

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
  /** Undefined: no share is asked for. `ahead` is then for the policies that are not lent by rate. */
  readonly share: ShareAsk | undefined;
}

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
  /** Requests in the running stretch of time and in the one before it, and when these began. */
  arrivals: number;
  arrivalsBefore: number;
  countedFrom: number;
  countedFromBefore: number;
  /** The first and the last request since a pause. */
  busySince: number;
  lastArrival: number;
  /** Nothing was lent ahead: not to be asked for alone before then. */
  lendableFrom: number;
  deniedUntil: number;
  /** Only loans are in the way until then, and so many more requests may wait for them. */
  obstructedUntil: number;
  obstructedRoom: number;
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
  returns: [],
  grants: [],
  waiting: [],
  asking: [],
  spent: [],
  arrivals: 0,
  arrivalsBefore: 0,
  countedFrom: 0,
  countedFromBefore: 0,
  busySince: 0,
  lastArrival: 0,
  lendableFrom: 0,
  deniedUntil: 0,
  obstructedUntil: 0,
  obstructedRoom: 0,
  said: { decisions: [], decidedAt: 0, policies: undefined },
  abnormal: undefined,
  marks: undefined,
  markedAt: 0,
  uses: 0,
});

/** Counts a request: what is lent ahead goes by how many come. */
export const arrive = (lease: Lease, now: number): void => {
  if (now - lease.lastArrival >= PAUSE_MS) lease.busySince = now;
  lease.lastArrival = now;
  if (now - lease.countedFrom >= RATE_MS) {
    lease.arrivalsBefore = lease.arrivals;
    lease.countedFromBefore = lease.countedFrom;
    lease.arrivals = 0;
    lease.countedFrom = now;
  }
  lease.arrivals++;
};

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
  const at = takeShare(share, now);
  if (at === undefined) return undefined;
  if (beside !== undefined) draw(beside);
  return {
    name: '',
    size: 1,
    unused: 0,
    decided: 0,
    returns: 0,
    returning: 0,
    ...{ leased: true, expires: share.expires, taken: { at, beside } },
  };
};

const dropFirst = (lease: Lease): void => {
  const grant = lease.grants.shift();
  if (grant?.unused === 0) noteSpent(lease, grant);
};

/** Takes one permit of a grant that has one. */
export const draw = (grant: Grant): Grant => {
  grant.unused--;
  return grant;
};

/** Nothing will come back of a grant; the next ask says so. */
const noteSpent = (lease: Lease, { name }: Grant): void => {
  if (name !== '' && lease.spent.length < MAX_SPENT) lease.spent.push(name);
};

/** Something will come back of it after all. */
export const unnoteSpent = (lease: Lease, grant: Grant): void => {
  lease.spent = lease.spent.filter((name) => name !== grant.name);
};

/** A request that was granted by itself, not of a lease, is decided for good: its permit does not come back. */
export const noteDecided = (lease: Lease, grant: Grant): void => {
  grant.decided++;
  if (!grant.leased && grant.decided === grant.size) noteSpent(lease, grant);
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

const putBackWithin = (lease: Lease, { at, beside }: NonNullable<Grant['taken']>): void => {
  if (lease.share !== undefined) putBackShare(lease.share, at);
  if (beside !== undefined) putBack(lease, beside);
};

const isUsable = (grant: Grant, now: number): boolean => grant.unused > 0 && now < grant.expires;

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

/** Puts a request among those that wait; false where there is no room. */
export const join = (lease: Lease, waiter: Waiter): boolean => {
  if (lease.waiting.length >= MAX_WAITING) lease.waiting = lease.waiting.filter(isWaiting);
  if (lease.waiting.length >= MAX_WAITING) return false;
  lease.waiting.push(waiter);
  return true;
};

const isWaiting = ({ state }: Waiter): boolean => state === 'waiting';
const isAsked = ({ state }: Waiter): boolean => state === 'asked';

/** What is to be asked now, if anything: for those that wait and, of a hot caller, for those to come. */
export const startAsking = (lease: Lease, now: number, terms: Terms): Asking | undefined => {
  lease.asking = lease.asking.filter(({ deadline }) => now < deadline);
  if (terms.shared && lease.asking.length >= maxAsks(lease)) return undefined;
  const waiters = dequeue(lease, terms.shared ? MAX_WAITING : 1);
  const share = wishShare(lease, now, waiters.length);
  const ahead = share === undefined ? aheadByNumber(lease, now, terms) : aheadWithin(lease.share, now);
  if (waiters.length === 0 && ahead === 0 && share === undefined) return undefined;
  for (const waiter of waiters) waiter.state = 'asked';
  const asking = {
    askedAt: now,
    deadline: now + terms.timeoutMs,
    waiters,
    ahead,
    share,
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
const mayLend = (lease: Lease, now: number): boolean => {
  const { lastArrival, busySince } = lease;
  const isHot = now - lastArrival < PAUSE_MS && lastArrival - busySince >= HOT_AFTER_MS;
  return isHot && now >= lease.lendableFrom && !lease.asking.some(({ ahead }) => ahead > 0);
};

const aheadByNumber = (lease: Lease, now: number, { leasable, leaseMs }: Terms): number =>
  leasable && mayLend(lease, now) ? lendable(lease, now, leaseMs) : 0;

/** A share is asked for with whatever is asked for anyway, by one ask at a time, where it is worth it. */
const wishShare = ({ share, asking }: Lease, now: number, waiting: number): ShareAsk | undefined => {
  if (share === undefined || asking.some((other) => other.share !== undefined)) return undefined;
  const wishes = wishesOf(share, now, waiting);
  return wishes && askShare(share, now, wishes, waiting);
};

/** As many as come within a share, of the policies beside it. */
const aheadWithin = (share: Share | undefined, now: number): number =>
  share?.isPartial
    ? Math.min(MAX_AHEAD_WITHIN, Math.ceil(requestsPerLife(share, now) * WITHIN_SHARE) + 1)
    : 0;

/** As many as come while a lease is used up. */
const lendable = (lease: Lease, now: number, leaseMs: number): number => {
  const { arrivals, arrivalsBefore, countedFromBefore } = lease;
  const perMs = (arrivals + arrivalsBefore - 1) / Math.max(RATE_MS, now - countedFromBefore);
  return Math.min(MAX_AHEAD, Math.ceil(perMs * leaseMs * LENT_SHARE));
};

/** Half a lease is spent and nobody is asking for the next one yet. */
export const wantsRenewal = (lease: Lease, now: number): boolean => {
  if (lease.share !== undefined) return wantsShareRenewal(lease, lease.share, now);
  const newest = lease.grants.at(-1);
  return newest !== undefined && held(lease, now) <= newest.size / 2 && mayLend(lease, now);
};

/** The share ends soon, or what is lent beside it is used up. */
const wantsShareRenewal = (lease: Lease, share: Share, now: number): boolean => {
  if (lease.asking.some((other) => other.share !== undefined)) return false;
  return isShareEnding(share, now) || (share.isPartial && heldByNumber(lease, now) === 0);
};

/**
 * Books what was lent of a share, before the rest of the answer.
 * @returns what is to be given back when it expires: requests of the policies beside the share.
 */
export const settleLent = (lease: Lease, asking: Asking, reply: Reply, now: number): Grant | undefined => {
  const { share } = lease;
  if (share === undefined) return undefined;
  if (reply.granted > 0 && !reply.leased)
    noteRequests(share, now, Math.min(reply.granted, asking.waiters.length));
  if (asking.share === undefined) return undefined;
  settleShare(share, asking.share, asking.askedAt, now, reply.share);
  const beside = reply.share?.ahead && besideOf(asking, reply.share.ahead);
  if (beside !== undefined) lease.grants.push(beside);
  if (reply.share?.within) handWithin(lease, asking, now);
  return beside;
};

const besideOf = (
  { askedAt }: Asking,
  { grant, requests, lifeMs }: NonNullable<LentShare['ahead']>,
): Grant => ({
  name: grant,
  size: requests,
  unused: requests,
  decided: 0,
  returns: 0,
  returning: 0,
  leased: true,
  within: true,
  expires: askedAt + lifeMs,
});

/** Those that wait take of the share, which has grown for them. */
const handWithin = (lease: Lease, { waiters }: Asking, now: number): void => {
  for (const waiter of waiters.filter(isAsked)) {
    const grant = take(lease, now);
    if (grant === undefined) return;
    waiter.state = 'granted';
    waiter.within = grant;
    waiter.tell({ kind: 'granted', grant, waiter });
  }
};

/**
 * Books an answer and tells those that it is for. A lease lives from the asking: the Limiter charged it from later on, so no
 * permit is used after the Limiter stopped counting it. Returns the grant, of which unused permits are to be given back: a
 * lease's when it expires, others at once.
 */
export const settle = (lease: Lease, asking: Asking, answer: Reply): Grant | undefined => {
  const reply = answer.version > VERSION ? strictly(answer) : answer;
  const { askedAt } = asking;
  lease.asking = lease.asking.filter((other) => other !== asking);
  const said = { decisions: reply.decisions, decidedAt: askedAt, policies: reply.policies };
  const isNewest = askedAt >= lease.said.decidedAt;
  if (isNewest) {
    lease.said = said;
    lease.abnormal = reply.abnormal;
  }
  mark(lease, askedAt, reply.marks);
  noteDenial(lease, asking, reply, isNewest);
  const grant = grantOf(askedAt, reply);
  const unmet = (grant === undefined ? asking.waiters : hand(asking.waiters, grant)).filter(isAsked);
  if (servedBy(reply) > 0 && reply.keepMs === 0) rejoin(lease, unmet);
  else refuse(lease, unmet, said);
  if (asking.ahead > 0 && !grant?.leased) lease.lendableFrom = askedAt + UNLENT_MS;
  if (grant?.leased) lease.grants.push(grant);
  return grant;
};

/** Of an answer that means more than this version knows, one permit is sure. */
const strictly = (reply: Reply): Reply => ({ ...reply, granted: Math.min(1, reply.granted), leased: false });

const grantOf = (askedAt: number, { granted, grant, lifeMs, leased }: Reply): Grant | undefined =>
  granted === 0
    ? undefined
    : {
        name: grant,
        size: granted,
        unused: granted,
        decided: 0,
        returns: 0,
        returning: 0,
        leased: leased ?? granted > 1,
        expires: askedAt + lifeMs,
      };

/** To each that still waits, in their order; what is left of those is denied. */
const hand = (waiters: readonly Waiter[], grant: Grant): readonly Waiter[] => {
  for (const [i, waiter] of waiters.entries()) {
    if (grant.unused === 0) return waiters.slice(i);
    if (waiter.state !== 'asked') continue;
    waiter.state = 'granted';
    waiter.tell({ kind: 'granted', grant: draw(grant), waiter });
  }
  return [];
};

/** Requests that an answer lets pass, by themselves or of the share. */
const servedBy = ({ granted, share }: Reply): number => granted + (share?.within ?? 0);

/** As long as the Limiter said and no longer. */
const noteDenial = (lease: Lease, { askedAt, waiters }: Asking, reply: Reply, isNewest: boolean): void => {
  const { loans, keepMs } = reply;
  const isDenied = servedBy(reply) < waiters.length;
  if (isNewest) lease.deniedUntil = isDenied ? askedAt + keepMs : 0;
  if (isNewest || (isDenied && loans !== undefined)) {
    lease.obstructedUntil = isDenied && loans !== undefined ? askedAt + loans.backMs : 0;
    lease.obstructedRoom = loans?.requests ?? 0;
  }
};

/** A Limiter that knows nothing of those that wait granted some of them, and denied none: the rest asks again. */
const rejoin = (lease: Lease, waiters: readonly Waiter[]): void => {
  for (const waiter of waiters) waiter.state = 'waiting';
  lease.waiting.unshift(...waiters);
};

/** Whom loans alone obstruct waits for them, as many as may pass then; the others are denied. */
const refuse = (lease: Lease, waiters: readonly Waiter[], said: Said): void => {
  for (const waiter of waiters) {
    waiter.state = 'gone';
    const until = awaitLoans(lease, said.decidedAt);
    waiter.tell(until === undefined ? { kind: 'denied', said } : { kind: 'obstructed', until, said });
  }
};

/** The ask has failed: each of those it was for meets the failure policy. */
export const fail = (lease: Lease, asking: Asking, error: unknown): void => {
  lease.asking = lease.asking.filter((other) => other !== asking);
  lease.deniedUntil = 0;
  lease.lendableFrom = asking.askedAt + UNLENT_MS;
  for (const waiter of asking.waiters.filter(isAsked)) {
    waiter.state = 'gone';
    waiter.tell({ kind: 'failed', error });
  }
};

/** Has one of those that nobody asks for yet ask for them all. */
export const passOn = (lease: Lease): void => lease.waiting.find(isWaiting)?.tell({ kind: 'ask' });

/** Its client has left: it is not served, and what it was granted goes back. */
export const leave = (waiter: Waiter): void => {
  if (waiter.state === 'granted') waiter.state = 'left';
  else if (waiter.state !== 'taken') waiter.state = 'gone';
};

/** Whether what was granted may still be taken: it is not given back yet, and a lease lives. */
export const isOpen = ({ waiter, grant }: Granted, now: number): boolean =>
  waiter === undefined || (waiter.state === 'granted' && !(grant.leased && now >= grant.expires));

/** Takes what was granted, for good. */
export const accept = ({ waiter }: Granted): void => {
  if (waiter !== undefined) waiter.state = 'taken';
};

/** Whether it has a permit that it may yet take. */
export const isUndecided = ({ state }: Waiter): boolean => state === 'granted';

const isLeft = (state: Waiter['state']): boolean => state === 'granted' || state === 'left';

/** Takes back what those were served by the share that never took it. */
export const reclaimWithin = ({ waiters }: Asking): Grant[] =>
  waiters.flatMap((waiter) => {
    if (waiter.within === undefined || !isLeft(waiter.state)) return [];
    waiter.state = 'gone';
    return [waiter.within];
  });

/** Takes back what those were granted that never took it; says how many. */
export const reclaim = ({ waiters }: Asking): number => {
  const left = waiters.filter(({ state, within }) => isLeft(state) && within === undefined);
  for (const waiter of left) waiter.state = 'gone';
  return left.length;
};

/** An answer that was overtaken by a later one knows nothing of marks set between the two. */
const mark = (lease: Lease, askedAt: number, marks: Marks | undefined): void => {
  if (askedAt < lease.markedAt) return;
  lease.marks = marks;
  lease.markedAt = askedAt;
};

/** What is to be told of unusual use; a report is told once. */
export const tellAbnormal = (lease: Lease): Abnormal | undefined => {
  const { abnormal } = lease;
  if (abnormal?.report) lease.abnormal = { ...abnormal, report: false };
  return abnormal;
};

/** Ends a grant; says how many of its requests were never made. */
export const endGrant = (lease: Lease, grant: Grant): number => {
  const { unused } = grant;
  grant.unused = 0;
  lease.grants = lease.grants.filter((other) => other !== grant);
  return unused;
};
