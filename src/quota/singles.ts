// Requests that were granted by themselves and used: a share takes them over, so that their permits count once. Functions of
// plain data; no clock, no I/O.
import type { Grant } from './grant.ts';
import type { Lease, Single } from './lease.ts';
import { countUses, type Share } from './share.ts';

/** Grants that a share may take over at once, and for how long: the Limiter forgets them after two lives and two seconds. */
const MAX_SINGLES = 128;
const ADOPTABLE_MS = 3_000;

/** Remembers what was used of such a grant, where there is a share that may take it over. */
export const noteSingles = (lease: Lease, grant: Grant, now: number): void => {
  const requests = grant.size - grant.returned;
  if (lease.share === undefined || requests === 0) return;
  lease.singles = [...lease.singles.slice(1 - MAX_SINGLES), { grant, requests, usedAt: now }];
};

/** Counts the recent ones as uses of the share, each once. */
export const adoptSingles = (lease: Lease, share: Share, now: number): readonly Single[] => {
  const windowMs = Math.max(...share.policies.map((policy) => policy.windowMs));
  const since = now - Math.min(windowMs, ADOPTABLE_MS);
  const singles = lease.singles.filter(({ requests, usedAt }) => requests > 0 && usedAt > since);
  lease.singles = [];
  for (const { grant, requests, usedAt } of singles) {
    grant.adopted = true;
    countUses(share, usedAt, requests);
  }
  return singles;
};

/** The share that was to take them over was not lent. */
export const restoreSingles = (lease: Lease, singles: readonly Single[]): void => {
  for (const { grant } of singles) grant.adopted = false;
  lease.singles = [...singles, ...lease.singles].slice(-MAX_SINGLES);
};
