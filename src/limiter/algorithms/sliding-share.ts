// Shares of a sliding window: charged at their end, so that they count until a window past it. No clock, no I/O.
import type { Sharing } from '../sharing.ts';
import { add, drainsAt, live, type Slices, sliceOf, slidingWindow, total } from './sliding-window.ts';

/** Permits charged at the end of a share. */
export interface SlidingCharge {
  readonly until: number;
  readonly permits: number;
}

const NOTHING: SlidingCharge = { until: 0, permits: 0 };

export const slidingShare: Sharing<Slices, SlidingCharge, Slices> = {
  renew(state = [], now, until, policy, charge = NOTHING, wish, most) {
    const before = live(state, now, policy);
    const slice = sliceOf(charge.until, policy);
    // What has drained has made room that others may have taken: it is growth like any other.
    const counted = drainsAt(slice, policy) > now ? charge.permits : 0;
    const free = Math.max(0, policy.quota - total(before));
    const permits = Math.min(wish.permits, most, counted + free);
    // What it used, or may use until it hears of this, stays charged where it was.
    const usable = Math.max(wish.permits, wish.used);
    const kept = Math.max(0, Math.min(counted, usable) - permits);
    const others = slidingWindow.giveBack(before, charge.until, policy, counted - kept);
    const end = Math.max(until, charge.until);
    return {
      state: permits > 0 ? add(others, sliceOf(end, policy), permits) : others,
      charge: { until: end, permits },
      permits,
    };
  },

  extend(state, _now, until, policy, charge, permits) {
    const others = slidingWindow.giveBack(state, charge.until, policy, charge.permits);
    return permits > 0 ? add(others, sliceOf(until, policy), permits) : others;
  },

  recall(state, end, policy) {
    const last = sliceOf(end, policy);
    const ahead = state.filter(([slice]) => slice > last);
    const rest = state.filter(([slice]) => slice <= last);
    return ahead.length === 0 ? state : add(rest, last, total(ahead));
  },

  use(uses = [], { now }, policy, permits, cost) {
    const before = live(uses, now, policy);
    return total(before) + cost > permits ? undefined : add(before, sliceOf(now, policy), cost);
  },

  unuse: (uses, { now }, policy, cost) => slidingWindow.giveBack(uses, now, policy, cost),

  used: (uses = [], { now }, policy) => total(live(uses, now, policy)),
};
