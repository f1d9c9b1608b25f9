// What becomes of an ask: its answer is booked at the lease, and those that it is for are told. Functions of plain data; no
// clock, no I/O.
import { type LentShare, type Reply, VERSION } from '../limiter/messages.ts';
import type { Marks } from '../limiter/standing.ts';
import { draw, type Grant, newGrant } from './grant.ts';
import { type Asking, awaitLoans, giveBackShare, isShareAsked, type Lease, take } from './lease.ts';
import { isLent, noteRequests, type Share, settleShare } from './share.ts';
import { restoreSingles } from './singles.ts';
import { isAsked, isWaiting, type Obstructed, type Said, type Waiter } from './waiter.ts';

/** After an answer that lent nothing ahead, none is asked for alone for so long. */
const UNLENT_MS = 500;

/** What came of asking for a share. */
export interface Lent {
  /** Requests of the policies beside it, to be given back when it expires. */
  readonly beside: Grant | undefined;
  /** Those that it served. */
  readonly served: readonly Waiter[];
}

/** Books what was lent of a share, before the rest of the answer. One that is not renewed is given back at once. */
export const settleLent = (lease: Lease, asking: Asking, reply: Reply, now: number): Lent | undefined => {
  const { share } = lease;
  if (share === undefined) return undefined;
  if (reply.granted > 0 && !reply.leased)
    noteRequests(share, now, Math.min(reply.granted, asking.waiters.length));
  const beside = bookShare(lease, share, asking, reply.share, now);
  // A use may have drained since they asked.
  const unmet = asking.waiters.filter(isAsked).slice(reply.granted);
  return { beside, served: handWithin(lease, [...unmet, ...lease.waiting.filter(isWaiting)], now) };
};

const bookShare = (
  lease: Lease,
  share: Share,
  asking: Asking,
  lent: LentShare | undefined,
  now: number,
): Grant | undefined => {
  if (asking.share === undefined) return undefined;
  settleShare(share, asking.share, asking.askedAt, now, lent);
  if (lent === undefined) {
    lease.lendableFrom = asking.askedAt + UNLENT_MS;
    if (asking.holder === share.name) {
      restoreSingles(lease, asking.singles);
      giveBackShare(lease, share, now);
    }
  }
  const beside = lent?.ahead && besideOf(asking, lent.ahead);
  if (beside !== undefined) lease.grants.push(beside);
  return beside;
};

const besideOf = ({ askedAt }: Asking, { grant, requests, lifeMs }: NonNullable<LentShare['ahead']>): Grant =>
  newGrant({ name: grant, size: requests, leased: true, within: true, expires: askedAt + lifeMs });

/** Those that wait take of the share, as far as it goes, in the order they came; says who did. */
const handWithin = (lease: Lease, waiters: readonly Waiter[], now: number): readonly Waiter[] => {
  for (const [i, waiter] of waiters.entries()) {
    const grant = take(lease, now);
    if (grant === undefined) return waiters.slice(0, i);
    waiter.state = 'granted';
    waiter.within = grant;
    waiter.tell({ kind: 'granted', grant, waiter });
  }
  return waiters;
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
  // What was in the way may be the lease's own share, which has been given back since or is being lent.
  const isOutdated = asking.ended !== (lease.share?.ended ?? 0) || isShareAsked(lease);
  if (!isOutdated) noteDenial(lease, asking, reply, isNewest);
  const grant = grantOf(askedAt, reply);
  const unmet = (grant === undefined ? asking.waiters : hand(asking.waiters, grant)).filter(isAsked);
  if (isOutdated || (servedBy(reply) > 0 && reply.keepMs === 0)) rejoin(lease, unmet);
  else refuse(lease, unmet, said);
  if (asking.ahead > 0 && asking.share === undefined && !grant?.leased)
    lease.lendableFrom = askedAt + UNLENT_MS;
  if (grant?.leased) lease.grants.push(grant);
  return grant;
};

/** Of an answer that means more than this version knows, one permit is sure. */
const strictly = (reply: Reply): Reply => ({ ...reply, granted: Math.min(1, reply.granted), leased: false });

const grantOf = (askedAt: number, { granted, grant, lifeMs, leased }: Reply): Grant | undefined =>
  granted === 0
    ? undefined
    : newGrant({ name: grant, size: granted, leased: leased ?? granted > 1, expires: askedAt + lifeMs });

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
  if (isNewest) lease.deniedUntil = isDenied ? Math.min(askedAt + keepMs, shareEnd(lease)) : 0;
  if (isNewest || (isDenied && loans !== undefined)) {
    lease.obstructedUntil = isDenied && loans !== undefined ? askedAt + loans.backMs : 0;
    lease.obstructedRoom = loans?.requests ?? 0;
    lease.obstructedByHeld = loans?.held === true;
  }
};

/** What the Limiter denies for its sake, it may grant once the lease's own share is over. */
const shareEnd = ({ share }: Lease): number =>
  share !== undefined && isLent(share) ? share.expires : Number.POSITIVE_INFINITY;

/** A Limiter that knows nothing of those that wait granted some of them, and denied none: the rest asks again. */
const rejoin = (lease: Lease, waiters: readonly Waiter[]): void => {
  for (const waiter of waiters) {
    waiter.state = 'waiting';
    waiter.rejoined = (waiter.rejoined ?? 0) + 1;
  }
  lease.waiting.unshift(...waiters);
};

/** Of a request that has a place among those that wait `until` then. */
export const obstructed = (lease: Lease, until: number, said: Said): Obstructed => ({
  kind: 'obstructed',
  until,
  held: lease.obstructedByHeld,
  said,
});

/** Requests that only loans obstruct wait for them, as many as may pass then; the others are denied. */
const refuse = (lease: Lease, waiters: readonly Waiter[], said: Said): void => {
  for (const waiter of waiters) {
    waiter.state = 'gone';
    const until = awaitLoans(lease, said.decidedAt);
    waiter.tell(until === undefined ? { kind: 'denied', said } : obstructed(lease, until, said));
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

/** An answer that was overtaken by a later one knows nothing of marks set between the two. */
const mark = (lease: Lease, askedAt: number, marks: Marks | undefined): void => {
  if (askedAt < lease.markedAt) return;
  lease.marks = marks;
  lease.markedAt = askedAt;
};
