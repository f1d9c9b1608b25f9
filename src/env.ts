// The bindings, and what one request carries from step to step.
import type { Route } from './config.ts';
import type { Identity } from './identity.ts';
import type { Limiter } from './limit/limiter.ts';

export type { Identity } from './identity.ts';

export interface Bindings {
  readonly LIMITER: DurableObjectNamespace<Limiter>;
  readonly AUTH_FAILURES: RateLimit;
  readonly ANALYTICS?: AnalyticsEngineDataset;
  readonly ORIGIN?: Fetcher;
  /** Vars and secrets; only `config.ts` reads them. */
  readonly [name: string]: unknown;
}

/** What became of a request; `report` reads it after the response. */
export interface Trace {
  /** `Date.now()` when the request came. */
  readonly arrived: number;
  /** When the limit step had decided. */
  decidedAt?: number;
  outcome: Outcome;
  /** The response is the origin's, not one of ours. */
  forwarded: boolean;
  /** Code for the log, never for the client: `token_expired`, `quota_exceeded`, `origin_timeout`. */
  reason?: string | undefined;
  /** Names of the policies that denied, or that are nearest to denying. */
  policy?: string | undefined;
  partition?: string | undefined;
  cost?: number;
  /** Smallest remaining share of any policy, 0 to 1. */
  remainingShare?: number;
  /** Which failure policy acted. */
  limiterError?: 'local' | 'open' | 'closed';
  shadow?: boolean;
}

export type Outcome =
  | 'forwarded'
  | 'near_limit'
  | 'unauthorized'
  | 'forbidden'
  | 'denied'
  | 'abnormal'
  | 'origin_error'
  | 'limiter_error'
  | 'unavailable'
  | 'internal_error';

export interface Variables {
  trace: Trace;
  route: Route;
  /** Unset for an anonymous caller. */
  identity: Identity | undefined;
  /** CORS preflight: needs no token and goes on without a body. */
  preflight: boolean;
  /** When each step began; unset without `SERVER_TIMING`. */
  laps: readonly { readonly name: string; readonly from: number }[] | undefined;
}

/** Hono's environment type for every step. */
export type Env = { Bindings: Bindings; Variables: Variables };
