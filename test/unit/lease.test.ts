import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/limiter/messages.ts';
import { endGrant, type Lease, newLease, settle, startAsking } from '../../src/quota/lease.ts';

const EPOCH = 1_800_000_000_000;

/** Asks, and is granted all of it. */
const ask = (lease: Lease, now: number) => {
  const granted = startAsking(lease, now, true);
  const grant = settle(lease, now, {
    ...{ version: VERSION, granted, decisions: [], keepMs: 0, lifeMs: 1_000, grant: 'a' },
  });
  return { granted, grant };
};

describe('what a lease asks for', () => {
  it('doubles while the last was gone within half its life, up to 256', () => {
    const lease = newLease();
    const sizes = Array.from({ length: 10 }, (_, i) => ask(lease, EPOCH + i * 499).granted);
    expect(sizes).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 256]);
  });

  it('stays the same where that lasted longer', () => {
    const lease = newLease();
    const times = [0, 100, 200, 700, 1_500];
    expect(times.map((time) => ask(lease, EPOCH + time).granted)).toEqual([1, 2, 4, 4, 4]);
  });

  it('is one again after a life without asking', () => {
    const lease = newLease();
    const times = [0, 100, 200, 1_200];
    expect(times.map((time) => ask(lease, EPOCH + time).granted)).toEqual([1, 2, 4, 1]);
  });

  it('goes by what was used of the last', () => {
    const lease = newLease();
    for (const time of [0, 100, 200]) ask(lease, EPOCH + time);
    const { grant } = ask(lease, EPOCH + 300);
    if (grant === undefined) throw new Error('nothing was granted');
    grant.unused = 5;
    endGrant(lease, grant);
    expect(ask(lease, EPOCH + 1_299).granted).toBe(3);
  });
});
