// Which entries of `ROUTES` a request's method and path match, in every reading of the path.
import type { Config, Route } from '../config/types.ts';
import { readings } from './readings.ts';

interface Matcher {
  readonly route: Route;
  /** What every path it matches begins with, in lower case; most requests need look no further. */
  readonly prefix: string;
  readonly exact: URLPattern;
  readonly anyCase: URLPattern;
}

/** The routes that the readings of a path lead to. */
export const routesMet = ({ routes, defaultRoute }: Config) => {
  const matchers = routes.map(matcherOf);
  return (sentMethod: string, path: string): ReadonlySet<Route> => {
    const method = sentMethod === 'HEAD' ? 'GET' : sentMethod;
    const find = (pathname: string, comparison: Comparison) =>
      firstMatch(matchers, method, pathname, comparison);
    const paths = readings(path);
    if (paths === undefined) return new Set([...routes, defaultRoute]);
    const met = new Set([find(path, 'exact') ?? defaultRoute]);
    for (const each of paths) {
      const found = find(each, 'anyCase');
      met.add(found ?? defaultRoute);
      // Routes may differ in nothing but case; what was sent has been looked up already. And `/items/*` also tightens
      // `/items`, which many origins serve alike, unless a route matches that itself.
      const beside = found
        ? each !== path && find(each, 'exact')
        : !each.endsWith('/') && find(`${each}/`, 'anyCase');
      if (beside) met.add(beside);
    }
    return met;
  };
};

const matcherOf = (route: Route): Matcher => {
  const pathname = route.match ?? '*';
  return {
    route,
    prefix: prefixOf(pathname),
    exact: new URLPattern({ pathname }),
    anyCase: new URLPattern({ pathname }, { ignoreCase: true }),
  };
};

/** Up to the first character that a pattern or a URL's parser treats specially; a `/` before one may be optional. */
const prefixOf = (pathname: string): string => {
  const [plain = ''] = /^[\w/.~@!$&',=-]*/.exec(pathname) ?? [];
  return (plain === pathname ? plain : plain.slice(0, plain.lastIndexOf('/'))).toLowerCase();
};

/** As sent, a path's case counts; in every other reading it does not. */
type Comparison = 'exact' | 'anyCase';

const firstMatch = (
  matchers: readonly Matcher[],
  method: string,
  pathname: string,
  comparison: Comparison,
): Route | undefined => {
  const lower = pathname.toLowerCase();
  const matches = ({ route: { methods }, prefix, [comparison]: pattern }: Matcher) =>
    methods?.has(method) !== false && lower.startsWith(prefix) && pattern.test({ pathname });
  return matchers.find(matches)?.route;
};
