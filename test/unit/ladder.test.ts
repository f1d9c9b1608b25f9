// The ladder never lends what it does not have: random schedules, and the worst cases that those rarely hit.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/limiter/policy.ts';
import type { Grant } from '../../src/quota/grant.ts';
import { Ladder } from './ladder.ts';
import { anyPolicy, EPOCH, policy } from './policies.ts';

type Event =
  | { do: 'wait'; ms: number }
  | { do: 'request'; isolate: number; times: number }
  | { do: 'ask' | 'reply' | 'return' | 'return-twice'; index: number }
  | { do: 'lose'; isolate: number }
  | { do: 'settle-all' | 'end-leases' | 'crash' };

const anyEvent = (windowMs: number): fc.Arbitrary<Event> => {
  const index = fc.nat(30);
  const ms = fc.oneof(
    fc.nat(20),
    fc.integer({ min: 900, max: 1_100 }),
    fc.integer({ min: 9_500, max: 11_500 }),
    fc.integer({ min: windowMs - 1_500, max: windowMs + 300 }),
  );
  return fc.oneof(
    { weight: 3, arbitrary: ms.map((ms) => ({ do: 'wait' as const, ms })) },
    {
      weight: 5,
      arbitrary: fc
        .record({ isolate: fc.nat(15), times: fc.integer({ min: 1, max: 12 }) })
        .map((request) => ({
          do: 'request' as const,
          ...request,
        })),
    },
    { weight: 4, arbitrary: fc.constant({ do: 'settle-all' as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('ask' as const, 'reply' as const, 'return' as const, 'return-twice' as const),
        index,
      }),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'end-leases' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), isolate: fc.nat(15) }) },
  );
};

const play = (ladder: Ladder, event: Event): void => {
  switch (event.do) {
    case 'wait':
      ladder.now += event.ms;
      return;
    case 'request':
      for (let i = 0; i < event.times; i++) ladder.request(event.isolate);
      return;
    case 'ask':
      ladder.deliverAsk(event.index);
      return;
    case 'reply':
      ladder.deliverReply(event.index);
      return;
    case 'return':
      ladder.deliverReturn(event.index);
      return;
    case 'return-twice':
      ladder.deliverReturn(event.index, true);
      return;
    case 'settle-all':
      ladder.settleAll();
      return;
    case 'end-leases':
      ladder.endLeases();
      ladder.wake();
      return;
    case 'crash':
      ladder.crash();
      return;
    case 'lose':
      ladder.lose(event.isolate);
      return;
  }
};

const schedules = (algorithm: 'sliding-window' | 'fixed-window') =>
  anyPolicy(algorithm)
    .filter(({ windowMs }) => windowMs >= 32_000)
    .chain((limit) =>
      fc.record({
        limit: fc.constant({ ...limit, quota: limit.quota * 5 }),
        isolates: fc.integer({ min: 1, max: 16 }),
        events: fc.array(anyEvent(limit.windowMs), { maxLength: 150 }),
      }),
    );

/** Whatever happens but loss: requests here and there, time, asks and answers in any order. */
const faultless = anyPolicy('sliding-window')
  .filter(({ windowMs }) => windowMs >= 32_000)
  .chain((limit) =>
    fc.record({
      limit: fc.constant({ ...limit, quota: limit.quota * 5 }),
      isolates: fc.integer({ min: 1, max: 8 }),
      steps: fc.array(
        fc.record({
          ms: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 }), fc.nat(2_000)),
          isolate: fc.nat(8),
          times: fc.integer({ min: 0, max: 6 }),
          settled: fc.boolean(),
        }),
        { maxLength: 120, size: 'max' },
      ),
      places: fc.array(fc.nat(8), { minLength: 1, maxLength: 20 }),
    }),
  );

describe('without faults', () => {
  it('whatever is free passes, wherever it is asked for, even what others hold on loan', () => {
    fc.assert(
      fc.property(faultless, ({ limit, isolates, steps, places }) => {
        const ladder = new Ladder([limit], isolates);
        for (const { ms, isolate, times, settled } of steps) {
          ladder.now += ms;
          ladder.endLeases();
          while (ladder.returns.length > 0) ladder.deliverReturn();
          ladder.wake();
          for (let i = 0; i < times; i++) ladder.request(isolate);
          if (settled) ladder.settleAll();
        }
        ladder.settleAll();
        const free = (ladder.left(limit) ?? 0) + ladder.held - ladder.sleeping.length;
        const { denied } = ladder;
        for (let i = 0; i < free; i++) ladder.request(places[i % places.length] ?? 0);
        ladder.finish();
        // Those that waited already may be more than was free.
        expect(ladder.denied - denied).toBeLessThanOrEqual(Math.max(0, -free));
        expect(ladder.busiest(limit.windowMs)).toBeLessThanOrEqual(limit.quota);
      }),
      { numRuns: 400 },
    );
  });

  it('no more than a tenth of what remains is out on loan when more is lent', () => {
    let lent = 0;
    fc.assert(
      fc.property(faultless, ({ limit, isolates, steps }) => {
        const ladder = new Ladder([limit], isolates);
        for (const { isolate, times } of steps) {
          ladder.now += 20;
          for (let i = 0; i < times; i++) ladder.request(isolate % 2);
          ladder.settleAll();
          expect(ladder.held).toBeLessThanOrEqual(ladder.lent(limit));
        }
        lent = Math.max(lent, ladder.mostLent);
        expect(ladder.mostLent).toBeLessThanOrEqual(0.1);
      }),
      { numRuns: 200 },
    );
    // Else nothing was ever lent here.
    expect(lent).toBeGreaterThan(0.05);
  });

  it('a burst passes from cold as far as the quota goes, over any number of isolates', () => {
    for (const isolates of [1, 2, 4, 8]) {
      const ladder = new Ladder([policy(100, 1, 'minute')], isolates);
      for (let i = 0; i < 150; i++) ladder.request(i);
      ladder.settleAll();
      expect([ladder.passed.length, ladder.denied, ladder.sleeping.length]).toEqual([100, 50, 0]);
      expect(ladder.calls).toBeLessThanOrEqual(6 * isolates);
    }
  });
});

describe('any interleaving of ask, grant, use, return, expiry, delay, eviction and crash', () => {
  it('never uses more than the quota in any sliding window', () => {
    fc.assert(
      fc.property(schedules('sliding-window'), ({ limit, isolates, events }) => {
        const ladder = new Ladder([limit], isolates);
        for (const event of events) play(ladder, event);
        expect(ladder.busiest(limit.windowMs)).toBeLessThanOrEqual(limit.quota);
      }),
      { numRuns: 1_000 },
    );
  });

  it('never uses more than the quota in any fixed window', () => {
    fc.assert(
      fc.property(schedules('fixed-window'), ({ limit, isolates, events }) => {
        const ladder = new Ladder([limit], isolates);
        for (const event of events) play(ladder, event);
        expect(ladder.busiestCalendar(limit.windowMs)).toBeLessThanOrEqual(limit.quota);
      }),
      { numRuns: 500 },
    );
  });
});

const SLICE = 60_000 / 256;

/** Requests close together until the isolate holds a lease with permits to spare. */
const leased = (ladder: Ladder, isolate: number): Grant => {
  for (let i = 0; i < 40; i++) {
    ladder.now += 25;
    ladder.pass(isolate);
    const grant = ladder.lease(isolate).grants.at(-1);
    if (grant !== undefined && grant.unused >= 5) return grant;
  }
  throw new Error('nothing was lent ahead');
};

describe('the worst cases', () => {
  const minute = policy(100, 1, 'minute');

  it('counts a lease used at its very end for a window from there', () => {
    const ladder = new Ladder([minute], 2);
    const grant = leased(ladder, 0);
    ladder.now = grant.expires - 1;
    while (grant.unused > 0) ladder.request(0);
    ladder.now = EPOCH + 60_000 + Math.ceil(SLICE) + 10;
    ladder.drain(1);
    expect(ladder.busiest(60_000)).toBeLessThanOrEqual(100);
  });

  it('ends a lease a second after it was asked for, however late the reply came', () => {
    const ladder = new Ladder([policy(1_000, 1, 'minute')], 2);
    const first = leased(ladder, 0);
    while (first.unused > 0) ladder.request(0);
    expect(ladder.asks.length).toBe(1);
    ladder.deliverAsk();
    ladder.now += 950;
    ladder.deliverReply();
    expect(ladder.lease(0).grants.at(-1)?.unused).toBeGreaterThan(0);
    const spent = ladder.passed.length;
    ladder.now += 900;
    ladder.request(0);
    expect(ladder.passed.length).toBe(spent);
  });

  it('counts what a reserve granted late, after a crash too', () => {
    const ladder = new Ladder([minute], 2);
    // Grants close together make a reserve; nothing more is written while it lasts.
    for (let i = 0; i < 4; i++) {
      ladder.pass(0);
      ladder.now += 1_001;
    }
    const { writes } = ladder;
    ladder.now += 8_500;
    for (let i = 0; i < 3; i++) ladder.pass(0);
    expect(ladder.writes).toBe(writes);
    ladder.crash();
    ladder.now = EPOCH + 63_003 + Math.ceil(SLICE);
    ladder.drain(1);
    expect(ladder.busiest(60_000)).toBeLessThanOrEqual(100);
  });

  it('grants nothing from a reserve that is over', () => {
    const ladder = new Ladder([minute], 2);
    for (let i = 0; i < 4; i++) {
      ladder.pass(0);
      ladder.now += 1_001;
    }
    ladder.now += 11_000;
    for (let i = 0; i < 3; i++) ladder.pass(0);
    ladder.crash();
    ladder.now = EPOCH + 74_300;
    ladder.drain(1);
    expect(ladder.busiest(60_000)).toBeLessThanOrEqual(100);
  });

  it('carries neither a lease nor a reserve of a fixed window into the next', () => {
    const fixed = policy(100, 1, 'minute', 'fixed-window');
    const ladder = new Ladder([fixed], 2);
    ladder.now = EPOCH + 59_000;
    const grant = leased(ladder, 0);
    expect(grant.expires).toBeLessThan(EPOCH + 60_000);
    ladder.now = EPOCH + 60_001;
    for (let i = 0; i < 10; i++) ladder.pass(0);
    ladder.crash();
    ladder.drain(1);
    expect(ladder.busiestCalendar(60_000)).toBeLessThanOrEqual(100);
  });

  it('resumes from storage with everything counted that may have been granted', () => {
    const ladder = new Ladder([minute], 1);
    for (let i = 0; i < 50; i++) {
      ladder.pass(0);
      ladder.now += 5;
    }
    for (let i = 0; i < 20; i++) {
      ladder.crash();
      ladder.drain(0);
      ladder.now += 10;
    }
    expect(ladder.busiest(60_000)).toBeLessThanOrEqual(100);
  });

  it('gives back once what came back twice', () => {
    const ladder = new Ladder([minute], 2);
    leased(ladder, 0);
    ladder.now += 1_000;
    ladder.endLeases();
    const outstanding = ladder.returns.length;
    expect(outstanding).toBeGreaterThan(0);
    for (let i = 0; i < 40; i++) ladder.deliverReturn(0, true);
    ladder.drain(1);
    expect(ladder.busiest(60_000)).toBeLessThanOrEqual(100);
  });

  it('takes nothing back that an earlier load granted', () => {
    const ladder = new Ladder([minute], 4);
    leased(ladder, 0);
    ladder.now += 1_000;
    ladder.endLeases();
    expect(ladder.returns.length).toBe(1);
    ladder.crash();
    // The new load has a grant of its own by every such number, fully used.
    for (let i = 0; i < 40; i++) ladder.pass(1);
    const spent = ladder.passed.length;
    const before = ladder.left(minute);
    ladder.deliverReturn();
    expect(ladder.left(minute)).toBe(before);
    expect(ladder.passed.length).toBe(spent);
  });
  it('carries no reserve of a fixed window into the next, however large', () => {
    const ladder = new Ladder([policy(100, 1, 'minute', 'fixed-window')], 20);
    ladder.now = EPOCH + 59_900;
    // Each isolate asks for one; the eighth makes a reserve of eight.
    for (let isolate = 0; isolate < 8; isolate++) ladder.pass(isolate);
    ladder.now = EPOCH + 60_001;
    for (let isolate = 8; isolate < 15; isolate++) ladder.pass(isolate);
    ladder.crash();
    ladder.drain(15);
    expect(ladder.busiestCalendar(60_000)).toBeLessThanOrEqual(100);
  });

  it('writes anew for a grant that the reserve covers only in part', () => {
    const ladder = new Ladder([minute], 3);
    ladder.pass(1);
    ladder.pass(2);
    // One permit of the reserve is left, and this isolate is lent two.
    ladder.pass(1);
    ladder.pass(1);
    ladder.crash();
    ladder.drain(0);
    expect(ladder.busiest(60_000)).toBeLessThanOrEqual(100);
  });

  it('gives back no more than was granted, whatever a return says', () => {
    const ladder = new Ladder([minute], 2);
    const { size } = leased(ladder, 0);
    const before = ladder.left(minute) ?? 0;
    ladder.now += 1_000;
    ladder.endLeases();
    const [first] = ladder.returns.splice(0);
    if (first !== undefined) ladder.returns.push({ ...first, unused: 50 });
    ladder.deliverReturn();
    expect(ladder.left(minute)).toBe(before + size);
  });

  it('counts from the latest time it knew when the clock goes backwards', () => {
    const ladder = new Ladder([minute], 2);
    ladder.now = EPOCH + 60_000;
    ladder.pass(0);
    ladder.now = EPOCH + 30_000;
    ladder.drain(1);
    ladder.now = EPOCH + 100_000;
    expect(ladder.left(minute)).toBe(0);
  });

  it('lends at most a tenth of what remains', () => {
    const ladder = new Ladder([minute], 1);
    for (let i = 0; i < 60; i++) {
      ladder.now += 1;
      const before = ladder.left(minute) ?? 100;
      const { calls } = ladder;
      ladder.pass(0);
      const grant = ladder.lease(0).grants.at(-1);
      if (ladder.calls > calls && grant !== undefined) expect(grant.size).toBeLessThanOrEqual(before / 10);
    }
  });
});

describe('a quiet subject', () => {
  it('loses nothing to evictions: after a request every 11 s it sends 94 at once and all pass', () => {
    const ladder = new Ladder([policy(100, 1, 'minute')], 1);
    for (let i = 0; i < 30; i++) {
      expect(ladder.pass(0)).toBe(true);
      ladder.now += 11_000;
      ladder.crash();
    }
    for (let i = 0; i < 94; i++) ladder.request(0);
    ladder.settleAll();
    expect(ladder.denied).toBe(0);
    expect(ladder.passed.length).toBe(30 + 94);
  });
});

describe('a subject that became quiet', () => {
  it('loses at most the grants that an evicted object had not written back', () => {
    const ladder = new Ladder([policy(100, 1, 'minute')], 1);
    for (let i = 0; i < 30; i++) {
      ladder.pass(0);
      ladder.now += 11_000;
    }
    ladder.crash();
    expect(ladder.left(policy(100, 1, 'minute'))).toBe(95);
  });
});

describe('a crash', () => {
  it('loses of what is lent and what is reserved together little more than a tenth of what remained', () => {
    const limit = policy(4_000, 1, 'minute');
    const lost = Array.from({ length: 16 }, (_, i) => shareLost(limit, 1_000 + i * 50));
    // Else there was nothing to lose.
    expect(Math.max(...lost)).toBeGreaterThan(0.05);
    expect(Math.max(...lost)).toBeLessThanOrEqual(0.125);
  });
});

/** What of the rest of a quota everybody's crash costs a subject that is hot at eight isolates. */
const shareLost = (limit: Policy, requests: number): number => {
  const ladder = new Ladder([limit], 8);
  for (let i = 0; i < requests; i++) {
    ladder.now += 1;
    ladder.pass(i);
  }
  const unspent = limit.quota - ladder.passed.length;
  ladder.crash();
  for (let isolate = 0; isolate < 8; isolate++) ladder.lose(isolate);
  return (unspent - (ladder.left(limit) ?? 0)) / unspent;
};

describe('a flood from a spent subject', () => {
  it('asks once when its denial is over, not once for each request that comes in meanwhile', () => {
    const ladder = new Ladder([policy(2, 1, 'minute')], 1);
    ladder.drain(0);
    const flood = () => {
      for (let i = 0; i < 50; i++) ladder.request(0);
    };
    ladder.now = ladder.lease(0).deniedUntil;
    const { calls, denied } = ladder;
    flood();
    expect(ladder.asks.length).toBe(1);
    ladder.settleAll();
    flood();
    expect(ladder.asks.length).toBe(0);
    expect(ladder.calls - calls).toBeLessThanOrEqual(2);
    expect(ladder.denied - denied).toBe(100);
  });

  it('is let in again as soon as the one that asked was', () => {
    const ladder = new Ladder([policy(2, 1, 'minute')], 1);
    ladder.drain(0);
    ladder.now = EPOCH + 61_000;
    expect(ladder.pass(0)).toBe(true);
    expect(ladder.pass(0)).toBe(true);
    expect(ladder.pass(0)).toBe(false);
  });
});

describe('a hot subject', () => {
  it('costs at most 30 calls and 2 writes per 1,000 requests at 1,000 a second', () => {
    const ladder = new Ladder([policy(1_000_000, 1, 'minute')], 1);
    for (let i = 0; i < 30_000; i++) {
      ladder.now = EPOCH + i;
      ladder.pass(0);
      ladder.endLeases();
      ladder.deliverReturn();
    }
    expect(ladder.passed.length).toBe(30_000);
    expect(ladder.calls).toBeLessThanOrEqual(30 * 30);
    expect(ladder.writes).toBeLessThanOrEqual(2 * 30);
  });
});
