// Several policies decided together: all are spent or none.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Algorithm } from '../../src/limiter/algorithms/index.ts';
import { type Counters, consume, drawsOf, giveBack, peek, undrained } from '../../src/limiter/counters.ts';
import { Ledger } from '../../src/limiter/ledger.ts';
import type { Policy } from '../../src/limiter/policy.ts';
import { anyGaps, anyPolicy, EPOCH, policy } from './policies.ts';

const anyAlgorithm = fc.constantFrom<Algorithm>('sliding-window', 'gcra', 'fixed-window');

/** One to four policies of any algorithm, each with a counter of its own, and requests that meet them. */
const runs = fc
  .array(anyAlgorithm.chain(anyPolicy), { minLength: 1, maxLength: 4 })
  .map((policies) => policies.map((each, i) => ({ ...each, counter: `${i}:${each.counter}` })))
  .chain((policies) => {
    const shortest = Math.min(...policies.map(({ windowMs }) => windowMs));
    const smallest = Math.min(...policies.map(({ quota }) => quota));
    return anyGaps(shortest, Math.max(1, Math.ceil(smallest / 3))).map((gaps) => ({ policies, gaps }));
  });

const remaining = (counters: Counters, now: number, policies: readonly Policy[]): number[] =>
  policies.map((each) => peek(counters, now, each).remaining);

describe('policies of one partition', () => {
  it('pass exactly what passes each of them alone, and spend nothing where one denies', () => {
    fc.assert(
      fc.property(runs, ({ policies, gaps }) => {
        let together: Counters = new Map();
        const alone = policies.map((): Counters => new Map());
        let now = EPOCH;
        for (const { gap, cost } of gaps) {
          now += gap;
          const before = remaining(together, now, policies);
          const each = policies.map((one, i) => consume(alone[i] ?? new Map(), now, now, [one], cost));
          const fits = each.every(([[decision]]) => decision?.allowed);
          const [decisions, counters] = consume(together, now, now, policies, cost);
          expect(decisions.every(({ allowed }) => allowed)).toBe(fits);
          together = counters;
          if (fits) alone.splice(0, alone.length, ...each.map(([, spent]) => spent));
          else expect(remaining(together, now, policies)).toEqual(before);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('say of each policy what is left, also of those that would have allowed', () => {
    const policies = [policy(1, 1, 'minute'), policy(10, 1, 'hour')];
    const [, spent] = consume(new Map(), EPOCH, EPOCH, policies, 1);
    const [decisions] = consume(spent, EPOCH, EPOCH, policies, 1);
    expect(decisions.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [false, 0],
      [true, 9],
    ]);
  });

  it('have back at once what is given back at once', () => {
    fc.assert(
      fc.property(runs, ({ policies, gaps }) => {
        let counters: Counters = new Map();
        let now = EPOCH;
        for (const { gap, cost } of gaps) {
          now += gap;
          const before = remaining(counters, now, policies);
          const [decisions, spent] = consume(counters, now, now, policies, cost);
          if (decisions.every(({ allowed }) => allowed))
            counters = giveBack(spent, now, drawsOf(policies, cost, 1));
          expect(remaining(counters, now, policies)).toEqual(before);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('leave no counter behind that has drained', () => {
    const [, spent] = consume(new Map(), EPOCH, EPOCH, [policy(5, 1, 'second'), policy(5, 1, 'hour')], 1);
    expect(undrained(spent, EPOCH + 2_000).size).toBe(1);
    expect(undrained(spent, EPOCH + 4_000_000).size).toBe(0);
  });
});

describe('a ledger', () => {
  it('never lets time run backwards, whatever the clock does', () => {
    const limit = policy(3, 1, 'minute');
    const ledger = new Ledger(undefined, '0');
    const ask = { version: 1, policies: [limit], cost: 1, want: 1, returnable: false } as const;
    const clocks = [EPOCH, EPOCH - 3_600_000, EPOCH - 7_200_000, EPOCH - 86_400_000];
    expect(clocks.map((clock) => ledger.consume(clock, ask).reply.granted)).toEqual([1, 1, 1, 0]);
    expect(ledger.consume(EPOCH + 59_000, ask).reply.granted).toBe(0);
  });

  it('stores no more than its counters’ windows have slices, however long it runs', () => {
    const limits = [policy(1_000_000, 1, 'minute'), policy(1_000_000, 1, 'hour')];
    const ledger = new Ledger(undefined, '0');
    const ask = { version: 1, policies: limits, cost: 1, want: 1, returnable: true } as const;
    let largest = 0;
    for (let i = 0; i < 20_000; i++) {
      const { write } = ledger.consume(EPOCH + i * 317, ask);
      if (write !== undefined) largest = Math.max(largest, JSON.stringify([...write.counters]).length);
    }
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThan(20_000);
  });
});

describe('a request that costs more than a whole quota', () => {
  it('costs the quota, so that it passes once a window and is not denied for ever', () => {
    const limits = [policy(3, 1, 'minute'), policy(100, 1, 'hour')];
    const ledger = new Ledger(undefined, '0');
    const ask = { version: 1, policies: limits, cost: 5, want: 1, returnable: false } as const;
    const { granted, decisions } = ledger.consume(EPOCH, ask).reply;
    expect([granted, decisions.map(({ remaining }) => remaining)]).toEqual([1, [0, 95]]);
    const denied = ledger.consume(EPOCH, ask).reply;
    expect(denied.granted).toBe(0);
    expect(denied.decisions[0]?.retryAfterMs).toBeGreaterThan(60_000);
    expect(ledger.consume(EPOCH + 60_300, ask).reply.granted).toBe(1);
  });
});

describe('a ledger’s grants', () => {
  it('are forgotten once nothing of them can come back', () => {
    const ledger = new Ledger(undefined, '0');
    const limits = [policy(1_000_000, 1, 'minute')];
    const ask = { version: 1, policies: limits, cost: 1, want: 1, returnable: true } as const;
    for (let i = 0; i < 1_000; i++) ledger.consume(EPOCH + i, ask);
    expect(ledger.returnable).toBe(1_000);
    ledger.consume(EPOCH + 5_000, ask);
    expect(ledger.returnable).toBe(1);
  });

  it('are at most 4,096 however fast they come', () => {
    const ledger = new Ledger(undefined, '0');
    const limits = [policy(1_000_000, 1, 'minute')];
    const ask = { version: 1, policies: limits, cost: 1, want: 1, returnable: true } as const;
    for (let i = 0; i < 6_000; i++) ledger.consume(EPOCH, ask);
    expect(ledger.returnable).toBeLessThanOrEqual(4_097);
  });

  it('come back in parts, each part once', () => {
    const limit = policy(100, 1, 'minute');
    const ledger = new Ledger(undefined, '0');
    const ask = { version: 1, policies: [limit], cost: 1, want: 8, waiting: 8, returnable: true } as const;
    const { grant } = ledger.consume(EPOCH, ask).reply;
    const left = () => ledger.look(EPOCH, [limit]).policies[0]?.decision.remaining;
    for (const part of [0, 0, 1, 0, 1]) ledger.giveBack(EPOCH, { version: 1, grant, unused: 2, part });
    expect(left()).toBe(96);
    for (const part of [2, 3, 4]) ledger.giveBack(EPOCH, { version: 1, grant, unused: 50, part });
    expect(left()).toBe(100);
  });
});

describe('a ledger', () => {
  const limit = policy(100, 1, 'minute');
  const ask = (waiting: number) =>
    ({ version: 1, policies: [limit], cost: 1, want: waiting, waiting, returnable: true }) as const;
  const left = (ledger: Ledger) => ledger.look(EPOCH, [limit]).policies[0]?.decision.remaining;

  it.each([0, undefined])(
    'takes back no more than it granted, though more was charged at that moment, of part %s',
    (part) => {
      const ledger = new Ledger(undefined, '0');
      const { grant } = ledger.consume(EPOCH, ask(5)).reply;
      ledger.consume(EPOCH, ask(5));
      ledger.giveBack(EPOCH, { version: 1, grant, unused: 50, part });
      expect(left(ledger)).toBe(95);
    },
  );

  it('writes anew for a grant that the reserve covers only in part', () => {
    const ledger = new Ledger(undefined, '0');
    const writes = [1, 1, 5].map((waiting) => ledger.consume(EPOCH, ask(waiting)).write);
    const reloaded = new Ledger(structuredClone(writes.findLast((write) => write !== undefined)), '1');
    expect(left(reloaded)).toBeLessThanOrEqual(93);
  });
});

describe('a crash under gcra', () => {
  it('shuts nobody out: a caller at half its quota goes on', () => {
    for (const limit of [policy(100, 1, 'second', 'gcra'), policy(300, 5, 'second', 'gcra')]) {
      const gap = (2 * limit.windowMs) / limit.quota;
      const ask = { version: 1, policies: [limit], cost: 1, want: 1, returnable: true } as const;
      let ledger = new Ledger(undefined, '0');
      let stored: ReturnType<Ledger['consume']>['write'];
      let denied = 0;
      for (let i = 0; i < 2_000; i++) {
        if (i % 400 === 399) ledger = new Ledger(structuredClone(stored), String(i));
        const { reply, write } = ledger.consume(EPOCH + Math.floor(i * gap), ask);
        stored = write ?? stored;
        denied += 1 - reply.granted;
      }
      expect(denied).toBe(0);
    }
  });

  it('never lets more pass than one counter without crashes could have', () => {
    const schedule = fc.array(
      fc.record({ gap: fc.nat(40), times: fc.integer({ min: 1, max: 6 }), crash: fc.nat(9) }),
      { maxLength: 150, size: 'max' },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), schedule, (quota, events) => {
        const limit = policy(quota, 1, 'second', 'gcra');
        const ask = { version: 1, policies: [limit], cost: 1, want: 1, returnable: true } as const;
        let ledger = new Ledger(undefined, '0');
        let stored: ReturnType<Ledger['consume']>['write'];
        let now = EPOCH;
        const passed: number[] = [];
        for (const { gap, times, crash } of events) {
          now += gap;
          if (crash === 0) ledger = new Ledger(structuredClone(stored), String(now));
          for (let i = 0; i < times; i++) {
            const { reply, write } = ledger.consume(now, ask);
            stored = write ?? stored;
            if (reply.granted > 0) passed.push(now);
          }
        }
        // A burst of the quota, then one each interval: of any stretch, no more than that.
        for (const [i, from] of passed.entries())
          for (const [j, to] of passed.entries())
            if (j > i) expect(j - i + 1).toBeLessThanOrEqual(quota + ((to - from) * quota) / 1_000);
      }),
      { numRuns: 60 },
    );
  });
});
