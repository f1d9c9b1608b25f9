// What one isolate used, by slice of time, and the sum of it. Changed in place, unlike the state of an algorithm, so that a
// request costs the same however many slices count. Plain data; no clock, no I/O.
import type { WindowedQuota } from '../arithmetic.ts';
import { drainsAt, type Slices, sliceOf } from './slices.ts';

/** Permits of one policy. */
export interface Uses {
  /** Oldest first. */
  readonly slices: [slice: number, permits: number][];
  total: number;
}

/** Nothing was used yet. */
export const newUses = (): Uses => ({ slices: [], total: 0 });

/** The permits that still count at `now`; forgets the others. */
export const used = (uses: Uses, now: number, policy: WindowedQuota): number => {
  const { slices } = uses;
  for (let [first] = slices; first !== undefined && drainsAt(first[0], policy) <= now; [first] = slices) {
    slices.shift();
    uses.total -= first[1];
  }
  return uses.total;
};

/** The slices that still count at `now`. */
export const slicesOf = (uses: Uses, now: number, policy: WindowedQuota): Slices => {
  used(uses, now, policy);
  return uses.slices;
};

/** Counts permits that were used at `at`; forgets what had drained by then, so that no more slices are kept than a window has. */
export const use = (uses: Uses, at: number, policy: WindowedQuota, permits: number): void => {
  used(uses, at, policy);
  const slice = sliceOf(at, policy);
  const { slices } = uses;
  let i = slices.length;
  while (i > 0 && (slices[i - 1]?.[0] ?? 0) > slice) i--;
  const last = slices[i - 1];
  if (last?.[0] === slice) last[1] += permits;
  else slices.splice(i, 0, [slice, permits]);
  uses.total += permits;
};

/** Takes permits off those of `at`, never more than are there. */
export const unuse = (uses: Uses, at: number, policy: WindowedQuota, permits: number): void => {
  const slice = sliceOf(at, policy);
  const { slices } = uses;
  const i = slices.findLastIndex(([other]) => other === slice);
  const there = slices[i];
  if (there === undefined) return;
  const taken = Math.min(there[1], permits);
  uses.total -= taken;
  there[1] -= taken;
  if (there[1] === 0) slices.splice(i, 1);
};
