// Each algorithm against a slow, obvious model, over random times, costs and policies.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedWindow } from '../../src/limiter/algorithms/fixed-window.ts';
import { gcra } from '../../src/limiter/algorithms/gcra.ts';
import { slidingWindow } from '../../src/limiter/algorithms/sliding-window.ts';
import type { Arithmetic, Decision } from '../../src/limiter/arithmetic.ts';
import type { Policy } from '../../src/limiter/policy.ts';
import { anyGaps, anyPolicy, EPOCH, policy, UNIT_MS } from './policies.ts';

interface Spent {
  at: number;
  cost: number;
}

interface Step extends Spent {
  decision: Decision;
  /** What was spent before this step. */
  before: Spent[];
}

const play = <S>(arithmetic: Arithmetic<S>, limit: Policy, gaps: { gap: number; cost: number }[]): Step[] => {
  let state: S | undefined;
  let at = EPOCH;
  const spent: Spent[] = [];
  return gaps.map(({ gap, cost }) => {
    at += gap;
    const [decision, next] = arithmetic.consume(state, at, at, limit, cost);
    state = next;
    const step = { at, cost, decision, before: [...spent] };
    if (decision.allowed) spent.push({ at, cost });
    return step;
  });
};

const passed = (steps: Step[]): Spent[] => steps.filter(({ decision }) => decision.allowed);

/** Permits spent in the half-open window (end - length, end]. */
const within = (spent: Spent[], end: number, length: number): number =>
  spent.reduce((sum, { at, cost }) => (at > end - length && at <= end ? sum + cost : sum), 0);

const runs = (algorithm: Policy['algorithm']) =>
  anyPolicy(algorithm).chain((limit) =>
    anyGaps(limit.windowMs, Math.max(1, Math.ceil(limit.quota / 3))).map((gaps) => ({ limit, gaps })),
  );

describe('sliding-window', () => {
  it('never passes more than the quota in any window, whichever two requests begin and end it', () => {
    fc.assert(
      fc.property(runs('sliding-window'), ({ limit, gaps }) => {
        const spent = passed(play(slidingWindow, limit, gaps));
        for (const { at } of spent)
          expect(within(spent, at, limit.windowMs)).toBeLessThanOrEqual(limit.quota);
      }),
      { numRuns: 500 },
    );
  });

  it('denies only where the window and one slice hold too much', () => {
    fc.assert(
      fc.property(runs('sliding-window'), ({ limit, gaps }) => {
        const slice = Math.max(1, Math.floor(limit.windowMs / 256));
        for (const { at, cost, decision, before } of play(slidingWindow, limit, gaps))
          if (!decision.allowed)
            expect(within(before, at, limit.windowMs + slice) + cost).toBeGreaterThan(limit.quota);
      }),
    );
  });

  it('never denies a caller paced at 127/128 of the quota', () => {
    fc.assert(
      fc.property(anyPolicy('sliding-window'), fc.integer({ min: 0, max: 100_000 }), (limit, offset) => {
        const pace = limit.windowMs / (limit.quota * (1 - 1 / 128));
        let state: ReturnType<typeof slidingWindow.consume>[1] | undefined;
        for (let i = 0; i < limit.quota * 3; i++) {
          const at = EPOCH + offset + Math.ceil(i * pace);
          const [decision, next] = slidingWindow.consume(state, at, at, limit, 1);
          expect(decision.allowed).toBe(true);
          state = next;
        }
      }),
    );
  });

  it('counts what is charged ahead from its grant until a window after its charge', () => {
    const limit = policy(10, 1, 'minute');
    const [, charged] = slidingWindow.consume(undefined, EPOCH, EPOCH + 11_000, limit, 10);
    const allowedAt = (at: number) => slidingWindow.consume(charged, at, at, limit, 1)[0].allowed;
    expect(allowedAt(EPOCH)).toBe(false);
    expect(allowedAt(EPOCH + 60_500)).toBe(false);
    expect(allowedAt(EPOCH + 71_000)).toBe(false);
    expect(allowedAt(EPOCH + 71_300)).toBe(true);
  });

  it('never keeps more slices than the window has', () => {
    fc.assert(
      fc.property(anyPolicy('sliding-window'), (limit) => {
        const wide = { ...limit, quota: 1_000_000 };
        const slice = Math.max(1, Math.floor(limit.windowMs / 256));
        let state: ReturnType<typeof slidingWindow.consume>[1] = [];
        for (let i = 0; i < 1_000; i++)
          state = slidingWindow.consume(state, EPOCH + i * slice, EPOCH + i * slice, wide, 1)[1];
        expect(state.length).toBeLessThanOrEqual(Math.ceil(limit.windowMs / slice) + 1);
      }),
    );
  });
});

describe('gcra', () => {
  it('passes what a leaky bucket of exact fractions passes', () => {
    fc.assert(
      fc.property(runs('gcra'), ({ limit, gaps }) => {
        // The meter in millionths of an emission interval: whole numbers that no step rounds.
        const interval = BigInt(Math.ceil((limit.windowMs * 1000) / limit.quota));
        const burst = interval * BigInt(limit.quota);
        let level = 0n;
        let last = BigInt(EPOCH);
        for (const { at, cost, decision } of play(gcra, limit, gaps)) {
          const drained = (BigInt(at) - last) * 1000n;
          level = level > drained ? level - drained : 0n;
          last = BigInt(at);
          const fits = level + BigInt(cost) * interval <= burst;
          expect(decision.allowed).toBe(fits);
          if (fits) level += BigInt(cost) * interval;
        }
      }),
    );
  });

  it('passes at most the quota and T * quota / window more in any time T', () => {
    fc.assert(
      fc.property(runs('gcra'), ({ limit, gaps }) => {
        const spent = passed(play(gcra, limit, gaps));
        spent.forEach(({ at: from }, i) => {
          let sum = 0;
          for (const { at, cost } of spent.slice(i)) {
            sum += cost;
            expect(sum).toBeLessThanOrEqual(limit.quota + ((at - from) * limit.quota) / limit.windowMs);
          }
        });
      }),
    );
  });

  it('gains no permit by rounding, however long a caller knocks every millisecond', () => {
    const limit = policy(700, 1, 'second', 'gcra');
    let state: ReturnType<typeof gcra.consume>[1] | undefined;
    let passed = 0;
    for (let ms = 0; ms <= 10_000; ms++) {
      for (let allowed = true; allowed; passed += allowed ? 1 : 0) {
        const [decision, next] = gcra.consume(state, EPOCH + ms, EPOCH + ms, limit, 1);
        [allowed, state] = [decision.allowed, next];
      }
    }
    expect(passed).toBeLessThanOrEqual(700 + 7_000);
    expect(passed).toBeGreaterThan(700 + 6_990);
  });

  it('counts on as if what came back had never been granted, whatever was granted since', () => {
    const events = fc.array(
      fc.record({
        ms: fc.oneof(fc.constant(0), fc.nat(400)),
        cost: fc.integer({ min: 1, max: 4 }),
        back: fc.nat(12),
      }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), events, (quota, schedule) => {
        const limit = policy(quota, 3, 'second', 'gcra');
        const kept: { at: number; cost: number }[] = [];
        let state = gcra.consume(undefined, EPOCH, EPOCH, limit, 0)[1];
        let now = EPOCH;
        for (const { ms, cost, back } of schedule) {
          now += ms;
          const [{ allowed }, next] = gcra.consume(state, now, now, limit, cost);
          state = next;
          if (allowed) kept.push({ at: now, cost });
          const [one] = kept.splice(back, 1);
          if (one !== undefined) state = gcra.giveBack(state, one.at, limit, one.cost);
          const interval = Math.ceil((limit.windowMs * 1_000) / quota);
          const tat = kept.reduce(
            (before, each) => Math.max(before, each.at * 1_000) + each.cost * interval,
            0,
          );
          expect(Math.max(state.tat, now * 1_000)).toBe(Math.max(tat, now * 1_000));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives nothing back below a later grant, where the interval was never used', () => {
    const limit = policy(2, 2, 'second', 'gcra');
    const [, first] = gcra.consume(undefined, EPOCH, EPOCH, limit, 1);
    const [, second] = gcra.consume(first, EPOCH + 5_000, EPOCH + 5_000, limit, 1);
    expect(gcra.giveBack(second, EPOCH, limit, 1).tat).toBe(second.tat);
    expect(gcra.giveBack(second, EPOCH + 5_000, limit, 1).tat).toBe(second.tat - 1_000_000);
  });
});

describe('fixed-window', () => {
  it('passes exactly what a counter per calendar window passes', () => {
    fc.assert(
      fc.property(runs('fixed-window'), ({ limit, gaps }) => {
        const counters = new Map<number, number>();
        for (const { at, cost, decision } of play(fixedWindow, limit, gaps)) {
          const window = Math.floor(at / limit.windowMs);
          const spent = counters.get(window) ?? 0;
          expect(decision.allowed).toBe(spent + cost <= limit.quota);
          if (decision.allowed) counters.set(window, spent + cost);
        }
      }),
    );
  });

  it.each([
    ['month', 1, '2026-11-21T10:00:00Z', '2026-12-01T00:00:00Z'],
    ['month', 1, '2028-02-29T23:59:59Z', '2028-03-01T00:00:00Z'],
    ['month', 3, '2026-11-21T10:00:00Z', '2027-01-01T00:00:00Z'],
    ['year', 1, '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['year', 2, '2026-06-01T00:00:00Z', '2028-01-01T00:00:00Z'],
    ['day', 1, '2026-11-21T10:00:00Z', '2026-11-22T00:00:00Z'],
    ['hour', 1, '2026-11-21T10:59:59Z', '2026-11-21T11:00:00Z'],
  ] as const)('windows of %s by %i: the one around %s ends at %s', (unit, count, now, end) => {
    const limit = policy(1, count, unit, 'fixed-window');
    const at = Date.parse(now);
    const [decision, spent] = fixedWindow.consume(undefined, at, at, limit, 1);
    expect(at + decision.resetMs).toBe(Date.parse(end));
    expect(fixedWindow.consume(spent, Date.parse(end) - 1, 0, limit, 1)[0].allowed).toBe(false);
    expect(fixedWindow.consume(spent, Date.parse(end), 0, limit, 1)[0].allowed).toBe(true);
  });
});

describe.each([
  ['sliding-window', slidingWindow as Arithmetic<unknown>],
  ['gcra', gcra as Arithmetic<unknown>],
  ['fixed-window', fixedWindow as Arithmetic<unknown>],
] as const)('%s', (algorithm, arithmetic) => {
  const denials = fc.property(runs(algorithm), ({ limit, gaps }) => {
    let state: unknown;
    let at = EPOCH;
    for (const { gap, cost } of gaps) {
      at += gap;
      const [decision, next] = arithmetic.consume(state, at, at, limit, cost);
      if (!decision.allowed) {
        const retryAt = at + decision.retryAfterMs;
        expect(arithmetic.consume(next, retryAt, retryAt, limit, cost)[0].allowed).toBe(true);
        expect(arithmetic.consume(next, retryAt - 1, retryAt - 1, limit, cost)[0].allowed).toBe(false);
        expect(decision.resetMs).toBeLessThanOrEqual(decision.retryAfterMs);
      }
      state = next;
    }
  });

  it('says after a denial exactly when this cost is allowed, never earlier than its reset', () => {
    fc.assert(denials);
  });

  it('spends nothing on a denial', () => {
    fc.assert(
      fc.property(runs(algorithm), ({ limit, gaps }) => {
        const steps = play(arithmetic, limit, gaps);
        // Without the denied requests, whose gaps pass all the same, everything is decided alike.
        const merged: { gap: number; cost: number }[] = [];
        let waited = 0;
        gaps.forEach(({ gap, cost }, i) => {
          waited += gap;
          if (!steps[i]?.decision.allowed) return;
          merged.push({ gap: waited, cost });
          waited = 0;
        });
        const again = play(arithmetic, limit, merged);
        expect(again.map(({ decision }) => decision)).toEqual(
          steps.filter(({ decision }) => decision.allowed).map(({ decision }) => decision),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('is worth nothing once drained, and something until then', () => {
    fc.assert(
      fc.property(anyPolicy(algorithm), (limit) => {
        const [, state] = arithmetic.consume(undefined, EPOCH, EPOCH, limit, limit.quota);
        const drained = arithmetic.drainedAt(state, limit);
        expect(arithmetic.consume(state, drained, drained, limit, limit.quota)[0].allowed).toBe(true);
        expect(arithmetic.consume(state, drained - 1, drained - 1, limit, limit.quota)[0].allowed).toBe(
          false,
        );
      }),
    );
  });

  it('keeps what was spent when the quota is raised', () => {
    const limit = policy(10, 1, 'hour', algorithm);
    const [, state] = arithmetic.consume(undefined, EPOCH, EPOCH, limit, 10);
    const raised = { ...limit, quota: 15 };
    const [decision] = arithmetic.consume(state, EPOCH, EPOCH, raised, 6);
    expect(decision.allowed).toBe(false);
    expect(UNIT_MS.hour).toBe(limit.windowMs);
  });
});
