// CORS: lets a browser's script read refusals that the origin never saw, and our fields in the origin's answers.
import type { Config } from '../config/types.ts';
import { fieldNames } from '../quota/fields.ts';
import type { Step } from './step.ts';

/** Fields of a refusal that scripts could not read otherwise (Fetch standard, section 3.3.3), beside those of the quota. */
const EXPOSED = ['Retry-After', 'WWW-Authenticate'];

/**
 * Adds to every response of ours what `CORS_ORIGINS` allows, and nothing to the origin's, which has its own say.
 * The fields depend on the request's `Origin` alone: they tell one refusal from another as little as the rest does.
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
 * Lets the pages that may read the origin's answer read our fields in it, beside what the origin exposes. An origin that
 * exposes `*` to pages without credentials has done so.
 */
export const exposeFields = (headers: Headers, mode: Config['rateLimitHeaders']): void => {
  if (mode === 'none' || !headers.has('Access-Control-Allow-Origin')) return;
  const exposed = headers.get('Access-Control-Expose-Headers') ?? '';
  if (/(^|,)\s*\*\s*(,|$)/.test(exposed) && !headers.has('Access-Control-Allow-Credentials')) return;
  headers.append('Access-Control-Expose-Headers', fieldNames(mode).join(', '));
};

/** Credentials are let in only for an origin named in full; browsers refuse them with `*`. */
const allow = (headers: Headers, origin: string, exposed: string): void => {
  headers.set('Access-Control-Allow-Origin', origin);
  headers.set('Access-Control-Expose-Headers', exposed);
  if (origin !== '*') headers.set('Access-Control-Allow-Credentials', 'true');
};
