// A finding: what is wrong with a target, or unsafe about it, under a code that scripts can rely on.

export interface Finding {
  /** An error keeps Weir from running, or gives a secret away; a warning is unsafe, or surely not what was meant. */
  readonly level: 'error' | 'warning';
  readonly code: Code;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** What to write or do instead. */
  readonly fix: string;
}

export type Code =
  /** The Worker's own parser refuses a var: every request would be answered 500. */
  | 'config-error'
  /** A var that Weir does not know: an error where it looks like one of ours, since a misspelled var changes nothing. */
  | 'unknown-var'
  /** A var of ours stands outside `[vars]`, where no Worker can see it. */
  | 'outside-vars'
  /** A setting that does not do what it seems to: nothing without another one, or nothing at all. */
  | 'no-effect'
  /** A secret stands in `[vars]`, readable by whoever sees the repository or the dashboard. */
  | 'secret-in-vars'
  /** A var is larger than the 5 KB that Workers take: the deploy would fail. */
  | 'var-too-large'
  /** The issuer is written in another way than its tokens write it, so that every token would be refused. */
  | 'issuer-spelling'
  /** An address that is no key set's. */
  | 'key-set-url'
  /** An audience that no token of its issuer names, or that those of every client do. */
  | 'audience-spelling'
  /** Callers would be told apart by a claim that tells tokens apart, or nobody. */
  | 'subject-claim'
  /** An address that is a pattern, or not filled in. */
  | 'origin-address'
  /** Tokens that an issuer made for any other audience are taken. */
  | 'no-audience'
  /** Tokens of any issuer are taken that the keys have signed. */
  | 'any-issuer'
  /** Tokens of any tenant of an issuer of many. */
  | 'any-tenant'
  /** Tiers that no claim can name. */
  | 'tiers-without-claim'
  /** A limit by a claim that tokens need not have: those count as their subjects. */
  | 'claim-may-lack'
  /** Anybody may fill another's quota by a path parameter. */
  | 'open-param'
  | 'shared-slots'
  | 'slot-without-timeout'
  /** Whoever guesses on an open route spends nothing. */
  | 'guesses-free'
  /** What an answer tells to have cost is not held beforehand. */
  | 'cost-untold'
  /** Every request would ask the one object of all callers, and tell it what it cost. */
  | 'global-settled'
  /** Networks that are exempt hold everybody. */
  | 'exempt-everybody'
  /** A `match` in another framework's syntax: it matches nothing that was meant. */
  | 'foreign-pattern'
  /** A route without authentication matches everything. */
  | 'open-catch-all'
  /** No request can reach a route, since earlier ones match all that it matches. */
  | 'unreachable-route'
  /** While its Limiter is down, the limit for everybody does not hold. */
  | 'global-fails-open'
  /** Every request would ask the one object of all callers, which serves about 1,000 a second. */
  | 'global-window-short'
  /** Tokens and traffic go to the origin in the clear. */
  | 'plain-http-origin'
  /** Cloudflare's edge cannot reach this machine's own addresses. */
  | 'local-address'
  /** A binding that Weir needs is not there, or is of a kind that it cannot use; environments do not inherit bindings. */
  | 'missing-binding'
  /** A binding whose name Weir does not read. */
  | 'misnamed-binding'
  /** Neither a zone route nor `ORIGIN_URL` nor an `ORIGIN` binding says where requests go. */
  | 'no-origin'
  /** What Weir forwards would come back to Weir. */
  | 'origin-loop'
  /** Nothing leads to the Worker. */
  | 'no-route'
  /** A zone route that matches less than it seems to. */
  | 'zone-route'
  /** A `match` that no zone route leads to the Worker. */
  | 'match-outside-routes'
  /** `workers_dev` or `preview_urls` is on beside a route: a way around the zone's own rules. */
  | 'workers-dev-open'
  /** Something answers before the Worker, so that requests are neither checked nor counted. */
  | 'answered-before-weir'
  /** A setting of wrangler's own that it does not know or that has another type there. */
  | 'wrangler-setting'
  /** The Workers runtime of that date or without that flag lacks what Weir relies on. */
  | 'compatibility'
  /** Wrangler reads another configuration file than the one that was edited. */
  | 'ignored-file';

export const error = (code: Code, message: string, fix: string): Finding => ({
  level: 'error',
  code,
  message,
  fix,
});

export const warning = (code: Code, message: string, fix: string): Finding => ({
  level: 'warning',
  code,
  message,
  fix,
});
