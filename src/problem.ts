// Our own responses: RFC 9457 problem details that never say why.

const REGISTRY = 'https://iana.org/assignments/http-problem-types#';

/** Of types that the registry does not have: a heading of the README. */
const OWN = 'https://www.npmjs.com/package/weir-edge#';

/** Reason phrases of the statuses that we answer with. */
export const TITLES = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
} as const;

export type Status = keyof typeof TITLES;

type Headers = Readonly<Record<string, string>>;

/** A response of our own, which no cache may keep. */
export const answer = (status: number, type: string, body: string, headers: Headers = {}): Response =>
  new Response(body, { status, headers: { 'Content-Type': type, 'Cache-Control': 'no-store', ...headers } });

/** RFC 9457 problem details. `members` extend the body (section 3.2). */
const problem = (
  status: number,
  type: string,
  title: string,
  headers?: Headers,
  members?: object,
): Response =>
  answer(status, 'application/problem+json', JSON.stringify({ type, title, status, ...members }), headers);

/** Says no more than its status (RFC 9457 section 4.2.1). */
export const plain = (status: Status, headers?: Headers, members?: object): Response =>
  problem(status, 'about:blank', TITLES[status], headers, members);

/** A temporary problem of the registry, by its title there. `Retry-After` is rounded up, so it is never too early. */
const temporary = (status: number, title: string, retryAfterMs: number, members?: object): Response => {
  const type = REGISTRY + title.toLowerCase().replaceAll(' ', '-');
  const seconds = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return problem(status, type, title, { 'Retry-After': seconds }, members);
};

const challenge = (status: 401 | 403, host: string, error: string): Response =>
  plain(status, { 'WWW-Authenticate': `Bearer realm="${host}"${error && `, error="${error}"`}` });

/** RFC 6750 section 3: no error code where no token was given, `invalid_token` for any token not accepted. */
export const unauthorized = (host: string, tokenGiven: boolean): Response =>
  challenge(401, host, tokenGiven ? 'invalid_token' : '');

/** RFC 6750 section 3.1: the token is good, but lacks a scope. */
export const forbidden = (host: string): Response => challenge(403, host, 'insufficient_scope');

/** RFC 6585 section 4, with the policies that denied. */
export const quotaExceeded = (retryAfterMs: number, violatedPolicies: readonly string[]): Response =>
  temporary(429, 'Quota Exceeded', retryAfterMs, { 'violated-policies': violatedPolicies });

/** As many requests as may be are in flight. Nobody knows when one of them ends, so there is no Retry-After. */
export const concurrencyLimitExceeded = (violatedPolicies: readonly string[]): Response =>
  problem(
    429,
    `${OWN}concurrency-limit-exceeded`,
    'Concurrency Limit Exceeded',
    {},
    {
      'violated-policies': violatedPolicies,
    },
  );

/** For an upgrade where requests in flight are counted: nobody can tell when a WebSocket ends. */
export const upgradeRefused = (): Response => plain(501);

/** An address fails authentication too often, or a subject's use is unusual. */
export const abnormalUsage = (retryAfterMs: number): Response =>
  temporary(429, 'Abnormal Usage Detected', retryAfterMs);

/** No key set is available, or the Limiter is down and the failure policy is `closed`. */
export const reducedCapacity = (retryAfterMs: number): Response =>
  temporary(503, 'Temporary Reduced Capacity', retryAfterMs);

export const badRequest = (): Response => plain(400);
export const requestTimeout = (): Response => plain(408);
export const contentTooLarge = (): Response => plain(413);

/** For TRACE (RFC 9110 section 9.3.8). */
export const methodNotAllowed = (): Response =>
  plain(405, { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' });

export const badGateway = (): Response => plain(502);
export const gatewayTimeout = (): Response => plain(504);
export const internalError = (): Response => plain(500);

/** For an uncaught error: 400 where the request's `Host` makes no URL, which is the client's fault; else an unexplained 500. */
export const uncaughtError = (url: string): Response => (URL.canParse(url) ? internalError() : badRequest());
