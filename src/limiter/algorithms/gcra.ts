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
  /** In memory only. Absent: nothing that was granted before the newest comes back. */
  readonly leads?: Leads;
}

/**
 * How far the TAT stood ahead of the time of a grant when that was made. No more than that can be taken off the TAT for
 * what was granted before: without it, the TAT would have begun anew there. Oldest first, each larger than those before.
 */
type Leads = readonly (readonly [at: number, lead: number])[];

/** Beyond it what was granted longest ago comes back in part or not at all. */
const MAX_LEADS = 1_024;

const leadsOf = (state: Arrival | undefined): Leads =>
  state === undefined ? [] : (state.leads ?? [[state.newest, 0]]);

/** With the lead of a new grant: earlier ones that were no smaller say nothing beside it. */
const addLead = (leads: Leads, at: number, lead: number): Leads => {
  const smaller = leads.filter(([, other]) => other < lead);
  if (smaller.at(-1)?.[0] === at) return smaller;
  const [oldest = NO_LEAD, next = NO_LEAD, ...others] = smaller;
  const kept = smaller.length < MAX_LEADS ? smaller : [[next[0], oldest[1]] as const, ...others];
  return [...kept, [at, lead]];
};

const NO_LEAD = [0, 0] as const;

/** With something granted or charged at `at`, which takes so long at the policy's rate. */
const advance = (state: Arrival | undefined, at: number, worth: number): Arrival => {
  const before = Math.max(state?.tat ?? 0, at);
  return { tat: before + worth, newest: at, leads: addLead(leadsOf(state), at, before - at) };
};

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
    const spent = allowed && cost > 0 ? advance(state, micros(until), cost * interval) : undefined;
    const room = burst - ((spent?.tat ?? before) - micros(now));
    const remaining = Math.max(0, Math.floor(room / interval));
    const decision = {
      allowed,
      remaining,
      retryAfterMs: allowed ? 0 : millis(excess),
      resetMs: millis(remaining < policy.quota ? (remaining + 1) * interval - room : interval),
    };
    return [decision, spent ?? state ?? { tat: 0, newest: 0 }];
  },

  charge: (state = { tat: 0, newest: 0 }, at, policy, cost) =>
    cost === 0 ? state : advance(state, micros(at), cost * emissionInterval(policy)),

  /** As if it had never been granted, whatever was granted since. */
  giveBack(state, until, policy, cost) {
    const isLater = (at: number): boolean => at > micros(until);
    const later = leadsOf(state).flatMap(([at, lead]) => (isLater(at) ? [lead] : []));
    const back = Math.min(cost * emissionInterval(policy), ...later);
    const leads = leadsOf(state).map(([at, lead]) => [at, isLater(at) ? lead - back : lead] as const);
    return { ...state, tat: state.tat - back, leads };
  },

  /** `tat` is as if all were granted at the reserve's end, which is how a version that knows no `apart` reads it. */
  reserve(state, now, until, policy, cost) {
    const [{ allowed }, { tat, newest }] = this.consume(state, now, until, policy, cost);
    return allowed || cost === 0
      ? { tat, newest, apart: { tat: state?.tat ?? 0, permits: cost } }
      : undefined;
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
