// The step that finds which route a request is. An origin may read a path in several ways: none leads to a weaker route.
import type { MiddlewareHandler } from 'hono';
import type { Config } from './config.ts';
import type { Env } from './env.ts';
import { isPreflight, routeOf } from './route/route-of.ts';

/** Sets `route` and `preflight`. */
export const route = (config: Config): MiddlewareHandler<Env> => {
  const find = routeOf(config);
  return function route(c, next) {
    c.set('route', find(c.req.raw));
    c.set('preflight', isPreflight(c.req.raw));
    return next();
  };
};
