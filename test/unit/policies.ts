// Policies for tests, made as the limits notation would make them.
import fc from 'fast-check';
import type { Algorithm } from '../../src/limiter/algorithms/index.ts';
import type { Unit } from '../../src/limiter/arithmetic.ts';
import type { Policy } from '../../src/limiter/policy.ts';

export const UNIT_MS: Record<Unit, number> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  month: 30 * 86_400_000,
  year: 360 * 86_400_000,
};

export const policy = (
  quota: number,
  count: number,
  unit: Unit,
  algorithm: Algorithm = 'sliding-window',
): Policy => ({
  name: `${quota}/${count === 1 ? unit : `${count}${unit}s`}`,
  counter: `default:${algorithm}:${count}${unit}`,
  algorithm,
  quota,
  windowMs: count * UNIT_MS[unit],
  count,
  unit,
});

export const anyPolicy = (algorithm: Algorithm): fc.Arbitrary<Policy> =>
  fc
    .record({
      quota: fc.integer({ min: 1, max: 40 }),
      count: fc.integer({ min: 1, max: 90 }),
      unit: fc.constantFrom<Unit>('second', 'minute', 'hour'),
    })
    .map(({ quota, count, unit }) => policy(quota, count, unit, algorithm));

/** Gaps between requests: none, a moment, or about a window, where the edges are. */
export const anyGaps = (windowMs: number, costs: number): fc.Arbitrary<{ gap: number; cost: number }[]> =>
  fc.array(
    fc.record({
      gap: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: Math.ceil(windowMs / 8) }),
        fc.integer({ min: Math.max(0, windowMs - 5), max: windowMs + Math.ceil(windowMs / 128) }),
      ),
      cost: fc.integer({ min: 1, max: costs }),
    }),
    { maxLength: 150 },
  );

/** 2026-11-21T00:00:00Z. */
export const EPOCH = 1_795_219_200_000;
