// Our own responses: RFC 9457 problem details that never say why.

const REGISTRY = 'https://iana.org/assignments/http-problem-types#';

/** A response of ours. `members` extend the body (RFC 9457 section 3.2). */
export const problem = (
  status: number,
  type: string,
  title: string,
  headers: Record<string, string> = {},
  members: Record<string, unknown> = {},
): Response =>
  new Response(JSON.stringify({ type, title, status, ...members }), {
    status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...headers },
  });

/** RFC 6750 section 3: no error code where no token was given, `invalid_token` for any token not accepted. */
export const unauthorized = (host: string, tokenGiven: boolean): Response =>
  problem(401, 'about:blank', 'Unauthorized', {
    'WWW-Authenticate': `Bearer realm="${host}"${tokenGiven ? ', error="invalid_token"' : ''}`,
  });

/** RFC 6750 section 3.1: the token is good, but lacks a scope. */
export const forbidden = (host: string): Response =>
  problem(403, 'about:blank', 'Forbidden', {
    'WWW-Authenticate': `Bearer realm="${host}", error="insufficient_scope"`,
  });

/** RFC 6585 section 4, with the policies that denied. `retryAfterMs` is rounded up to whole seconds. */
export const quotaExceeded = (
  retryAfterMs: number,
  violatedPolicies: readonly string[],
  headers: Record<string, string>,
): Response =>
  problem(
    429,
    `${REGISTRY}quota-exceeded`,
    'Quota Exceeded',
    { 'Retry-After': wholeSeconds(retryAfterMs), ...headers },
    { 'violated-policies': violatedPolicies },
  );

/** An address fails authentication too often, or a subject's use is unusual. */
export const abnormalUsage = (retryAfterMs: number): Response =>
  problem(429, `${REGISTRY}abnormal-usage-detected`, 'Abnormal Usage Detected', {
    'Retry-After': wholeSeconds(retryAfterMs),
  });

/** No key set to be had, or the Limiter is down and the failure policy is `closed`. */
export const reducedCapacity = (retryAfterMs: number): Response =>
  problem(503, `${REGISTRY}temporary-reduced-capacity`, 'Temporary Reduced Capacity', {
    'Retry-After': wholeSeconds(retryAfterMs),
  });

export const badRequest = (): Response => problem(400, 'about:blank', 'Bad Request');
export const badGateway = (): Response => problem(502, 'about:blank', 'Bad Gateway');
export const gatewayTimeout = (): Response => problem(504, 'about:blank', 'Gateway Timeout');
export const internalError = (): Response => problem(500, 'about:blank', 'Internal Server Error');

/** Seconds at the HTTP edge: at least 1, rounded up, so that a client never comes back too early. */
const wholeSeconds = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1000)));
