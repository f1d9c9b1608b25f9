// Several policies decided together: all are spent or none.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Algorithm } from '../../src/limiter/algorithms/index.ts';
import { type Counters, consume, giveBack, peek, undrained } from '../../src/limiter/counters.ts';
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
          if (decisions.every(({ allowed }) => allowed)) counters = giveBack(spent, now, policies, cost);
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
