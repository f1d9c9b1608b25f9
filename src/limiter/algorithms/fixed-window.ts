// Fixed window: at most `quota` permits in each calendar window, UTC; for billing quotas. No clock, no I/O.
import type { Arithmetic, WindowedQuota } from '../arithmetic.ts';
import {
  chargeWindows,
  dropWindows,
  latestEnd,
  type PermitsByWindow,
  type Spent,
  spentIn,
  windowAt,
} from './calendar.ts';
import { fixedShare } from './fixed-share.ts';

/** Milliseconds until a window that has room for `cost`. */
const roomIn = (state: Spent | undefined, now: number, policy: WindowedQuota, cost: number): number => {
  let { end } = windowAt(now, policy);
  for (const [start, permits] of state?.ahead ?? [])
    if (start === end && policy.quota - permits < cost) ({ end } = windowAt(start, policy));
  return end - now;
};

export const fixedWindow: Arithmetic<Spent, PermitsByWindow, PermitsByWindow> = {
  leasable: true,
  sharing: fixedShare,
  calendar: true,

  unfit: () => undefined,

  consume(state, now, _until, policy, cost) {
    const { start, end } = windowAt(now, policy);
    const left = policy.quota - spentIn(state, start);
    const allowed = cost <= left;
    const decision = {
      allowed,
      remaining: Math.max(0, allowed ? left - cost : left),
      retryAfterMs: allowed ? 0 : roomIn(state, now, policy, cost),
      resetMs: end - now,
    };
    return [decision, chargeWindows(state, now, policy, [[start, allowed ? cost : 0]])];
  },

  charge(state, at, policy, cost) {
    const { start } = windowAt(at, policy);
    return { start, permits: (state?.start === start ? state.permits : 0) + cost };
  },

  giveBack(state, until, policy, cost) {
    if (windowAt(until, policy).start !== state.start) return state;
    return { ...state, permits: Math.max(0, state.permits - cost) };
  },

  reserve(state, now, until, policy, cost) {
    const [{ allowed }, after] = this.consume(state, now, until, policy, cost);
    return allowed ? after : undefined;
  },

  /** A window that begins later was charged for shares alone, which have ended by then. */
  resume: (state, _now, until) => dropWindows(state, until),

  /** A permit of one window must not be used in the next. */
  boundary: (now, policy) => windowAt(now, policy).end,

  drainedAt: latestEnd,
};
