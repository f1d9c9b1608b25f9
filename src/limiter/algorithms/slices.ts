// Permits by the slice of time that they were charged to: what sliding windows and their shares count with. No clock, no I/O.
import type { WindowedQuota } from '../arithmetic.ts';

/** Oldest first. */
export type Slices = readonly (readonly [slice: number, permits: number])[];

/** Time is cut into slices of a 256th of the window: no finer than a pacing caller would notice, few enough to store. */
export const sliceMs = (policy: WindowedQuota): number => Math.max(1, Math.floor(policy.windowMs / 256));

export const sliceOf = (at: number, policy: WindowedQuota): number => Math.floor(at / sliceMs(policy));

export const sliceEnd = (slice: number, policy: WindowedQuota): number => (slice + 1) * sliceMs(policy);

/** A permit drains when the *end* of its slice is a window old, so no permit of the slice is ever forgotten early. */
export const drainsAt = (slice: number, policy: WindowedQuota): number =>
  sliceEnd(slice, policy) + policy.windowMs;

export const total = (slices: Slices): number => {
  let permits = 0;
  for (const [, count] of slices) permits += count;
  return permits;
};

/** The slices that still count at `now`. */
export const live = (slices: Slices, now: number, policy: WindowedQuota): Slices => {
  const first = slices.findIndex(([slice]) => drainsAt(slice, policy) > now);
  return first === 0 ? slices : first < 0 ? [] : slices.slice(first);
};

/** When `permits` of the oldest, or all there are, have drained. */
export const freedAt = (slices: Slices, permits: number, policy: WindowedQuota): number => {
  let drained = 0;
  const enough = slices.find(([, count]) => {
    drained += count;
    return drained >= permits;
  });
  const last = enough ?? slices.at(-1);
  return last === undefined ? 0 : drainsAt(last[0], policy);
};

export const add = (slices: Slices, slice: number, permits: number): Slices => {
  const at = slices.findLastIndex(([other]) => other <= slice);
  const [last, before = 0] = slices[at] ?? [];
  return last === slice
    ? slices.with(at, [slice, before + permits])
    : slices.toSpliced(at + 1, 0, [slice, permits]);
};

/** Takes permits off a slice, never more than are there. */
export const subtract = (slices: Slices, slice: number, permits: number): Slices =>
  slices.flatMap(([other, count]) =>
    other !== slice ? [[other, count]] : count > permits ? [[other, count - permits]] : [],
  );

/** With all that is charged after a slice charged to it. */
export const gather = (slices: Slices, last: number): Slices => {
  const later = slices.filter(([slice]) => slice > last);
  return later.length === 0
    ? slices
    : add(
        slices.filter(([slice]) => slice <= last),
        last,
        total(later),
      );
};
