// The step that finds a request's route. An origin may read a path in several ways: none of them gets a weaker route.
import type { Config, Route } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { readText } from '../lib/read-text.ts';
import { withTimeLimit } from '../lib/time-limit.ts';
import { badRequest, contentTooLarge, methodNotAllowed } from '../problem.ts';
import { isPlainText, mayNameMethod, methodsInBody } from '../routing/methods.ts';
import { isPreflight, methodsThatMatter, type RouteFinder, routeOf } from '../routing/route-of.ts';
import type { Step } from './step.ts';

/** Of a POST's body, read before its route is known where another method would have another route; bytes. */
const MAX_READ = 65_536;
/** How long that may take, milliseconds. */
const READ_MS = 30_000;

/** Sets `route` and `preflight`; refuses a path that can be read in more ways than we follow. */
export const route = (config: Config): Step => {
  const find = routeOf(config);
  const others = methodsThatMatter(config);
  return async function route(c, next) {
    const exchange = c.get('exchange');
    const { request } = exchange;
    const flaw = flawOf(request);
    if (flaw !== undefined) return refuse(exchange, flaw);
    const own = find(request);
    const found = mayNameMethod(request) ? await foundBy(find, others, exchange, own) : own;
    if (exchange.request !== request) c.req.raw = exchange.request;
    if (found === undefined) return refuse(exchange, 'path_ambiguous');
    exchange.route = found;
    exchange.preflight = isPreflight(request);
    return next();
  };
};

/**
 * The route of a POST that may name another method in its body: it must meet the demands of those methods' routes too.
 *
 * @param others methods that make a difference to some route.
 * @param own its route by its own method.
 */
const foundBy = async (
  find: RouteFinder,
  others: readonly string[],
  exchange: Exchange,
  own: Route | undefined,
): Promise<Route | undefined> => {
  const { request } = exchange;
  if (others.length === 0 || own === undefined || request.body === null) return own;
  const strictest = find(request, others);
  if (strictest === own) return own;
  const named = await namedIn(exchange, request.body);
  return named === undefined ? strictest : find(request, named);
};

/** The methods that a body names, which stays to be read; undefined where that is not known of it. */
const namedIn = async (
  exchange: Exchange,
  body: ReadableStream<Uint8Array>,
): Promise<readonly string[] | undefined> => {
  const { request } = exchange;
  if (!isPlainText(request.headers)) return undefined;
  const [seen, kept] = body.tee();
  exchange.request = new Request(request, { body: kept });
  const text = await withTimeLimit(readText(seen, MAX_READ), READ_MS).catch(() => undefined);
  return text === undefined ? undefined : methodsInBody(text);
};

/** What no route can serve, by the code in the log. */
const ANSWERS = {
  method_not_allowed: methodNotAllowed,
  host_invalid: badRequest,
  path_ambiguous: badRequest,
  length_invalid: contentTooLarge,
};
type Flaw = keyof typeof ANSWERS;

const refuse = ({ trace }: Exchange, reason: Flaw): Response => {
  trace.outcome = 'invalid';
  trace.reason = reason;
  return ANSWERS[reason]();
};

/** TRACE would show its sender what the origin gets, secrets included. */
const flawOf = ({ method, url, headers }: Request): Flaw | undefined => {
  if (method === 'TRACE' || method === 'TRACK') return 'method_not_allowed';
  if (!PLAIN_URL.test(url) && !isUrl(url)) return 'host_invalid';
  return Number.isSafeInteger(Number(headers.get('content-length'))) ? undefined : 'length_invalid';
};

/** How most URLs begin: this test is cheaper than parsing. */
const PLAIN_URL = /^https?:\/\/[a-z\d-]+(\.[a-z\d-]+)*(:\d{1,4})?\//i;

/**
 * `OPTIONS *` makes a URL without a path, a `Host` with a space one that cannot be parsed. In a `Host` with `\`, `?` or `#` the
 * origin's path would begin, and not where ours does.
 */
const isUrl = (url: string): boolean => HOST_AND_PATH.test(url) && URL.canParse(url);

/** A name or address, as the runtime can ask for it, and a path. */
const HOST_AND_PATH = /^https?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?\//i;
