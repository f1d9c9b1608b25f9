// The statistics that refusals and measurements are judged by, against published values.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare, holm, ksDistance, ksProbability, median, quantile } from '../../tools/statistics.ts';

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

test('a quantile lies between two neighbours of the sample, by its share of the way', () => {
  const values = Array.from({ length: 1_001 }, (_, i) => 1_000 - i);
  expect([quantile(values, 0), quantile(values, 0.5), quantile(values, 1)]).toEqual([0, 500, 1_000]);
  expect(quantile(values, 0.999)).toBeCloseTo(999);
  expect(quantile([], 0.5)).toBeNaN();
});

test('the median is the middle value, or the mean of the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

describe('the comparison of two samples', () => {
  const times = fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 30 });

  test('finds two equal samples equal', () => {
    expect(compare([1, 2, 3, 4], [1, 2, 3, 4])).toEqual({ distance: 0, p: 1, shift: 0 });
  });

  test('gives the distance and the probability that a textbook gives', () => {
    // R: ks.test(1:10, 6:15) has D = 0.5; the asymptotic p with Stephens' correction is 0.11.
    const ten = Array.from({ length: 10 }, (_, i) => i + 1);
    const later = ten.map((x) => x + 5);
    const { distance, p, shift } = compare(ten, later);
    expect(distance).toBeCloseTo(0.5);
    expect(p).toBeGreaterThan(0.09);
    expect(p).toBeLessThan(0.13);
    expect(shift).toBe(5);
  });

  test('is sure of two samples that do not overlap', () => {
    const early = Array.from({ length: 16 }, (_, i) => i / 100);
    const late = early.map((x) => x + 20);
    expect(compare(early, late)).toMatchObject({ distance: 1, shift: expect.closeTo(20) });
    expect(compare(early, late).p).toBeLessThan(1e-5);
  });

  test('raises a false alarm no more often than it says', () => {
    let alarms = 0;
    for (let run = 0; run < 2000; run++) {
      const sample = () => Array.from({ length: 16 }, () => Math.random());
      if (compare(sample(), sample()).p < 0.01) alarms++;
    }
    // Binomial: 20 are expected of 2000, more than 45 come once in a million times.
    expect(alarms).toBeLessThan(46);
  });

  test('does not depend on the order of the values, and turns its sign with the sides', () => {
    fc.assert(
      fc.property(times, times, (first, second) => {
        const there = compare(first, second);
        const back = compare(second.toReversed(), first.toReversed());
        expect(back.distance).toBeCloseTo(there.distance);
        expect(back.shift).toBeCloseTo(-there.shift);
        expect(there.p).toBeGreaterThanOrEqual(0);
        expect(there.p).toBeLessThanOrEqual(1);
      }),
    );
  });
});
