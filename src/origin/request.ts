// The request that the origin gets, made from the client's.
import { tokenRemover } from '../auth/sources.ts';
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { claimRemover, removeHopByHop, SECRET_HEADER, setForwarded } from './headers.ts';
import { handedOn, type Progress } from './upload.ts';

/**
 * `(exchange, progress) -> Request`, ready to send. It has the incoming request's signal, so that a client that leaves
 * cancels it (`request_signal_passthrough`), and its redirect mode, which for a Worker is `manual`.
 */
export const requestMaker = (config: Config) => {
  const { origin, claimHeaders, tokens } = config;
  const target = targetMaker(origin.url);
  // Where tokens are forwarded, nothing is removed, and nothing searched.
  const removed = tokenRemover(origin.forwardAuthorization ? [] : tokens.sources);
  const removeClaims = claimRemover([...claimHeaders.map(({ header }) => header), ...removed.headers]);

  return (exchange: Exchange, progress: Progress): Request => {
    const received = exchange.request;
    const url = removed.fromUrl(received.url);
    const request = withBody(target(url, received), exchange.preflight, origin.uploadIdleMs, progress);
    const { headers } = request;
    const address = received.headers.get('CF-Connecting-IP');
    removeHopByHop(headers);
    removeClaims(headers, address);
    removed.fromCookies(headers);
    setForwarded(headers, publicOriginOf(received.url), address);
    for (const [name, value] of exchange.identity?.headers ?? []) headers.set(name, value);
    if (origin.secret !== undefined) headers.set(SECRET_HEADER, origin.secret.reveal());
    return request;
  };
};

/** `https://api.example.com`: where the client sent its request. */
export const publicOriginOf = (url: string): string => url.slice(0, url.indexOf('/', url.indexOf('://') + 3));

/**
 * With the path and query as they came. A URL that is put together anew is parsed and rewritten by the runtime (`'` in
 * a query becomes `%27`), so one that needs no other host is left alone. For `ORIGIN_URL` it is parsed before the base
 * path is prepended, so that no `..` of the client's can climb out of it.
 */
const targetMaker = (origin: URL | undefined) => {
  const base = origin && origin.origin + origin.pathname.replace(/\/+$/, '');
  return (url: string, received: Request): Request => {
    if (base === undefined) return url === received.url ? new Request(received) : new Request(url, received);
    const { href } = new URL(url);
    return new Request(base + href.slice(href.indexOf('/', 'https://'.length)), received);
  };
};

/**
 * The request with its body piped, so that we learn when it ends. A preflight goes on without a body; those of GET and HEAD
 * stay where they are, since they may be forwarded but not set anew.
 */
const withBody = (request: Request, preflight: boolean, idleMs: number, progress: Progress): Request => {
  const { method } = request;
  const body = preflight || method === 'GET' || method === 'HEAD' ? null : request.body;
  if (body !== null) {
    const length = request.headers.get('content-length');
    return new Request(request, {
      body: handedOn(body, length === null ? undefined : Number(length), idleMs, progress),
    });
  }
  progress.atEnd();
  return preflight ? new Request(request, { body: null }) : request;
};
