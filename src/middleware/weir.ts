// The middleware that guards an API: who is calling, what its quota is, and what the client is told of it.
import type { MiddlewareHandler } from 'hono';
import { Examiner } from '../auth/examine.ts';
import type { Bindings } from '../bindings.ts';
import type { WeirOptions } from '../config/options.ts';
import type { Config } from '../config/types.ts';
import { unknownVars } from '../config/unknown-vars.ts';
import { Exchange } from '../exchange.ts';
import { checkRuntime } from '../lib/runtime.ts';
import { authenticate } from './authenticate.ts';
import { cors } from './cors.ts';
import { limit } from './limit.ts';
import { checkBindings, mounted } from './mount.ts';
import { ownPaths } from './own-paths.ts';
import { report } from './report.ts';
import { route } from './route.ts';
import { timed } from './server-timing.ts';
import { inOrder, type Step } from './step.ts';

/**
 * Verifies the caller's token, spends a permit of the caller's quota, and lets the request go on with `c.var.identity`
 * set; or answers 401, 403, 429 or 503 itself. RateLimit fields are added to the answers of the handlers behind it.
 *
 * @param options the vars in camelCase. `name` is part of the mount's counters; `env: true` reads every var of the
 *   Worker's environment, else only those named `WEIR_<VAR>`.
 * @throws {Error} immediately, if the Worker's compatibility date or flags are not what Weir needs.
 * @example
 * app.use('/api/*', weir({ name: 'api', limits: '100/minute', issuer: 'https://login.example.com/' }));
 */
export const weir = (options: WeirOptions = {}): MiddlewareHandler => {
  checkRuntime();
  return mounted(options, (config, env) => {
    warnUnknownVars(options, env);
    return guard(config, env);
  }) as MiddlewareHandler;
};

/** Warns once per isolate: a misspelled var has no effect, and nothing else would show that. */
const warnUnknownVars = (options: WeirOptions, env: Bindings): void => {
  for (const reason of unknownVars(options, env))
    console.warn(JSON.stringify({ outcome: 'unknown_var', reason }));
};

const guard = (config: Config, env: Bindings): Step => {
  checkBindings(env);
  const examiner = new Examiner(config);
  const steps = inOrder(
    cors(config),
    report(config),
    ownPaths(config),
    route(config),
    timed(config, 'auth', authenticate(config, examiner)),
    timed(config, 'limit', limit(config, examiner)),
    timed(config, 'origin', (_c, next) => next()),
  );
  return function weir(c, next) {
    c.set('exchange', new Exchange(c.req.raw, c.env, c.executionCtx, config.defaultRoute));
    return steps(c, next);
  };
};
