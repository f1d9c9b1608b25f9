// Shares of a fixed window: charged in every calendar window that they meet. No clock, no I/O.
import type { Moment, Sharing, WindowedQuota } from '../arithmetic.ts';
import {
  chargeWindows,
  type PermitsByWindow,
  permitsIn,
  type Spent,
  spentIn,
  windowAt,
  windowsBetween,
} from './calendar.ts';

/** A use counts in every window that it may have been in: the isolate does not know the Limiter's clock to the millisecond. */
const windowsOf = ({ earliest, latest }: Moment, policy: WindowedQuota): number[] =>
  windowsBetween(earliest, latest, policy);

export const fixedShare: Sharing<Spent, PermitsByWindow, PermitsByWindow> = {
  renew(state, now, until, policy, charge = [], wish, { most, spare }) {
    const windows = windowsBetween(now, until, policy);
    const rooms = windows.map((start) => {
      const left = policy.quota - spentIn(state, start);
      return permitsIn(charge, start) + Math.min(left, Math.max(0, left - spare));
    });
    const permits = Math.max(0, Math.min(wish.permits, most, ...rooms));
    // What it used, or may use until it hears of this, stays charged; what it used was used in this window or before.
    const { start: current } = windowAt(now, policy);
    const known = charge.map(([start]) => start).filter((start) => start >= current);
    const after = [...new Set([...known, ...windows])].map((start) => {
      const usable = start === current ? Math.max(wish.lowered, wish.used) : wish.lowered;
      const kept = Math.min(permitsIn(charge, start), usable);
      return [start, windows.includes(start) ? Math.max(permits, kept) : kept] as const;
    });
    const change = after.map(([start, count]) => [start, count - permitsIn(charge, start)] as const);
    const growth = Math.max(0, permits - permitsIn(charge, current));
    return { state: chargeWindows(state, now, policy, change), charge: after, permits, growth };
  },

  extend(state, now, until, policy, charge, permits) {
    const growth = windowsBetween(now, until, policy).map(
      (start) => [start, Math.max(0, permits - permitsIn(charge, start))] as const,
    );
    return chargeWindows(state, now, policy, growth);
  },

  use(uses = [], moment, policy, permits, cost) {
    const windows = windowsOf(moment, policy);
    if (windows.some((start) => permitsIn(uses, start) + cost > permits)) return undefined;
    const [first = 0] = windows;
    const others = uses.filter(([start]) => start >= first && !windows.includes(start));
    return [...others, ...windows.map((start) => [start, permitsIn(uses, start) + cost] as const)];
  },

  unuse(uses, moment, policy, cost) {
    const windows = windowsOf(moment, policy);
    return uses.map(([start, count]) => [start, windows.includes(start) ? Math.max(0, count - cost) : count]);
  },

  ages: () => [],

  used: (uses = [], { earliest }, policy) => {
    const { start: first } = windowAt(earliest, policy);
    return Math.max(0, ...uses.filter(([start]) => start >= first).map(([, count]) => count));
  },
};
