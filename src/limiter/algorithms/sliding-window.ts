// Sliding window: at most `quota` permits in every window, exactly. No clock, no I/O.
import type { Arithmetic, WindowedQuota } from '../arithmetic.ts';

/** Permits by the slice of time that they were charged to, oldest first. */
export type Slices = readonly (readonly [slice: number, permits: number])[];

/** Time is cut into slices of a 256th of the window: no finer than a pacing caller would notice, few enough to store. */
const sliceMs = (policy: WindowedQuota): number => Math.max(1, Math.floor(policy.windowMs / 256));

export const sliceOf = (at: number, policy: WindowedQuota): number => Math.floor(at / sliceMs(policy));

/** A permit drains when the *end* of its slice is a window old, so no permit of the slice is ever forgotten early. */
export const drainsAt = (slice: number, policy: WindowedQuota): number =>
  (slice + 1) * sliceMs(policy) + policy.windowMs;

export const total = (slices: Slices): number => slices.reduce((sum, [, permits]) => sum + permits, 0);

export const live = (slices: Slices, now: number, policy: WindowedQuota): Slices => {
  const first = slices.findIndex(([slice]) => drainsAt(slice, policy) > now);
  return first === 0 ? slices : first < 0 ? [] : slices.slice(first);
};

export const add = (slices: Slices, slice: number, permits: number): Slices => {
  const at = slices.findLastIndex(([other]) => other <= slice);
  const [last, before = 0] = slices[at] ?? [];
  return last === slice
    ? slices.with(at, [slice, before + permits])
    : slices.toSpliced(at + 1, 0, [slice, permits]);
};

/** When `permits` of the oldest, or all there are, have drained. */
const freedAt = (slices: Slices, permits: number, policy: WindowedQuota): number => {
  let drained = 0;
  const enough = slices.find(([, count]) => {
    drained += count;
    return drained >= permits;
  });
  const last = enough ?? slices.at(-1);
  return last === undefined ? 0 : drainsAt(last[0], policy);
};

export const slidingWindow: Arithmetic<Slices> = {
  leasable: true,
  calendar: false,

  unfit: () => undefined,

  consume(state = [], now, until, policy, cost) {
    const before = live(state, now, policy);
    const left = policy.quota - total(before);
    const allowed = cost <= left;
    const after = allowed && cost > 0 ? add(before, sliceOf(until, policy), cost) : before;
    const decision = {
      allowed,
      remaining: Math.max(0, allowed ? left - cost : left),
      retryAfterMs: allowed ? 0 : Math.max(1, freedAt(before, cost - left, policy) - now),
      resetMs: after[0] === undefined ? policy.windowMs : drainsAt(after[0][0], policy) - now,
    };
    return [decision, after];
  },

  giveBack(state, until, policy, cost) {
    const slice = sliceOf(until, policy);
    return state.flatMap(([other, permits]) =>
      other !== slice ? [[other, permits]] : permits > cost ? [[other, permits - cost]] : [],
    );
  },

  reserve(state, now, until, policy, cost) {
    const [{ allowed }, after] = this.consume(state, now, until, policy, cost);
    return allowed ? after : undefined;
  },

  resume: (state) => state,

  boundary: () => Number.POSITIVE_INFINITY,

  drainedAt(state, policy) {
    const newest = state.at(-1);
    return newest === undefined ? 0 : drainsAt(newest[0], policy);
  },
};
