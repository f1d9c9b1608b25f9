// Shares of a sliding window: charged at their end, so that they count until a window past it. No clock, no I/O.
import type { Ages, Sharing, WindowedQuota } from '../arithmetic.ts';
import { add, drainsAt, live, type Slices, sliceEnd, sliceOf, subtract, total } from './slices.ts';

/** Permits charged at the end of a share. */
export interface SlidingCharge {
  readonly until: number;
  readonly permits: number;
}

const NOTHING: SlidingCharge = { until: 0, permits: 0 };

/** Uses as they are charged when they are told: no earlier than they were, since telling takes time. */
const redate = (ages: Ages, now: number, most: number, policy: WindowedQuota): Slices => {
  let left = most;
  return ages.map(([ms, permits]) => {
    const count = Math.min(left, permits);
    left -= count;
    return [sliceOf(now - Math.max(0, ms), policy), count] as const;
  });
};

export const slidingShare: Sharing<Slices, SlidingCharge, Slices> = {
  renew(state = [], now, until, policy, charge = NOTHING, wish, { most, spare }) {
    const before = live(state, now, policy);
    const slice = sliceOf(charge.until, policy);
    // What has drained has made room that others may have taken: it is growth like any other.
    const counted = drainsAt(slice, policy) > now ? charge.permits : 0;
    const free = Math.max(0, policy.quota - total(before) - spare);
    const permits = Math.min(wish.permits, most, counted + free);
    // What it used, or may use until it hears of this, stays charged where it was.
    const usable = Math.max(wish.lowered, wish.used);
    const kept = Math.max(0, Math.min(counted, usable) - permits);
    const dated = wish.ages === undefined ? [] : redate(wish.ages, now, kept, policy);
    const others = dated.reduce(
      (slices, [to, count]) => add(slices, to, count),
      subtract(before, slice, counted - kept + total(dated)),
    );
    const end = Math.max(until, charge.until);
    return {
      state: permits > 0 ? add(others, sliceOf(end, policy), permits) : others,
      charge: { until: end, permits },
      permits,
      growth: Math.max(0, permits - counted),
    };
  },

  extend(state, _now, until, policy, charge, permits) {
    const others = subtract(state, sliceOf(charge.until, policy), charge.permits);
    return permits > 0 ? add(others, sliceOf(until, policy), permits) : others;
  },

  use(uses = [], { now }, policy, permits, cost) {
    const before = live(uses, now, policy);
    return total(before) + cost > permits ? undefined : add(before, sliceOf(now, policy), cost);
  },

  unuse: (uses, { now }, policy, cost) => subtract(uses, sliceOf(now, policy), cost),

  ages: (uses = [], { now }, policy) =>
    live(uses, now, policy).map(([slice, count]) => [Math.max(0, now - sliceEnd(slice, policy)), count]),

  used: (uses = [], { now }, policy) => total(live(uses, now, policy)),
};
