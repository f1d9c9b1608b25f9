// The last step: to the origin and back, streamed both ways, with identity headers that are ours alone.
import type { Handler } from 'hono';
import { tokenRemover } from '../auth/sources.ts';
import type { WeirOptions } from '../config/options.ts';
import type { Config } from '../config/types.ts';
import { Exchange } from '../exchange.ts';
import { Deadline } from '../lib/deadline.ts';
import { badGateway, gatewayTimeout } from '../problem.ts';
import { mounted } from './mount.ts';
import type { Step } from './step.ts';

/** Carries `ORIGIN_SECRET`, so that the origin can refuse whoever walks around Weir. */
const SECRET_HEADER = 'X-Weir-Secret';

/** Headers that make some origins see another path or method than the one Weir decided about. */
const OVERRIDES = [
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-HTTP-Method',
  'X-HTTP-Method-Override',
  'X-Method-Override',
];

/**
 * Sends the request to the origin and streams its answer back: the handler of whatever `weir()` lets through.
 *
 * @param options as of the `weir()` before it.
 */
export const proxy = (options: WeirOptions = {}): Handler => mounted(options, forward) as Handler;

/** The step that sends requests to the configured origin. */
export const forward = (config: Config): Step => {
  const { timeoutMs, url, forwardAuthorization } = config.origin;
  const prepare = requestMaker(config);
  // Without the token a shared cache no longer sees that the answer was for one caller.
  const options = forwardAuthorization ? undefined : { cache: 'no-store' as const };

  return async function forward(c) {
    const exchange = c.get('exchange') ?? new Exchange(c.req.raw, c.env, c.executionCtx, config.defaultRoute);
    const fetcher = url ? globalThis : (exchange.env.ORIGIN ?? globalThis);
    const deadline = new Deadline(timeoutMs);
    const request = prepare(exchange, deadline);
    try {
      // What is still on its way when the deadline passes ends with the invocation.
      const response = await deadline.race(fetcher.fetch(request, options));
      if (response === undefined) return failed(exchange, 'origin_timeout', gatewayTimeout());
      exchange.trace.forwarded = true;
      // Headers of a fetched response are immutable. A copy keeps its body as it came, encoded, and its WebSocket.
      return new Response(response.body, response);
    } catch {
      return failed(exchange, 'origin_unreachable', badGateway());
    }
  };
};

/**
 * `(exchange, deadline) -> Request`, ready to send. It has the incoming request's signal, so that a client that leaves cancels it
 * (`request_signal_passthrough`), and its redirect mode, which for a Worker is `manual`.
 */
const requestMaker = ({ origin, claimHeaders, tokens: { sources } }: Config) => {
  const targetOf = targetMaker(origin.url);
  // None is to be removed: then there is nothing to look through.
  const tokens = tokenRemover(origin.forwardAuthorization ? [] : sources);
  const forged = new Set(
    [SECRET_HEADER, ...OVERRIDES, ...claimHeaders.map(({ header }) => header), ...tokens.headers].map(plain),
  );

  return (exchange: Exchange, deadline: Deadline): Request => {
    const received = exchange.request;
    const request = withBody(
      new Request(tokens.fromUrl(targetOf(received.url)), received),
      exchange.preflight,
      deadline,
    );
    removeAlike(forged, request.headers);
    tokens.fromCookies(request.headers);
    for (const [name, value] of exchange.identity?.headers ?? []) request.headers.set(name, value);
    if (origin.secret !== undefined) request.headers.set(SECRET_HEADER, origin.secret.reveal());
    return request;
  };
};

/** Parsed before the base path is prepended, so that no `..` of the client's can climb out of it. */
const targetMaker = (origin: URL | undefined) => {
  const base = origin && origin.origin + origin.pathname.replace(/\/+$/, '');
  return (url: string): string => {
    const { href } = new URL(url);
    return base === undefined ? href : base + href.slice(href.indexOf('/', 'https://'.length));
  };
};

/** CGI, WSGI and PHP origins read `X_Auth.Subject` as `X-Auth-Subject`: to them all but letters and digits is alike. */
const plain = (name: string): string => name.toLowerCase().replace(ODD, '-');
const ODD = /[^a-z0-9-]/g;

/** Names come in lower case. Nearly all are plain already: a search is cheaper than a copy. */
const removeAlike = (names: ReadonlySet<string>, headers: Headers): void => {
  const found: string[] = [];
  for (const name of headers.keys())
    if (names.has(name.search(ODD) < 0 ? name : plain(name))) found.push(name);
  for (const name of found) headers.delete(name);
};

/**
 * With its body piped, so that the deadline can start at its end. A preflight goes on without one, and the bodies of GET
 * and HEAD stay where they are: they may be forwarded, but not be set anew.
 */
const withBody = (request: Request, preflight: boolean, deadline: Deadline): Request => {
  const { method } = request;
  const body = preflight || method === 'GET' || method === 'HEAD' ? null : request.body;
  if (body !== null) {
    const length = request.headers.get('content-length');
    return new Request(request, { body: piped(body, length, () => deadline.start()) });
  }
  deadline.start();
  return preflight ? new Request(request, { body: null }) : request;
};

/** `length` keeps its framing: with one the origin gets a Content-Length, without it chunks. */
const piped = (body: ReadableStream, length: string | null, atEnd: () => void): ReadableStream => {
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length));
  // A rejection means that one of the two ends left; the fetch itself tells.
  body.pipeTo(writable).then(atEnd, () => {});
  return readable;
};

/** A client that left does not see the answer, and its leaving is no fault of the origin's. */
const failed = (exchange: Exchange, reason: string, answer: Response): Response => {
  const { trace } = exchange;
  trace.forwarded = false;
  if (exchange.request.signal.aborted) trace.reason = 'client_left';
  else Object.assign(trace, { outcome: 'origin_error', reason });
  return answer;
};
