// What one isolate used, by slice of time, and the sum of it. Changed in place, unlike the state of an algorithm, so that a
// request costs the same however many slices count. Plain data; no clock, no I/O.
import type { WindowedQuota } from '../arithmetic.ts';
import { drainsAt, type Slices, sliceOf } from './slices.ts';

/** Permits of one policy. */
export interface Tally {
  /** Oldest first. */
  readonly slices: [slice: number, permits: number][];
  total: number;
}

/** Nothing was used yet. */
export const newTally = (): Tally => ({ slices: [], total: 0 });

/** The permits that still count at `now`; forgets the others. */
export const used = (tally: Tally, now: number, policy: WindowedQuota): number => {
  const { slices } = tally;
  for (let [first] = slices; first !== undefined && drainsAt(first[0], policy) <= now; [first] = slices) {
    slices.shift();
    tally.total -= first[1];
  }
  return tally.total;
};

/** The slices that still count at `now`. */
export const usedSlices = (tally: Tally, now: number, policy: WindowedQuota): Slices => {
  used(tally, now, policy);
  return tally.slices;
};

/** Counts permits that were used at `at`. */
export const count = (tally: Tally, at: number, policy: WindowedQuota, permits: number): void => {
  const slice = sliceOf(at, policy);
  const { slices } = tally;
  let i = slices.length;
  while (i > 0 && (slices[i - 1]?.[0] ?? 0) > slice) i--;
  const last = slices[i - 1];
  if (last?.[0] === slice) last[1] += permits;
  else slices.splice(i, 0, [slice, permits]);
  tally.total += permits;
};

/** Takes permits off those of `at`, never more than are there. */
export const uncount = (tally: Tally, at: number, policy: WindowedQuota, permits: number): void => {
  const slice = sliceOf(at, policy);
  const { slices } = tally;
  const i = slices.findLastIndex(([other]) => other === slice);
  const there = slices[i];
  if (there === undefined) return;
  const taken = Math.min(there[1], permits);
  tally.total -= taken;
  there[1] -= taken;
  if (there[1] === 0) slices.splice(i, 1);
};
