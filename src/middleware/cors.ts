// CORS: lets a browser's script read refusals that the origin never saw, and our fields in the origin's answers.
import type { Config } from '../config/types.ts';
import { fieldNames } from '../quota/fields.ts';
import type { Step } from './step.ts';

/** Fields of a refusal that scripts could not read otherwise (Fetch standard, section 3.3.3), beside the RateLimit fields. */
const EXPOSED = ['Retry-After', 'WWW-Authenticate'];

/**
 * Adds CORS headers for `CORS_ORIGINS` to our own responses; the origin decides about its own. They depend on nothing but
 * the request's `Origin`, so they do not tell one refusal from another.
 */
export const cors = ({ corsOrigins, rateLimitHeaders }: Config): Step => {
  if (corsOrigins.length === 0) return (_c, next) => next();
  const any = corsOrigins.includes('*');
  const exposed = [...fieldNames(rateLimitHeaders), ...EXPOSED].join(', ');
  return async function cors(c, next) {
    const { request, trace } = c.get('exchange');
    await next();
    if (trace.forwarded) return;
    const { headers } = c.res;
    const origin = request.headers.get('Origin');
    if (any) allow(headers, '*', exposed);
    else headers.append('Vary', 'Origin');
    if (!any && origin !== null && corsOrigins.includes(origin)) allow(headers, origin, exposed);
  };
};

/**
 * Lets pages that may read the origin's answer read our fields in it too. There is nothing to do where the origin exposes
 * `*` to pages without credentials.
 */
export const exposeFields = (headers: Headers, mode: Config['rateLimitHeaders']): void => {
  if (mode === 'none' || !headers.has('Access-Control-Allow-Origin')) return;
  const exposed = headers.get('Access-Control-Expose-Headers') ?? '';
  if (/(^|,)\s*\*\s*(,|$)/.test(exposed) && !headers.has('Access-Control-Allow-Credentials')) return;
  headers.append('Access-Control-Expose-Headers', fieldNames(mode).join(', '));
};

/** Allows credentials only for an origin named in full: browsers refuse them with `*`. */
const allow = (headers: Headers, origin: string, exposed: string): void => {
  headers.set('Access-Control-Allow-Origin', origin);
  headers.set('Access-Control-Expose-Headers', exposed);
  if (origin !== '*') headers.set('Access-Control-Allow-Credentials', 'true');
};
