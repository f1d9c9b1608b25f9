// The vocabulary that every algorithm shares. Types alone: no clock, no I/O.

/** Units of the limits notation. A month is 30 days and a year 360 days, but for fixed windows (calendar, UTC). */
export type Unit = 'second' | 'minute' | 'hour' | 'day' | 'month' | 'year';

/** A quota of permits over a window: all of a policy that an algorithm reads. */
export interface WindowedQuota {
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
  /** Whether a Limiter may lend permits of it to isolates, where the window is long enough. */
  readonly leasable: boolean;
  /** Whether its months and years are the calendar's, UTC: then a month is another window than 30 days. */
  readonly calendar: boolean;
  /** What was expected instead of a quota that it cannot count; undefined where it can. */
  unfit(policy: WindowedQuota): string | undefined;
  /**
   * Decides `cost` at `now` and, if allowed, charges it at `until` (`now` for a plain request, the end of its life
   * for a lease; never past `boundary`). An undefined state is a counter that nothing was spent from. A denial
   * returns the state unspent.
   */
  consume(
    state: S | undefined,
    now: number,
    until: number,
    policy: WindowedQuota,
    cost: number,
  ): [Decision, S];
  /** Gives back `cost` unused permits that were charged at `until`; never more than is there. */
  giveBack(state: S, until: number, policy: WindowedQuota, cost: number): S;
  /**
   * What storage holds while memory may grant `cost` more until `until`, without writing: a state that by itself counts
   * all of them, as any version reads it. Undefined where so many do not fit.
   */
  reserve(
    state: S | undefined,
    now: number,
    until: number,
    policy: WindowedQuota,
    cost: number,
  ): S | undefined;
  /** What a stored state counts once memory is lost. `now`: when it was loaded, after the last grant of that memory. */
  resume(state: S, now: number, policy: WindowedQuota): S;
  /** When a permit granted at `now` must have been used at the latest. */
  boundary(now: number, policy: WindowedQuota): number;
  /** When the last permit has drained: from then on the state is worth nothing. */
  drainedAt(state: S, policy: WindowedQuota): number;
}
