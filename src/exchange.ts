// A request in progress and what the steps have learned about it: the value of `c.var.exchange`.
import type { Bindings } from './bindings.ts';
import type { Route } from './config/types.ts';
import type { Identity } from './identity.ts';
import type { Quota } from './quota/fields.ts';
import type { Outcome } from './report/outcomes.ts';

export type { Outcome };

/** What became of a request; `report` reads it after the response. */
export interface Trace {
  /** `Date.now()` when the request arrived. */
  readonly arrived: number;
  /** When the limit step had decided. */
  decidedAt: number | undefined;
  outcome: Outcome;
  /** Whether the response came from behind Weir: from the origin, or from a handler of the app that mounts Weir. */
  forwarded: boolean;
  /** Code for the log, never for the client: `token_expired`, `quota_exceeded`, `origin_timeout`. */
  reason: string | undefined;
  /** Names of the policies that denied, or that are nearest to denying. */
  policy: string | undefined;
  partition: string | undefined;
  /** Whether the isolate held the permits or Limiters had to be asked; undefined if none were needed yet. */
  source: 'held' | 'asked' | undefined;
  /** Permits that the request would spend of each policy. */
  cost: number;
  /** Smallest remaining share of any policy, 0 to 1. */
  remainingShare: number;
  /** The failure policy that decided because a Limiter did not answer. */
  limiterError: 'local' | 'open' | 'closed' | undefined;
  shadow: boolean;
}

/** The trace of a request that has just arrived. */
const newTrace = (): Trace => ({
  arrived: Date.now(),
  decidedAt: undefined,
  outcome: 'forwarded',
  forwarded: false,
  reason: undefined,
  policy: undefined,
  partition: undefined,
  source: undefined,
  cost: 0,
  remainingShare: 1,
  limiterError: undefined,
  shadow: false,
});

/** When a step began, for `SERVER_TIMING`. */
interface Lap {
  readonly name: string;
  readonly from: number;
}

/** The part of `ExecutionContext` that keeps an isolate alive after the response until work is done. */
export type WaitUntil = Pick<ExecutionContext, 'waitUntil'>;

/** A request, its bindings and what the steps have learned about it. Code below the middleware gets this, and knows no Hono. */
export class Exchange {
  /** As it came; with another body of the same bytes where the route step had to read it. */
  request: Request;
  readonly env: Bindings;
  readonly trace = newTrace();
  /** The default route until the route step has found the request's own. */
  route: Route;
  /** Whether this is a CORS preflight, which needs no token and is forwarded without a body. */
  preflight = false;
  /** Undefined for an anonymous caller. */
  identity: Identity | undefined = undefined;
  /** Under `AUTH_MODE=shadow`: the token would have been refused, so the request counts as nobody's. */
  unidentified = false;
  /** Whether it must be known when the body of the answer has ended. */
  isBodyWatched = false;
  /** Whether that body is as the origin encoded it, so that its `Content-Length` is of what can be read. */
  isBodyRaw = false;
  /** For the RateLimit fields; undefined where no policy applied. */
  quota: Quota | undefined = undefined;
  /** Gives back what it spent, once its origin has failed; undefined where there is nothing, or its answer tells. */
  giveBack: (() => void) | undefined = undefined;
  /** Undefined without `SERVER_TIMING`. */
  laps: readonly Lap[] | undefined = undefined;
  readonly #context: WaitUntil;

  constructor(request: Request, env: Bindings, context: WaitUntil, defaultRoute: Route) {
    this.request = request;
    this.env = env;
    this.#context = context;
    this.route = defaultRoute;
  }

  /** Aborted when the client has left. */
  get signal(): AbortSignal {
    return this.request.signal;
  }

  /** Keeps the isolate alive until `work` is done, even after the response. */
  waitUntil(work: Promise<unknown>): void {
    this.#context.waitUntil(work);
  }
}
