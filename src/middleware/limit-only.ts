// `limit()`: exact limits for callers that the app has authenticated itself.
import type { Context, MiddlewareHandler } from 'hono';
import { keyValuesOf } from '../auth/claims.ts';
import type { Bindings } from '../bindings.ts';
import type { VarOptions, WeirOptions } from '../config/options.ts';
import type { Config } from '../config/types.ts';
import { Exchange } from '../exchange.ts';
import type { Identity } from '../identity.ts';
import { checkRuntime } from '../lib/runtime.ts';
import { subjectPartition } from '../partition.ts';
import { cors } from './cors.ts';
import { limit as spend } from './limit.ts';
import { checkBindings, mounted } from './mount.ts';
import { report } from './report.ts';
import { inOrder, type Step, type WeirContext } from './step.ts';

/** The options that are about limits and answers, not about tokens, routes or an origin. */
type LimitVars = Pick<
  VarOptions,
  | 'limits'
  | 'tiers'
  | 'anonymousLimits'
  | 'ipLimits'
  | 'globalLimits'
  | 'exemptAddresses'
  | 'ipv6Prefix'
  | 'ratelimitHeaders'
  | 'responses'
  | 'algorithm'
  | 'mode'
  | 'onLimiterError'
  | 'limiterTimeoutMs'
  | 'limiterJurisdiction'
  | 'limiterLocation'
  | 'leaseSeconds'
  | 'leases'
  | 'corsOrigins'
  | 'abnormalFactor'
  | 'abnormalAction'
  | 'partitionSecret'
>;

/** What `limit()` takes. */
export interface LimitOptions extends LimitVars, Pick<WeirOptions, 'name' | 'env'> {
  /** The caller, as the app has authenticated it. Undefined: anonymous, and counted by address under `anonymousLimits`. */
  readonly subject?: (c: Context) => string | undefined | Promise<string | undefined>;
  /** The caller's tier, a name of `tiers`. Default: none. */
  readonly tier?: (c: Context) => string | undefined;
  /**
   * What limits by a claim count by, as the app has authenticated it: `{ 'org.id': 'acme' }`, or the claims of a token that it has
   * verified. A caller without the claim counts as its subject. Needed where a limit counts by a claim.
   */
  readonly claims?: (c: Context) => Readonly<Record<string, unknown>>;
}

/**
 * Spends a permit of the caller's exact worldwide quota, for an app with its own authentication: no token is read.
 *
 * @throws {Error} immediately, if the Worker's compatibility date or flags are not what Weir needs.
 * @example
 * app.use('/ai/*', limit({ name: 'ai', limits: '20/minute', subject: (c) => c.get('user').id }));
 */
export const limit = ({ subject, tier, claims, ...options }: LimitOptions = {}): MiddlewareHandler => {
  checkRuntime();
  const guard = (config: Config, env: Bindings): Step => {
    checkBindings(env);
    const { keyClaims } = config.tokens;
    if (claims === undefined) checkNoneCounted(keyClaims);
    const steps = inOrder(cors(config), report(config), spend(config));
    return async function limit(c, next) {
      const exchange = new Exchange(c.req.raw, c.env, c.executionCtx, config.defaultRoute);
      const name = await subject?.(c);
      if (name !== undefined) {
        const keyValues = keyValuesOf(claims?.(c) ?? {}, keyClaims);
        exchange.identity = { ...identityOf(name, tier?.(c)), keyValues };
      }
      // A `weir()` around this step and a `proxy()` behind both continue with the outer exchange.
      const outer = c.get('exchange');
      c.set('exchange', exchange);
      return steps(c, () => {
        if (outer) goOnWith(c, outer, exchange);
        return next();
      });
    };
  };
  return mounted(options, guard, false) as MiddlewareHandler;
};

/** @throws {Error} where limits count by claims, of which nobody tells. */
const checkNoneCounted = ([claim]: readonly string[]): void => {
  if (claim !== undefined)
    throw new Error(`\`claims\`: expected a function, since limits count by \`${claim}\``);
};

/** Where the origin fails, both have their permits back. */
const goOnWith = (c: WeirContext, outer: Exchange, inner: Exchange): void => {
  const { giveBack } = outer;
  outer.giveBack = () => {
    giveBack?.();
    inner.giveBack?.();
  };
  c.set('exchange', outer);
};

/** The identity of a subject that the app vouches for; there is no token that could expire or be revoked. */
const identityOf = (subject: string, tier: string | undefined): Identity => ({
  issuer: '',
  subject,
  tier,
  scopes: new Set(),
  headers: [],
  exp: Number.POSITIVE_INFINITY,
  iat: undefined,
  jti: undefined,
  partition: subjectPartition('', subject),
});
