// The statistics behind the timing checks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare, median } from '../../../tools/audit/statistics.ts';

const times = fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 30 });

describe('the comparison of two samples', () => {
  it('finds two equal samples equal', () => {
    expect(compare([1, 2, 3, 4], [1, 2, 3, 4])).toEqual({ distance: 0, p: 1, shift: 0 });
  });

  it('gives the distance and the chance that a textbook gives', () => {
    // R: ks.test(1:10, 6:15) has D = 0.5; the asymptotic p with Stephens' correction is 0.11.
    const ten = Array.from({ length: 10 }, (_, i) => i + 1);
    const later = ten.map((x) => x + 5);
    const { distance, p, shift } = compare(ten, later);
    expect(distance).toBeCloseTo(0.5);
    expect(p).toBeGreaterThan(0.09);
    expect(p).toBeLessThan(0.13);
    expect(shift).toBe(5);
  });

  it('is sure of two samples that do not overlap', () => {
    const early = Array.from({ length: 16 }, (_, i) => i / 100);
    expect(
      compare(
        early,
        early.map((x) => x + 20),
      ),
    ).toMatchObject({ distance: 1, shift: expect.closeTo(20) });
    expect(
      compare(
        early,
        early.map((x) => x + 20),
      ).p,
    ).toBeLessThan(1e-5);
  });

  it('raises a false alarm no more often than it says', () => {
    let alarms = 0;
    for (let run = 0; run < 2000; run++) {
      const sample = () => Array.from({ length: 16 }, () => Math.random());
      if (compare(sample(), sample()).p < 0.01) alarms++;
    }
    // Binomial: 20 are expected of 2000, more than 45 come once in a million times.
    expect(alarms).toBeLessThan(46);
  });

  it('does not depend on the order of the values, and turns its sign with the sides', () => {
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

describe('the median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});
