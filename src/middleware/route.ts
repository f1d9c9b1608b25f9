// The step that finds which route a request is. An origin may read a path in several ways: none leads to a weaker route.
import type { Config } from '../config/types.ts';
import { badRequest } from '../problem.ts';
import { isPreflight, routeOf } from '../routing/route-of.ts';
import type { Step } from './step.ts';

/** Sets `route` and `preflight`; refuses a path that can be read in more ways than are followed. */
export const route = (config: Config): Step => {
  const find = routeOf(config);
  return function route(c, next) {
    const exchange = c.get('exchange');
    const found = find(exchange.request);
    if (found === undefined) return Promise.resolve(badRequest());
    exchange.route = found;
    exchange.preflight = isPreflight(exchange.request);
    return next();
  };
};
