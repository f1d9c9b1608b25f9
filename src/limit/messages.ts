// What isolates and Limiters say to each other. Versioned, since old and new code meet during a deploy.
import type { Decision, Policy } from './policy.ts';

/** Raised when a message changes its meaning; a Limiter refuses a version it does not know. */
export const VERSION = 1;

/** A lease lives so long, counted by the isolate from when it asked and by the Limiter from when it granted. */
export const LEASE_MS = 1_000;

/** Policies of at least this window may be leased: charging at a lease's end then costs the caller under 4 %. */
export const LEASABLE_WINDOW_MS = 32_000;

/** A denial is kept in an isolate for at most this long. */
export const DENIAL_MS = 10_000;

export interface Ask {
  readonly version: typeof VERSION;
  /** Every policy of this partition that applies; all are spent or none. */
  readonly policies: readonly Policy[];
  /** Permits one request spends. */
  readonly cost: number;
  /** Requests to grant at once if the quota is far from spent; 1 for a plain request, which is never lent ahead. */
  readonly want: number;
  /** Whether the asker may give this back, because another partition may deny or the lease may end unused. */
  readonly returnable: boolean;
}

export interface Reply {
  readonly version: typeof VERSION;
  /** Requests granted: 0 when denied. */
  readonly granted: number;
  /** One for each policy of the ask, in its order. */
  readonly decisions: readonly Decision[];
  /** For a denial: how long it holds, whatever is returned meanwhile. 0 otherwise. */
  readonly keepMs: number;
  /** For a grant: how long the permits may be used, from when the asker asked. */
  readonly lifeMs: number;
  /** Names the grant in a `Return`; empty when not returnable. */
  readonly grant: string;
}

/** Unused permits of one grant. Sent at most once. */
export interface Return {
  readonly version: typeof VERSION;
  readonly grant: string;
  /** Requests of the grant that were not used. */
  readonly unused: number;
}
