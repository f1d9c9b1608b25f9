// The step that finds which route a request is. An origin may read a path in several ways: none leads to a weaker route.
import type { Config } from '../config/types.ts';
import { isPreflight, routeOf } from '../routing/route-of.ts';
import type { Step } from './step.ts';

/** Sets `route` and `preflight`. */
export const route = (config: Config): Step => {
  const find = routeOf(config);
  return function route(c, next) {
    const exchange = c.get('exchange');
    exchange.route = find(exchange.request);
    exchange.preflight = isPreflight(exchange.request);
    return next();
  };
};
