// Which route a request is, as pure functions of the request.
import type { Config, Route } from '../config/types.ts';
import { combiner, countsApart } from './combine.ts';
import { type Reading, readingsIn, type Target } from './match.ts';
import { methodsOf } from './methods.ts';
import { sentPath } from './sent-path.ts';

/**
 * Undefined: its path can be read in more ways than are followed.
 *
 * @param named methods that the request's body names beside its own.
 */
export type RouteFinder = (request: Line, named?: readonly string[]) => Route | undefined;

/** What a route is found by. */
export type Line = Pick<Request, 'method' | 'url'>;

/**
 * Finds a request's route. Each reading of the path (see `readings.ts`) has its own first match; where they differ, the
 * request must meet the demands of all of them. So a route that only tightens holds if any reading matches it, one that
 * loosens only if all do, and one that does both loosens only if all do and tightens if any does.
 */
export const routeOf = (config: Config): RouteFinder => {
  if (config.routes.length === 0) return () => config.defaultRoute;
  const readings = readingsIn(config);
  const targetOf = targetMaker(config);
  const combine = combiner([...config.routes, config.defaultRoute], countsApart(config));
  return (request, named = []) => {
    const found = readings(targetOf(request, named));
    return found && combine(new Set(found.flatMap(({ routes }) => routes)));
  };
};

/** The readings of a request that lead to different routes, for people to read; undefined as `RouteFinder`. */
export const explainRoute = (config: Config, request: Line): readonly Reading[] | undefined =>
  readingsIn(config)(targetMaker(config)(request, []));

const targetMaker = (config: Config) => {
  const others = methodsThatMatter(config);
  return ({ method, url }: Line, named: readonly string[]): Target => ({
    methods: [...(methodsOf(method, url) ?? [method, ...others]), ...named],
    path: sentPath(url),
  });
};

/** All methods that make a difference to some route: those that are named, and any other. */
export const methodsThatMatter = ({ routes }: Pick<Config, 'routes'>): readonly string[] => {
  const named = new Set(routes.flatMap(({ methods }) => [...(methods ?? [])]));
  return named.size === 0 ? [] : [...named, 'any other'];
};

/** CORS preflight (Fetch standard, section 3.2.2): comes without credentials and asks what may be sent. */
export const isPreflight = ({ method, headers }: Request): boolean =>
  method === 'OPTIONS' && headers.has('Origin') && headers.has('Access-Control-Request-Method');
