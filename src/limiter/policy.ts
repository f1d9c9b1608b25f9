// A policy: a named quota over a window, and the vocabulary every algorithm shares. No clock, no I/O.

export type Algorithm = 'sliding-window' | 'gcra' | 'fixed-window';

/** Units of the limits notation. A month is 30 days and a year 360 days, but for fixed windows (calendar, UTC). */
export type Unit = 'second' | 'minute' | 'hour' | 'day' | 'month' | 'year';

/** Who set a policy: `default` (`LIMITS`, `TIERS`, an override), another var, or the name of a route. */
export type Scope = 'default' | 'anonymous' | 'preflight' | 'ip' | 'global' | (string & {});

/** A quota of permits over a window. */
export interface Policy {
  /** As shown in headers, logs and metrics: `10/second`, `search:30/minute`, `ip:600/minute`. */
  readonly name: string;
  /** Names the counter: scope, algorithm and window, never quota or tier, so that a changed quota keeps what was spent. */
  readonly counter: string;
  readonly algorithm: Algorithm;
  /** Permits per window, from 1 to 999,999,999,999,999 (RFC 9651 integers have 15 digits). */
  readonly quota: number;
  /** Length of the window in whole milliseconds; for calendar months and years, of 30 and 360 days. */
  readonly windowMs: number;
  /** How many `unit`s make the window. */
  readonly count: number;
  readonly unit: Unit;
}

/** What an algorithm says of one cost under one policy. */
export interface Decision {
  readonly allowed: boolean;
  /** Permits left after this decision. */
  readonly remaining: number;
  /** Milliseconds until this cost is allowed if nothing else is spent; 0 when allowed. */
  readonly retryAfterMs: number;
  /** Milliseconds within which no more than `remaining` may be used (`t` of the RateLimit field). */
  readonly resetMs: number;
}

/** One algorithm's arithmetic over its own state `S`, in whole milliseconds since the epoch. Pure. */
export interface Arithmetic<S> {
  /**
   * Decides `cost` at `now` and, if allowed, charges it at `until` (`now` for a plain request, the end of its life
   * for a lease; never past `boundary`). An undefined state is a counter that nothing was spent from. A denial
   * returns the state unspent.
   */
  consume(state: S | undefined, now: number, until: number, policy: Policy, cost: number): [Decision, S];
  /** Gives back `cost` unused permits that were charged at `until`; never more than is there. */
  giveBack(state: S, until: number, policy: Policy, cost: number): S;
  /** When a permit granted at `now` must have been used at the latest. */
  boundary(now: number, policy: Policy): number;
  /** When the last permit has drained: from then on the state is worth nothing. */
  drainedAt(state: S, policy: Policy): number;
}

/** Policies of at least this window may be leased: charging at a lease's end then costs the caller under 4 %. */
const LEASABLE_WINDOW_MS = 32_000;

/** Whether an isolate may hold permits of it. */
export const isLeasable = ({ algorithm, windowMs }: Policy): boolean =>
  algorithm !== 'gcra' && windowMs >= LEASABLE_WINDOW_MS;
