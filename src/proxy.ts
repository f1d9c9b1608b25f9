// The last step: to the origin and back, streamed both ways, with identity headers that are ours alone.
import type { Context } from 'hono';
import type { Config } from './config.ts';
import { Deadline } from './deadline.ts';
import type { Env } from './env.ts';
import { badGateway, gatewayTimeout } from './problem.ts';

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

export const proxy = (config: Config) => {
  const { timeoutMs, url } = config.origin;
  const prepare = requestMaker(config);

  return async function proxy(c: Context<Env>): Promise<Response> {
    const deadline = new Deadline(timeoutMs);
    const fetcher = url ? globalThis : (c.env.ORIGIN ?? globalThis);
    const request = prepare(c, deadline);
    try {
      const response = await fetcher.fetch(request);
      c.set('forwarded', true);
      // Headers of a fetched response are immutable. A copy keeps its body as it came, encoded, and its WebSocket.
      return new Response(response.body, response);
    } catch {
      return failed(c, deadline.passed);
    } finally {
      deadline.clear();
    }
  };
};

/** `(c, deadline) -> Request`, ready to send. */
const requestMaker = ({ origin, claimHeaders }: Config) => {
  const targetOf = targetMaker(origin.url);
  const forged = new Set(
    [SECRET_HEADER, ...OVERRIDES, ...claimHeaders.map(({ header }) => header)].map(plain),
  );
  if (!origin.forwardAuthorization) forged.add('authorization');
  // Without the token a shared cache no longer sees that the answer was for one caller.
  const cache = origin.forwardAuthorization ? {} : { cache: 'no-store' as const };

  return (c: Context<Env>, deadline: Deadline): Request => {
    const { raw } = c.req;
    const request = new Request(new Request(targetOf(raw.url), raw), {
      ...bodyOf(c, deadline),
      redirect: 'manual',
      signal: AbortSignal.any([raw.signal, deadline.signal]),
      ...cache,
    });
    removeAlike(forged, request.headers);
    for (const [name, value] of c.get('identity')?.headers ?? []) request.headers.set(name, value);
    if (origin.secret !== undefined) request.headers.set(SECRET_HEADER, origin.secret);
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
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-');

const removeAlike = (names: ReadonlySet<string>, headers: Headers): void => {
  for (const name of [...headers.keys()]) if (names.has(plain(name))) headers.delete(name);
};

/**
 * The body, piped, so that the deadline can start at its end. A preflight goes on without one, and the bodies of GET and
 * HEAD stay where they are: they may be forwarded, but not be set anew.
 */
const bodyOf = (c: Context<Env>, deadline: Deadline): { body?: ReadableStream | null } => {
  const { body, headers, method } = c.req.raw;
  if (body !== null && !c.get('preflight') && method !== 'GET' && method !== 'HEAD') {
    return { body: piped(body, headers.get('content-length'), deadline.start) };
  }
  deadline.start();
  return c.get('preflight') ? { body: null } : {};
};

/** `length` keeps its framing: with one the origin gets a Content-Length, without it chunks. */
const piped = (body: ReadableStream, length: string | null, atEnd: () => void): ReadableStream => {
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length));
  // A rejection means that one of the two ends left; the fetch itself tells.
  body.pipeTo(writable).then(atEnd, () => {});
  return readable;
};

/** 504 or 502. A client that left sees neither, and its leaving is no fault of the origin's. */
const failed = (c: Context<Env>, late: boolean): Response => {
  const trace = c.get('trace');
  if (c.req.raw.signal.aborted) {
    trace.reason = 'client_left';
    return badGateway();
  }
  trace.outcome = 'origin_error';
  trace.reason = late ? 'origin_timeout' : 'origin_unreachable';
  return late ? gatewayTimeout() : badGateway();
};
