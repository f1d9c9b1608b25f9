// One request on its way, and what the steps have learned of it: what `c.var.exchange` holds.
import type { Bindings } from './bindings.ts';
import type { Route } from './config/types.ts';
import type { Identity } from './identity.ts';
import type { Quota } from './quota/fields.ts';
import type { Outcome } from './report/outcomes.ts';

export type { Outcome };

/** What became of a request; `report` reads it after the response. */
export interface Trace {
  /** `Date.now()` when the request came. */
  readonly arrived: number;
  /** When the limit step had decided. */
  decidedAt: number | undefined;
  outcome: Outcome;
  /** The response comes from behind Weir: the origin's, or a handler's of the app that Weir is mounted in. */
  forwarded: boolean;
  /** Code for the log, never for the client: `token_expired`, `quota_exceeded`, `origin_timeout`. */
  reason: string | undefined;
  /** Names of the policies that denied, or that are nearest to denying. */
  policy: string | undefined;
  partition: string | undefined;
  /** Whether the isolate held the permits, or Limiters had to be asked; undefined where none were looked for. */
  source: 'held' | 'asked' | undefined;
  /** Permits that the request was to spend of each policy. */
  cost: number;
  /** Smallest remaining share of any policy, 0 to 1. */
  remainingShare: number;
  /** Which failure policy acted. */
  limiterError: 'local' | 'open' | 'closed' | undefined;
  shadow: boolean;
}

/** The trace of a request that has just come. */
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

/** What keeps an isolate awake behind a response, until work is done. */
export type WaitUntil = Pick<ExecutionContext, 'waitUntil'>;

/** A request, its bindings and what the steps have learned of it; the code below the middleware knows nothing of Hono. */
export class Exchange {
  readonly request: Request;
  readonly env: Bindings;
  readonly trace = newTrace();
  /** The default one until the route step has found it. */
  route: Route;
  /** CORS preflight: needs no token and goes on without a body. */
  preflight = false;
  /** Undefined for an anonymous caller. */
  identity: Identity | undefined = undefined;
  /** Under `AUTH_MODE=shadow`: would have been refused, so it is nobody's request. */
  unidentified = false;
  /** For the RateLimit fields; undefined where no policy applied. */
  quota: Quota | undefined = undefined;
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

  /** Keeps the isolate awake until `work` is done, behind the response. */
  waitUntil(work: Promise<unknown>): void {
    this.#context.waitUntil(work);
  }
}
