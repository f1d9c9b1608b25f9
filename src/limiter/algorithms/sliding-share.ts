// Shares of a sliding window: charged at their end, so that they count until a window past it. No clock, no I/O.
import type { Ages, Sharing, WindowedQuota } from '../arithmetic.ts';
import {
  add,
  drainsAt,
  freedAt,
  live,
  type Slices,
  sliceEnd,
  sliceMs,
  sliceOf,
  subtract,
  total,
} from './slices.ts';
import { newUses, slicesOf, type Uses, unuse, use, used } from './uses.ts';

/** Permits charged at the end of a share. */
export interface SlidingCharge {
  readonly until: number;
  readonly permits: number;
}

const NOTHING: SlidingCharge = { until: 0, permits: 0 };

/**
 * Uses as they are charged when they are told: no earlier than they were, since telling takes time. Of more than are to be
 * charged the newest, since any of them may be charged by itself already.
 */
const redate = (ages: Ages, now: number, most: number, policy: WindowedQuota): Slices => {
  let left = most;
  return ages.toReversed().map(([ms, permits]) => {
    const count = Math.min(left, permits);
    left -= count;
    return [sliceOf(now - Math.max(0, ms), policy), count] as const;
  });
};

export const slidingShare: Sharing<Slices, SlidingCharge, Uses> = {
  renew(state = [], now, until, policy, charge = NOTHING, wish, { most, takenOver, spare, tight }) {
    const before = live(state, now, policy);
    const slice = sliceOf(charge.until, policy);
    // What has drained has made room that others may have taken: it is growth like any other.
    const counted = drainsAt(slice, policy) > now ? charge.permits : 0;
    const own = counted + (wish.recent ?? wish.used) - wish.used;
    const foreign = total(before) - own;
    const spent = total(before) + takenOver;
    const free = Math.max(0, policy.quota - spent - Math.max(spare, foreign));
    const isTight = foreign > 0 && policy.quota - spent < tight;
    const permits = isTight ? 0 : Math.min(wish.permits, most, counted + takenOver + free);
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
    };
  },

  extend(state, _now, until, policy, charge, permits) {
    const others = subtract(state, sliceOf(charge.until, policy), charge.permits);
    return permits > 0 ? add(others, sliceOf(until, policy), permits) : others;
  },

  newUses,
  use,
  unuse,
  used,

  freedInMs(uses, now, policy, permits, cost) {
    if (cost > permits) return Number.POSITIVE_INFINITY;
    const missing = used(uses, now, policy) + cost - permits;
    // Told to the Limiter, uses may fall into a slice that ends a slice later.
    return missing > 0 ? Math.max(1, freedAt(uses.slices, missing, policy) + sliceMs(policy) - now) : 0;
  },

  ages: (uses, now, policy) =>
    slicesOf(uses, now, policy).map(([slice, permits]) => [
      Math.max(0, now - (sliceEnd(slice, policy) - 1)),
      permits,
    ]),
};
