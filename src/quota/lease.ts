// Leases: permits of one partition and plan that an isolate already holds, or a denial that it already knows. Plain
// data and functions of it, so that requests may share it; no clock, no I/O.

import type { Decision } from '../limiter/arithmetic.ts';
import { type Abnormal, LEASE_MS, type Reply } from '../limiter/messages.ts';
import type { Policy } from '../limiter/policy.ts';
import type { Marks } from '../limiter/standing.ts';

/** Requests asked for at once, at most. */
const MAX_WANT = 256;

/** Permits of one grant. */
export interface Grant {
  /** As the Limiter calls it. */
  readonly name: string;
  /** Requests granted. */
  readonly size: number;
  /** By the isolate's clock, from when it asked. */
  readonly expires: number;
  unused: number;
}

export interface Lease {
  /** Oldest first, so that what expires first is used first. */
  grants: Grant[];
  /** Requests of the last grant, as far as they were made: what the next ask goes by. */
  want: number;
  askedAt: number;
  /** A background ask is under way until then at the latest. */
  renewingUntil: number;
  deniedUntil: number;
  /** The Limiter's newest answer, and when it was asked for. */
  decisions: readonly Decision[];
  decidedAt: number;
  /** What was decided about, where that is not what was asked; an override is in force. */
  policies: readonly Policy[] | undefined;
  abnormal: Abnormal | undefined;
  /** Revocation marks, and when the answer that brought them was asked for. */
  marks: Marks | undefined;
  markedAt: number;
  /** Requests since the last ask. */
  uses: number;
}

export const newLease = (): Lease => ({
  grants: [],
  want: 1,
  askedAt: 0,
  renewingUntil: 0,
  deniedUntil: 0,
  decisions: [],
  decidedAt: 0,
  policies: undefined,
  abnormal: undefined,
  marks: undefined,
  markedAt: 0,
  uses: 0,
});

/** Takes the permit of one request, if one is held. */
export const take = (lease: Lease, now: number): Grant | undefined => {
  while (lease.grants[0] !== undefined && !isUsable(lease.grants[0], now)) lease.grants.shift();
  const grant = lease.grants[0];
  return grant === undefined ? undefined : draw(grant);
};

/** Takes one permit of a grant that has one. */
export const draw = (grant: Grant): Grant => {
  grant.unused--;
  return grant;
};

/** Puts a permit back that was taken but not used. */
export const putBack = (lease: Lease, grant: Grant): void => {
  grant.unused++;
  if (!lease.grants.includes(grant)) lease.grants.unshift(grant);
};

const isUsable = (grant: Grant, now: number): boolean => grant.unused > 0 && now < grant.expires;

/** Requests that may still pass without asking. */
export const held = (lease: Lease, now: number): number =>
  lease.grants.reduce((sum, grant) => (isUsable(grant, now) ? sum + grant.unused : sum), 0);

/**
 * How many requests to ask for: several only while the subject proves hot here, and twice as many as last time only where
 * those were gone within half a lease's life, so that what is asked for is also used.
 */
export const startAsking = (lease: Lease, now: number, leasable: boolean): number => {
  const pause = now - lease.askedAt;
  lease.askedAt = now;
  if (!leasable || pause >= LEASE_MS) lease.want = 1;
  else if (pause < LEASE_MS / 2) return Math.min(MAX_WANT, lease.want * 2);
  return lease.want;
};

/**
 * A denial that has only just run out goes on for the others until the one that asks has its answer, `ms` at most:
 * else all of a flood that comes in meanwhile would ask.
 */
export const holdDenial = (lease: Lease, now: number, ms: number): void => {
  if (now - lease.deniedUntil < LEASE_MS) lease.deniedUntil = now + ms;
};

/** Half a lease is spent and nobody is fetching the next one yet. */
export const wantsRenewal = (lease: Lease, now: number): boolean => {
  const newest = lease.grants.at(-1);
  return newest !== undefined && now >= lease.renewingUntil && held(lease, now) <= newest.size / 2;
};

/**
 * Books an answer to what was asked at `askedAt`. A lease lives from the asking: the Limiter charged it from later on,
 * so no permit is used after the Limiter stopped counting it. Returns the grant, which holds all its permits.
 */
export const settle = (lease: Lease, askedAt: number, reply: Reply): Grant | undefined => {
  lease.decisions = reply.decisions;
  lease.decidedAt = askedAt;
  lease.policies = reply.policies;
  lease.abnormal = reply.abnormal;
  mark(lease, askedAt, reply.marks);
  if (reply.granted === 0) {
    lease.deniedUntil = askedAt + reply.keepMs;
    return undefined;
  }
  lease.deniedUntil = 0;
  lease.want = reply.granted;
  const grant = {
    name: reply.grant,
    size: reply.granted,
    expires: askedAt + reply.lifeMs,
    unused: reply.granted,
  };
  if (reply.granted > 1) lease.grants.push(grant);
  return grant;
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

/** Ends a grant; says how many of its requests were never made. They make the next ask smaller. */
export const endGrant = (lease: Lease, grant: Grant): number => {
  const { unused } = grant;
  grant.unused = 0;
  lease.grants = lease.grants.filter((other) => other !== grant);
  if (unused > 0) lease.want = Math.max(1, Math.min(lease.want, grant.size - unused));
  return unused;
};
