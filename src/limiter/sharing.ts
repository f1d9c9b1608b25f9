// Shares: permits lent by rate, so many in every window until an end. What an algorithm must know to be lent that way, for
// the Limiter, which charges a share, and for the isolate, which keeps it.
import type { WindowedQuota } from './arithmetic.ts';

/** What an isolate asks for. */
export interface Wish {
  /** Of the policy. */
  readonly counter: string;
  /** Permits in every window. The isolate has lowered its own share to this before it asks. */
  readonly permits: number;
  /** Permits of the share that it used in the window that ends now. */
  readonly used: number;
}

/** A share as the Limiter counts it. */
export interface Renewed<S, C> {
  readonly state: S;
  readonly charge: C;
  /** Permits lent in every window: what was asked for, or fewer. */
  readonly permits: number;
}

/** The time of a use: by the isolate's clock, and by the Limiter's as far as the isolate can know it. */
export interface Moment {
  readonly now: number;
  readonly earliest: number;
  readonly latest: number;
}

/** One algorithm's shares over its state `S`, a charge `C` of the Limiter and the uses `U` of an isolate. Pure. */
export interface Sharing<S, C, U> {
  /**
   * Charges a share from `now` until `until`, in place of what `charge` still counts, so that only growth must be free.
   * @param charge what this share was charged before; undefined for a new one.
   * @param most permits to lend at most, whatever is wished for.
   */
  renew(
    state: S | undefined,
    now: number,
    until: number,
    policy: WindowedQuota,
    charge: C | undefined,
    wish: Wish,
    most: number,
  ): Renewed<S, C>;
  /** The state with the `permits` of this charge counted until `until`, later than they are: as storage counts them. */
  extend(state: S, now: number, until: number, policy: WindowedQuota, charge: C, permits: number): S;
  /** Whatever is charged later than `end` is charged there: nothing lent so far is used after it. */
  recall(state: S, end: number, policy: WindowedQuota): S;
  /** Uses `cost` of `permits` in every window; undefined where they are used up. */
  use(
    uses: U | undefined,
    moment: Moment,
    policy: WindowedQuota,
    permits: number,
    cost: number,
  ): U | undefined;
  /** Takes a use back that was no use after all. */
  unuse(uses: U, moment: Moment, policy: WindowedQuota, cost: number): U;
  /** Permits used in the window that ends at `moment`. */
  used(uses: U | undefined, moment: Moment, policy: WindowedQuota): number;
}
