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

/** What an isolate asks for. */
export interface ShareRequest {
  /** Of the policy. */
  readonly counter: string;
  /** Permits in every window. */
  readonly permits: number;
  /** What the isolate has lowered its own share to, before it asks: it goes by that until it has the answer. */
  readonly lowered: number;
  /** Permits of the share that it used in the window that ends now. */
  readonly used: number;
  /** Permits that it was granted in that window, of the share or by themselves. Absent: as `used`. */
  readonly recent?: number | undefined;
  /** The same by how long ago they were used at most, milliseconds; told of a share that is given back. */
  readonly ages?: Ages | undefined;
}

export type Ages = readonly (readonly [ms: number, permits: number])[];

/** How far a wish may be met. */
export interface Bounds {
  /** Permits to lend at most. */
  readonly most: number;
  /** Permits that the share takes over, which the state does not count any more: to lend as many again is no growth. */
  readonly takenOver: number;
  /** Permits that growth leaves free at least; where others use more than that, as many as they use. */
  readonly spare: number;
  /** Where others spend too and fewer permits than these are free, nothing is lent. */
  readonly tight: number;
}

/** A share as the Limiter counts it. */
interface Renewed<S, C> {
  readonly state: S;
  readonly charge: C;
  /** Permits lent in every window: what was asked for, or fewer. */
  readonly permits: number;
}

/** One algorithm's shares over its state `S`, a charge `C` of the Limiter and the uses `U` of an isolate. Pure, but that uses are changed in place. */
export interface Sharing<S, C, U> {
  /**
   * Charges a share from `now` until `until`, in place of what `charge` still counts, so that only growth must be free.
   * @param charge what this share was charged before; undefined for a new one.
   */
  renew(
    state: S | undefined,
    now: number,
    until: number,
    policy: WindowedQuota,
    charge: C | undefined,
    wish: ShareRequest,
    bounds: Bounds,
  ): Renewed<S, C>;
  /** The state with the `permits` of this charge counted until `until`, later than they are: as storage counts them. */
  extend(state: S, now: number, until: number, policy: WindowedQuota, charge: C, permits: number): S;
  /** Of an isolate that used nothing yet. */
  newUses(): U;
  /** Counts `cost` permits that were used at `at`. */
  use(uses: U, at: number, policy: WindowedQuota, cost: number): void;
  /** Milliseconds until `cost` of `permits` in every window can be used; 0: at once. */
  freedInMs(uses: U, now: number, policy: WindowedQuota, permits: number, cost: number): number;
  /** Takes a use back that was no use after all. */
  unuse(uses: U, at: number, policy: WindowedQuota, cost: number): void;
  /** What was used in the window that ends `now`, by age. */
  ages(uses: U, now: number, policy: WindowedQuota): Ages;
  /** Permits used in the window that ends `now`. */
  used(uses: U, now: number, policy: WindowedQuota): number;
}

/** One algorithm's arithmetic over its own state `S`, in whole milliseconds since the epoch. Pure. */
export interface Arithmetic<S, C = unknown, U = unknown> {
  /** Whether a Limiter may lend permits of it to isolates, where the window is long enough. */
  readonly leasable: boolean;
  /** How permits of it are lent by rate; undefined where they are not. */
  readonly sharing: Sharing<S, C, U> | undefined;
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
  /** Charges `cost` at `at`, whether it fits or not: what was spent already is counted, as a debt if need be. */
  charge(state: S | undefined, at: number, policy: WindowedQuota, cost: number): S;
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
  /**
   * What a stored state counts once memory is lost.
   * @param now when it was loaded, after the last grant of that memory.
   * @param until when the last lease of that memory has ended: what is charged later was lent until then at the latest.
   */
  resume(state: S, now: number, until: number, policy: WindowedQuota): S;
  /** How long the window at `now` is, milliseconds; left out where every one is as long as the policy's. */
  lengthMs?(now: number, policy: WindowedQuota): number;
  /** When a permit granted at `now` must have been used at the latest. */
  boundary(now: number, policy: WindowedQuota): number;
  /** When the last permit has drained: from then on the state is worth nothing. */
  drainedAt(state: S, policy: WindowedQuota): number;
}
