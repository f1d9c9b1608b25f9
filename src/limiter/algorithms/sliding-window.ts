// Sliding window: at most `quota` permits in every window, exactly. No clock, no I/O.
import type { Arithmetic } from '../arithmetic.ts';
import { add, drainsAt, freedAt, gather, live, type Slices, sliceOf, subtract, total } from './slices.ts';
import { type SlidingCharge, slidingShare } from './sliding-share.ts';
import type { Uses } from './uses.ts';

export const slidingWindow: Arithmetic<Slices, SlidingCharge, Uses> = {
  leasable: true,
  sharing: slidingShare,
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

  charge(state = [], at, policy, cost) {
    const before = live(state, at, policy);
    return cost > 0 ? add(before, sliceOf(at, policy), cost) : before;
  },

  giveBack: (state, until, policy, cost) => subtract(state, sliceOf(until, policy), cost),

  reserve(state, now, until, policy, cost) {
    const [{ allowed }, after] = this.consume(state, now, until, policy, cost);
    return allowed ? after : undefined;
  },

  resume: (state, _now, until, policy) => gather(state, sliceOf(until, policy)),

  boundary: () => Number.POSITIVE_INFINITY,

  drainedAt(state, policy) {
    const newest = state.at(-1);
    return newest === undefined ? 0 : drainsAt(newest[0], policy);
  },
};
