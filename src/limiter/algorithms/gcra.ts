// GCRA (ITU-T I.371): a burst of `quota`, then one permit every `window / quota`. No clock, no I/O.
import type { Arithmetic, WindowedQuota } from '../arithmetic.ts';

/** Both in whole microseconds: fractions of a millisecond would lose permits to rounding. */
export interface Arrival {
  /** The theoretical arrival time (TAT). */
  readonly tat: number;
  /** What the newest grant was charged at. */
  readonly newest: number;
  /** In storage only, where permits are reserved: the TAT without them, and how many they are. */
  readonly apart?: { readonly tat: number; readonly permits: number };
}

const micros = (ms: number): number => ms * 1000;
const millis = (us: number): number => Math.ceil(us / 1000);

/** Rounded up: rather a permit late than one too many. */
const emissionInterval = (policy: WindowedQuota): number => Math.ceil(micros(policy.windowMs) / policy.quota);

export const gcra: Arithmetic<Arrival> = {
  leasable: false,
  sharing: undefined,
  calendar: false,

  // Counted in whole microseconds, so an emission interval cannot be shorter than one.
  unfit: ({ quota, windowMs }) =>
    quota > micros(windowMs) ? 'at most one permit a microsecond for gcra' : undefined,

  consume(state, now, until, policy, cost) {
    const interval = emissionInterval(policy);
    const burst = interval * policy.quota;
    const before = Math.max(state?.tat ?? 0, micros(now));
    const excess = before + cost * interval - micros(now) - burst;
    const allowed = excess <= 0;
    const after = allowed && cost > 0 ? Math.max(before, micros(until)) + cost * interval : before;
    const room = burst - (after - micros(now));
    const remaining = Math.max(0, Math.floor(room / interval));
    const decision = {
      allowed,
      remaining,
      retryAfterMs: allowed ? 0 : millis(excess),
      resetMs: millis(remaining < policy.quota ? (remaining + 1) * interval - room : interval),
    };
    return [
      decision,
      allowed && cost > 0 ? { tat: after, newest: micros(until) } : (state ?? { tat: 0, newest: 0 }),
    ];
  },

  charge(state, at, policy, cost) {
    const before = Math.max(state?.tat ?? 0, micros(at));
    return { tat: before + cost * emissionInterval(policy), newest: micros(at) };
  },

  /**
   * Only while nothing was granted since: below a later grant the TAT may have stood at that grant's own time, and
   * taking the interval off would then make room that never was. Otherwise the permit stays spent.
   */
  giveBack(state, until, policy, cost) {
    if (micros(until) < state.newest) return state;
    return { ...state, tat: state.tat - cost * emissionInterval(policy) };
  },

  /** `tat` is as if all were granted at the reserve's end, which is how a version that knows no `apart` reads it. */
  reserve(state, now, until, policy, cost) {
    const [{ allowed }, after] = this.consume(state, now, until, policy, cost);
    return allowed ? { ...after, apart: { tat: state?.tat ?? 0, permits: cost } } : undefined;
  },

  /** Whatever was granted of the reserve was granted before now, so the TAT was no later than this. */
  resume({ tat, newest, apart }, now, _until, policy) {
    if (apart === undefined || apart.permits === 0) return { tat: apart?.tat ?? tat, newest };
    const latest = Math.max(apart.tat, micros(now));
    return { tat: latest + apart.permits * emissionInterval(policy), newest: micros(now) };
  },

  boundary: () => Number.POSITIVE_INFINITY,

  drainedAt: (state) => millis(state.tat),
};
