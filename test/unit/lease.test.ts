// What an isolate asks for, for whom, and whom an answer reaches.
import { describe, expect, it } from 'vitest';
import { type Reply, type ShareAsk, VERSION } from '../../src/limiter/messages.ts';
import { arrive } from '../../src/quota/arrivals.ts';
import { join, passOn, startAsking } from '../../src/quota/asking.ts';
import { awaitLoans, isDenied, type Lease, newLease, take } from '../../src/quota/lease.ts';
import { settle } from '../../src/quota/settle.ts';
import { askShare, newShare, settleShare } from '../../src/quota/share.ts';
import { type Answer, reclaim, type Waiter } from '../../src/quota/waiter.ts';

const EPOCH = 1_800_000_000_000;
const TERMS = { leasable: true, leaseMs: 1_000, shared: true, timeoutMs: 1_000 };

const granting = (granted: number, more: Partial<Reply> = {}): Reply => ({
  ...{ version: VERSION, granted, decisions: [], keepMs: 0, lifeMs: 0, grant: 'a', leased: false },
  ...more,
});

const denying = (keepMs: number, more: Partial<Reply> = {}): Reply => granting(0, { keepMs, ...more });

/** A request that waits, and what it has been told. */
const waiter = (lease: Lease) => {
  const told: Answer['kind'][] = [];
  const waiting: Waiter = {
    state: 'waiting',
    token: undefined,
    tell: (answer) => void told.push(answer.kind),
  };
  join(lease, waiting);
  return { waiting, told };
};

/** Arrivals `perSecond` for a while, up to `until`. */
const busy = (lease: Lease, perSecond: number, ms: number, until: number): void => {
  for (let at = until - ms; at <= until; at += 1_000 / perSecond) arrive(lease.arrivals, Math.floor(at));
};

describe('an ask', () => {
  it('is for exactly those that wait and that nobody asks for yet', () => {
    const lease = newLease();
    waiter(lease);
    expect(startAsking(lease, EPOCH, TERMS)?.waiters.length).toBe(1);
    for (let i = 0; i < 5; i++) waiter(lease);
    expect(startAsking(lease, EPOCH, TERMS)?.waiters.length).toBe(5);
    expect(startAsking(lease, EPOCH, TERMS)).toBeUndefined();
  });

  it('goes beside a few others; those who come then wait for the first answer', () => {
    const lease = newLease();
    const asks = [1, 2, 3, 4].map(() => {
      waiter(lease);
      return startAsking(lease, EPOCH, TERMS);
    });
    const [late, later] = [waiter(lease), waiter(lease)];
    expect(startAsking(lease, EPOCH, TERMS)).toBeUndefined();
    const [first] = asks;
    if (first === undefined) throw new Error('nothing was asked');
    settle(lease, first, granting(1));
    passOn(lease);
    expect([late.told, later.told]).toEqual([['ask'], []]);
    expect(startAsking(lease, EPOCH, TERMS)?.waiters.length).toBe(2);
  });

  it('that was lost with its request keeps nobody from asking', () => {
    const lease = newLease();
    for (let i = 0; i < 4; i++) {
      waiter(lease);
      startAsking(lease, EPOCH, TERMS);
    }
    waiter(lease);
    expect(startAsking(lease, EPOCH + 999, TERMS)).toBeUndefined();
    expect(startAsking(lease, EPOCH + 1_000, TERMS)?.waiters.length).toBe(1);
  });

  it('is each request’s own without leases', () => {
    const lease = newLease();
    const terms = { ...TERMS, leasable: false, shared: false };
    for (let i = 0; i < 10; i++) waiter(lease);
    const sizes = Array.from({ length: 10 }, () => startAsking(lease, EPOCH, terms)?.waiters.length);
    expect(sizes).toEqual(Array(10).fill(1));
  });
});

describe('lending ahead', () => {
  const aheadOf = (perSecond: number, ms: number) => {
    const lease = newLease();
    busy(lease, perSecond, ms, EPOCH);
    waiter(lease);
    return startAsking(lease, EPOCH, TERMS)?.ahead;
  };

  it('is not for a caller that has only just come, however fast', () => {
    expect(aheadOf(1_000, 400)).toBe(0);
  });

  it('is for one that has been hot for a while, as many as come while a lease is used up', () => {
    expect(aheadOf(10, 2_000)).toBe(6);
    expect(aheadOf(100, 2_000)).toBeGreaterThanOrEqual(57);
    expect(aheadOf(100, 2_000)).toBeLessThanOrEqual(63);
    expect(aheadOf(10_000, 2_000)).toBe(256);
  });

  it('is not for one that pauses', () => {
    expect(aheadOf(1.9, 20_000)).toBe(0);
  });

  it('is asked for by one ask at a time', () => {
    const lease = newLease();
    busy(lease, 100, 2_000, EPOCH);
    waiter(lease);
    expect(startAsking(lease, EPOCH, TERMS)?.ahead).toBeGreaterThan(0);
    waiter(lease);
    expect(startAsking(lease, EPOCH, TERMS)?.ahead).toBe(0);
  });
});

describe('an answer', () => {
  const asked = (waiting: number) => {
    const lease = newLease();
    const waiters = Array.from({ length: waiting }, () => waiter(lease));
    const asking = startAsking(lease, EPOCH, TERMS);
    if (asking === undefined) throw new Error('nothing was asked');
    return { lease, waiters, asking };
  };

  const kinds = (waiters: readonly { told: Answer['kind'][] }[]) => waiters.map(({ told }) => told.join());

  it('serves those that wait in the order they came', () => {
    const { lease, waiters, asking } = asked(3);
    settle(lease, asking, granting(2, { keepMs: 5_000 }));
    expect(kinds(waiters)).toEqual(['granted', 'granted', 'denied']);
    expect(isDenied(lease, EPOCH + 4_999)).toBe(true);
    expect(isDenied(lease, EPOCH + 5_000)).toBe(false);
  });

  it('passes over those that have left, whose permits nobody may use later', () => {
    const { lease, waiters, asking } = asked(3);
    for (const { waiting } of waiters.slice(0, 2)) waiting.state = 'gone';
    const grant = settle(lease, asking, granting(3));
    expect(kinds(waiters)).toEqual(['', '', 'granted']);
    expect(grant?.unused).toBe(2);
    expect(take(lease, EPOCH)).toBeUndefined();
  });

  it('takes back what was granted to a request that never took it', () => {
    const { lease, waiters, asking } = asked(3);
    settle(lease, asking, granting(3));
    for (const { waiting } of waiters.slice(0, 2)) waiting.state = 'taken';
    expect(reclaim(asking.waiters)).toBe(1);
    expect(reclaim(asking.waiters)).toBe(0);
  });

  it('has as many wait for loans as may pass then, and denies the others', () => {
    const { lease, waiters, asking } = asked(4);
    settle(lease, asking, denying(300, { loans: { requests: 2, backMs: 300 } }));
    expect(kinds(waiters)).toEqual(['obstructed', 'obstructed', 'denied', 'denied']);
    expect(awaitLoans(lease, EPOCH + 1)).toBeUndefined();
  });

  it('has those ask again that a Limiter passed over which knows nothing of them', () => {
    const { lease, waiters, asking } = asked(3);
    settle(lease, asking, granting(1));
    expect(kinds(waiters)).toEqual(['granted', '', '']);
    expect(startAsking(lease, EPOCH, TERMS)?.waiters.length).toBe(2);
  });

  it('that was overtaken denies nobody who came later', () => {
    const lease = newLease();
    waiter(lease);
    const first = startAsking(lease, EPOCH, TERMS);
    waiter(lease);
    const second = startAsking(lease, EPOCH + 1, TERMS);
    if (first === undefined || second === undefined) throw new Error('nothing was asked');
    settle(lease, second, granting(1));
    settle(lease, first, denying(5_000));
    expect(isDenied(lease, EPOCH + 2)).toBe(false);
  });

  it('of a version to come grants one permit and lends nothing', () => {
    const { lease, waiters, asking } = asked(2);
    settle(lease, asking, granting(2, { version: VERSION + 1, leased: true, lifeMs: 60_000 }));
    expect(kinds(waiters)).toEqual(['granted', '']);
    expect(take(lease, EPOCH)).toBeUndefined();
  });
});

describe('a denial', () => {
  it('lasts no longer than the lease’s own share, which may be its cause', () => {
    const counter = 'default:sliding-window:1000';
    const limit = { name: '10/second', counter, algorithm: 'sliding-window', quota: 10 } as const;
    const policies = [{ ...limit, windowMs: 1_000, count: 1, unit: 'second' } as const];
    const lease = newLease(newShare({ id: 'a', policies, cost: 1, isPartial: false, leaseMs: 1_000 }));
    const asked = (at: number) => {
      waiter(lease);
      const asking = startAsking(lease, at, TERMS);
      if (asking === undefined || lease.share === undefined) throw new Error('nothing was asked');
      return { asking, share: lease.share };
    };
    const { asking, share } = asked(EPOCH);
    const ask = askShare(share, EPOCH, [1]);
    settleShare(share, ask, EPOCH, EPOCH, { permits: [1], lifeMs: 1_000, at: EPOCH });
    settle(lease, asking, granting(1));
    expect(take(lease, EPOCH)).toBeDefined();
    settle(lease, asked(EPOCH + 10).asking, denying(5_000));
    expect(isDenied(lease, EPOCH + 999)).toBe(true);
    expect(isDenied(lease, EPOCH + 1_000)).toBe(false);
  });

  it('does not reach who waits while a share is asked for, which may be what is in the way', () => {
    const lease = newLease();
    const asking = (share?: ShareAsk) => {
      const waiting = waiter(lease);
      const asking = startAsking(lease, EPOCH, TERMS);
      if (asking === undefined) throw new Error('nothing was asked');
      const asked = { ...asking, share };
      lease.asking = lease.asking.map((other) => (other === asking ? asked : other));
      return { ...waiting, asked };
    };
    asking({ name: 'a', order: 1, wishes: [] });
    const { told, asked } = asking();
    settle(lease, asked, denying(5_000));
    expect(told).toEqual([]);
    expect(startAsking(lease, EPOCH, TERMS)?.waiters.length).toBe(1);
  });
});
