// The statistics that judge refusals by, against published values.
import { describe, expect, test } from 'vitest';
import { holm, ksDistance, ksProbability, quantile } from '../fixtures/statistics.ts';

const uniform = (count: number, shift = 0): number[] =>
  Array.from({ length: count }, (_, i) => ((i * 0.6180339887498949) % 1) + shift);

describe('the Kolmogorov-Smirnov test', () => {
  test('measures the largest distance between two samples, ties included', () => {
    expect(ksDistance([1, 2, 3, 4], [1, 2, 3, 4])).toBe(0);
    expect(ksDistance([1, 2], [3, 4])).toBe(1);
    expect(ksDistance([1, 2, 2, 3], [2, 3, 3, 4])).toBe(0.5);
  });

  test('has the critical values of the tables', () => {
    // D = 1.36 sqrt(2/n) is 5 %, 1.95 sqrt(2/n) is 0.1 % (Smirnov 1948).
    for (const [factor, probability] of [
      [1.358, 0.05],
      [1.949, 0.001],
    ] as const) {
      const n = 100_000;
      const shift = factor * Math.sqrt(2 / n);
      expect(ksProbability(uniform(n), uniform(n, shift)) / probability).toBeCloseTo(1, 0);
    }
  });

  test('tells a shift from chance', () => {
    expect(ksProbability(uniform(1_000), uniform(900))).toBeGreaterThan(0.9);
    expect(ksProbability(uniform(1_000), uniform(1_000, 0.2))).toBeLessThan(1e-6);
  });
});

test("Holm's correction multiplies the smallest by all, the next by one less, and never falls", () => {
  const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
  for (const [i, expected] of [0.03, 0.06, 0.06, 0.02].entries())
    expect(adjusted[i]).toBeCloseTo(expected, 10);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
});

test('a quantile is a value of the sample', () => {
  const values = Array.from({ length: 1_000 }, (_, i) => 999 - i);
  expect([quantile(values, 0.5), quantile(values, 0.999), quantile(values, 1)]).toEqual([500, 999, 999]);
});
