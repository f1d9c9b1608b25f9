// What isolates and Limiters say to each other. Versioned, since old and new code meet during a deploy.
import type { Decision } from './arithmetic.ts';
import type { Policy } from './policy.ts';
import type { Marks, TokenClaims } from './standing.ts';

/** Raised when a message changes its meaning; a Limiter refuses a version it does not know. */
export const VERSION = 1;

/** A lease lives so long, counted by the isolate from when it asked and by the Limiter from when it granted. */
export const LEASE_MS = 1_000;

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
  /** The token of the request that asks: nothing is spent for a revoked one. */
  readonly token?: TokenClaims | undefined;
  /** Unset: use is not watched. */
  readonly watch?: Watch | undefined;
}

/** What the Limiter needs to tell unusual use. */
export interface Watch {
  /** How many times a subject's moving average is unusual. */
  readonly factor: number;
  /** Whether to deny what is unusual, or only to report it. */
  readonly deny: boolean;
  /** Requests that this isolate has had since it asked last, the one that asks among them. */
  readonly uses: number;
}

/** Use is unusual. */
export interface Abnormal {
  readonly denied: boolean;
  /** Told once a minute. */
  readonly report: boolean;
  /** Milliseconds until use is no longer unusual if no more requests come. */
  readonly calmsInMs: number;
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
  /** Revocation marks in force. */
  readonly marks?: Marks | undefined;
  /** With an override in force: the policies that were really applied, which `decisions` are of. */
  readonly policies?: readonly Policy[];
  readonly abnormal?: Abnormal;
}

/** Unused permits of one grant. Sent at most once. */
export interface Return {
  readonly version: typeof VERSION;
  readonly grant: string;
  /** Requests of the grant that were not used. */
  readonly unused: number;
}

/** Grants nothing. */
export const denial = (decisions: readonly Decision[], keepMs: number): Reply => ({
  ...{ version: VERSION, granted: 0, lifeMs: 0, grant: '' },
  ...{ decisions, keepMs },
});
