// The step that finds a request's route. An origin may read a path in several ways: none of them gets a weaker route.
import type { Config } from '../config/types.ts';
import { badRequest, contentTooLarge, methodNotAllowed } from '../problem.ts';
import { isPreflight, routeOf } from '../routing/route-of.ts';
import type { Step } from './step.ts';

/** Sets `route` and `preflight`; refuses a path that can be read in more ways than we follow. */
export const route = (config: Config): Step => {
  const find = routeOf(config);
  return async function route(c, next) {
    const exchange = c.get('exchange');
    const { request } = exchange;
    const refusal = refusalOf(request);
    if (refusal !== undefined) return refusal;
    const found = find(request);
    if (found === undefined) return badRequest();
    exchange.route = found;
    exchange.preflight = isPreflight(request);
    return next();
  };
};

/** Refuses what no route can serve. TRACE would show its sender what the origin gets, secrets included. */
const refusalOf = ({ method, url, headers }: Request): Response | undefined => {
  if (method === 'TRACE' || method === 'TRACK') return methodNotAllowed();
  if (!PLAIN_URL.test(url) && !isUrl(url)) return badRequest();
  return Number.isSafeInteger(Number(headers.get('content-length'))) ? undefined : contentTooLarge();
};

/** How most URLs begin: this test is cheaper than parsing. */
const PLAIN_URL = /^https?:\/\/[a-z\d-]+(\.[a-z\d-]+)*(:\d{1,4})?\//i;

/** `OPTIONS *` makes a URL without a path, a `Host` with a space one that cannot be parsed. */
const isUrl = (url: string): boolean => url.indexOf('/', url.indexOf('://') + 3) > 0 && URL.canParse(url);
