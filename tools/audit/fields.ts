// Reads what a response says of limits: RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11), Retry-After.
import { parseList } from 'structured-headers';
import { type Exchange, header } from './http/client.ts';

/** One policy as the response describes it. */
export interface FieldItem {
  readonly name: string;
  readonly remaining: number;
  readonly resetSeconds: number | undefined;
  readonly quota: number | undefined;
  readonly windowSeconds: number | undefined;
}

export type Fields =
  | { readonly ok: true; readonly items: readonly FieldItem[] }
  | { readonly ok: false; readonly problem: string };

/** The fields of the current draft, or what is wrong with them. `RateLimit` may stand alone, as in the draft's own 429. */
export const readFields = (exchange: Exchange): Fields => {
  const limit = header(exchange, 'ratelimit');
  const policy = header(exchange, 'ratelimit-policy');
  if (limit === undefined) return problem(absence(exchange, policy));
  if (/^\s*(?:limit|remaining|reset)\s*=/i.test(limit))
    return problem(`the syntax of an earlier draft (${limit})`);
  try {
    return { ok: true, items: join(limit, policy) };
  } catch (error) {
    return problem(error instanceof Error ? error.message : 'unreadable');
  }
};

const problem = (text: string): Fields => ({ ok: false, problem: text });

const absence = (exchange: Exchange, policy: string | undefined): string => {
  if (policy !== undefined)
    return `RateLimit-Policy alone (${policy}): it declares the quota, not what remains of it`;
  const old = exchange.headers.map(([name]) => name).filter((name) => /^(x-)?rate-?limit-/i.test(name));
  return old.length > 0
    ? `only fields of other syntaxes (${old.join(', ')})`
    : 'no RateLimit and RateLimit-Policy';
};

/** What counts requests in flight is no quota that is spent, and none of them. */
const join = (limit: string, policy: string | undefined): FieldItem[] => {
  const policies = new Map(
    parseList(policy ?? '').map(([name, parameters]) => [stringItem(name), parameters]),
  );
  const overWindows = parseList(limit).filter(
    ([item]) => policies.get(String(item))?.get('qu') !== 'concurrent-requests',
  );
  return overWindows.map(([item, parameters]) => {
    const name = stringItem(item);
    const declared = policies.get(name);
    if (policy !== undefined && declared === undefined)
      throw new Error(`RateLimit names "${name}", RateLimit-Policy does not`);
    return {
      name,
      remaining: integer(parameters.get('r'), 'r'),
      resetSeconds: optional(parameters.get('t'), 't'),
      quota: declared && integer(declared.get('q'), 'q'),
      windowSeconds: optional(declared?.get('w'), 'w'),
    };
  });
};

const stringItem = (item: unknown): string => {
  if (typeof item !== 'string') throw new Error('an item is not a String');
  return item;
};

const integer = (value: unknown, name: string): number => {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw new Error(`parameter ${name} is not an Integer`);
  return value;
};

const optional = (value: unknown, name: string): number | undefined =>
  value === undefined ? undefined : integer(value, name);

/** Seconds that `Retry-After` asks for (RFC 9110 section 10.2.3), undefined where it is absent or unreadable. */
export const retryAfterSeconds = (exchange: Exchange, nowMs = Date.now()): number | undefined => {
  const value = header(exchange, 'retry-after');
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const date = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - nowMs) / 1000));
};
