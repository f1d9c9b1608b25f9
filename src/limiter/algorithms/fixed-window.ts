// Fixed window: at most `quota` permits in each calendar window, UTC; for billing quotas. No clock, no I/O.
import type { Arithmetic, WindowedQuota } from '../arithmetic.ts';

export interface Spent {
  /** Start of the window, milliseconds since the epoch. */
  readonly start: number;
  readonly permits: number;
}

interface Window {
  readonly start: number;
  readonly end: number;
}

const MONTHS = { month: 1, year: 12 } as const;

/** Calendar months and years begin on the first; n of them are counted from year 0, n shorter units from the epoch. */
const windowAt = (at: number, policy: WindowedQuota): Window => {
  if (policy.unit !== 'month' && policy.unit !== 'year') {
    const start = at - (at % policy.windowMs);
    return { start, end: start + policy.windowMs };
  }
  const months = policy.count * MONTHS[policy.unit];
  const date = new Date(at);
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth();
  const first = month - (month % months);
  return { start: Date.UTC(0, first - FIRST_MONTH), end: Date.UTC(0, first + months - FIRST_MONTH) };
};

/** `Date.UTC` reads the years 0 to 99 as 1900 to 1999, so months are counted from 1900 there. */
const FIRST_MONTH = 1900 * 12;

export const fixedWindow: Arithmetic<Spent> = {
  leasable: true,
  // A share would have to be held back in each calendar window that it meets, where others are then refused who are below
  // the quota.
  sharing: undefined,
  calendar: true,

  unfit: () => undefined,

  consume(state, now, _until, policy, cost) {
    const { start, end } = windowAt(now, policy);
    const spent = state?.start === start ? state.permits : 0;
    const left = policy.quota - spent;
    const allowed = cost <= left;
    const decision = {
      allowed,
      remaining: Math.max(0, allowed ? left - cost : left),
      retryAfterMs: allowed ? 0 : end - now,
      resetMs: end - now,
    };
    return [decision, { start, permits: allowed ? spent + cost : spent }];
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

  resume: (state) => state,

  lengthMs(now, policy) {
    const { start, end } = windowAt(now, policy);
    return end - start;
  },

  /** A permit of one window must not be used in the next. */
  boundary: (now, policy) => windowAt(now, policy).end,

  drainedAt: (state, policy) => (state.permits === 0 ? 0 : windowAt(state.start, policy).end),
};
