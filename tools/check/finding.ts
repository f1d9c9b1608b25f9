// A finding: what is wrong with a target, or unsafe about it, under a code that scripts can rely on.

export interface Finding {
  /** An error keeps Weir from running, or gives a secret away; a warning is unsafe, or surely not what was meant. */
  readonly level: 'error' | 'warning';
  readonly code: Code;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly mend: string;
}

export type Code =
  /** The Worker's own parser refuses a var: every request would be answered 500. */
  | 'config-error'
  /** A secret stands in `[vars]`, readable by whoever sees the repository or the dashboard. */
  | 'secret-in-vars'
  /** A var is larger than the 5 KB that Workers take: the deploy would fail. */
  | 'var-too-large'
  /** A binding that Weir needs is not there; environments do not inherit bindings. */
  | 'missing-binding'
  /** Neither a zone route nor `ORIGIN_URL` nor an `ORIGIN` binding says where requests go. */
  | 'no-origin'
  /** With this flag `fetch(request)` on a zone route comes back to the Worker itself. */
  | 'origin-loop'
  /** Nothing leads to the Worker. */
  | 'no-route'
  /** `workers_dev` or `preview_urls` is on beside a route: a way around the zone's own rules. */
  | 'workers-dev-open'
  /** Tokens that an issuer made for any other audience are taken. */
  | 'no-audience'
  /** A route without authentication matches everything. */
  | 'open-catch-all'
  /** No request can reach a route, since earlier ones match all that it matches. */
  | 'unreachable-route'
  /** While its Limiter is down, the limit for everybody does not hold. */
  | 'global-fails-open'
  /** Every request would ask the one object of all callers, which serves about 1,000 a second. */
  | 'global-window-short'
  /** Tiers that no claim can name. */
  | 'tiers-without-claim'
  /** Tokens and traffic go to the origin in the clear. */
  | 'plain-http-origin'
  /** A var that Weir does not know: a spelling mistake would go unnoticed. */
  | 'unknown-var';

export const error = (code: Code, message: string, mend: string): Finding => ({
  level: 'error',
  code,
  message,
  mend,
});

export const warning = (code: Code, message: string, mend: string): Finding => ({
  level: 'warning',
  code,
  message,
  mend,
});
