// What an API says remains, against what was spent.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countDown, takenByOthers } from '../../../tools/audit/countdown.ts';

const down = (from: number): number[] => Array.from({ length: from }, (_, i) => from - 1 - i);
/** Of two permits the turn of a window cannot be told from one that came back. */
const quota = fc.integer({ min: 3, max: 200 });

describe('what remains', () => {
  it('counts down to nothing in a sound API, whatever was left at first', () =>
    fc.assert(fc.property(quota, (from) => countDown([...down(from), 0]))));

  it('may rise once, where a window turns while it is spent', () =>
    fc.assert(
      fc.property(quota, quota, fc.integer({ min: 1, max: 199 }), (was, now, spent) => {
        return countDown([...down(was).slice(0, spent), ...down(now), 0]);
      }),
    ));

  it.each([
    ['stands still', Array(21).fill(20)],
    ['stands still at one and says nothing when denied', [...Array(20).fill(1), 0]],
    ['ends far from nothing', [...down(20).map((count) => count + 80), 80]],
    ['is nothing at the denial alone', [...down(20).map((count) => count + 80), 0]],
    ['rises again and again', [3, 9, 3, 9, 3, 9, 3, 0]],
    ['counts up', [...down(20).toReversed(), 0]],
    ['never says nothing', [...down(20), 1]],
  ])('is wrong where it %s', (_, counts) => {
    expect(countDown(counts)).toBe(false);
  });
});

describe('requests in between', () => {
  it.each([
    ['took a permit each', [19, 18, 12], 5],
    ['took none', [19, 18, 17], 0],
    ['show nothing where what remains stands still', [20, 20, 20], undefined],
    ['show nothing where it falls by more for good ones, too', [19, 13, 7], undefined],
    ['show nothing where the last was denied', [5, 4, undefined], undefined],
  ])('%s', (_, counts, taken) => {
    expect(takenByOthers(counts)).toBe(taken);
  });
});
