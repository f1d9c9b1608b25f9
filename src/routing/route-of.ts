// Which route a request is, as pure functions of the request.
import type { Config, Route } from '../config/types.ts';
import { combiner } from './combine.ts';
import { routesMet } from './match.ts';
import { pathOf } from './readings.ts';

/**
 * Finds a request's route. Each reading of the path (see `readings.ts`) has its own first match; where they differ, the
 * request must meet the demands of all of them. So a route that only tightens holds if any reading matches it, one that
 * loosens only if all do, and one that does both loosens only if all do and tightens if any does.
 */
export const routeOf = (config: Config): ((request: Request) => Route) => {
  if (config.routes.length === 0) return () => config.defaultRoute;
  const routesOf = routesMet(config);
  const combine = combiner([...config.routes, config.defaultRoute]);
  return (request) => combine(routesOf(request.method, pathOf(request.url)));
};

/** CORS preflight (Fetch standard, section 3.2.2): comes without credentials and asks what may be sent. */
export const isPreflight = ({ method, headers }: Request): boolean =>
  method === 'OPTIONS' && headers.has('Origin') && headers.has('Access-Control-Request-Method');
