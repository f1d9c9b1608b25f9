// Provisional: the route helper replaces this file and keeps the step `route(config)` that sets `route` and `preflight` on c.
import type { MiddlewareHandler } from 'hono';
import type { Config } from './config.ts';
import type { Env } from './env.ts';
export const route = (config: Config): MiddlewareHandler<Env> =>
  async function route(c, next) {
    c.set('route', config.defaultRoute);
    c.set('preflight', false);
    await next();
  };
