// A policy: a named quota over a window.
import { type Algorithm, algorithms } from './algorithms/index.ts';
import type { WindowedQuota } from './arithmetic.ts';

/** Who set a policy: `default` (`LIMITS`, `TIERS`, an override), another var, or the name of a route. */
export type Scope = 'default' | 'anonymous' | 'preflight' | 'ip' | 'global' | (string & {});

/** A quota of permits over a window. */
export interface Policy extends WindowedQuota {
  /** As shown in headers, logs and metrics: `10/second`, `search:30/minute`, `ip:600/minute`. */
  readonly name: string;
  /** Names the counter: scope, algorithm and window, never quota or tier, so that a changed quota keeps what was spent. */
  readonly counter: string;
  readonly algorithm: Algorithm;
}

/** Policies of at least this window may be leased: charging at a lease's end then costs the caller under 4 %. */
const LEASABLE_WINDOW_MS = 32_000;

/** Whether an isolate may hold permits of it. */
export const isLeasable = ({ algorithm, windowMs }: Policy): boolean =>
  algorithms[algorithm].leasable && windowMs >= LEASABLE_WINDOW_MS;
