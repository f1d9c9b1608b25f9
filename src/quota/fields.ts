// RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11 (2026-05-23), sections 3 and 4. Drafts move: only this
// file knows the syntax. Names are printable ASCII without quotes by the limits notation and the names of routes.
import { isUneven, type Policy, type SlotPolicy, windowLength } from '../limiter/policy.ts';

/** What is left to a caller, as the fields say it. */
export interface Quota {
  /** Value of `RateLimit-Policy`. */
  readonly policies: string;
  /** Value of `RateLimit`. */
  readonly limits: string;
  /** The policy over a window that is nearest its end; undefined where there is none. */
  readonly nearest: Left | undefined;
}

/** What is left of one policy. */
export interface Left {
  readonly quota: number;
  readonly remaining: number;
  /** Milliseconds since the epoch. */
  readonly resetsAt: number;
}

/** One way to tell a caller what is left. */
interface Fields {
  /** For browsers, whose scripts read no other (Fetch standard, section 3.3.3). */
  readonly names: readonly string[];
  add(headers: Headers, quota: Quota): void;
}

/**
 * Beside those of the origin, if they are Lists of Strings: ours never loosen them. Fields of an older draft are replaced,
 * since no parser reads a mixture.
 */
const standard: Fields = {
  names: ['RateLimit', 'RateLimit-Policy'],
  add(headers, { policies, limits }) {
    addList(headers, 'RateLimit-Policy', policies);
    addList(headers, 'RateLimit', limits);
  },
};

const addList = (headers: Headers, name: string, value: string): void => {
  const own = headers.get(name);
  headers.set(name, own !== null && LIST_OF_STRINGS.test(own) ? `${own}, ${value}` : value);
};

const STRING = String.raw`"(?:[ !#-[\]-~]|\\["\\])*"`;
const PARAMETER = String.raw`; *[a-z*][a-z\d_.*-]*(?:=(?:${STRING}|[^\s;,"]+))?`;
const ITEM = `${STRING}(?:${PARAMETER})*`;
/** RFC 9651 sections 3.1 and 3.3.3. */
const LIST_OF_STRINGS = new RegExp(`^${ITEM}(?:[ \t]*,[ \t]*${ITEM})*$`);

/** What APIs commonly sent before there was a draft. Each may stand once, so the stricter of ours and the origin's does. */
const legacy: Fields = {
  names: ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'],
  add(headers, { nearest }) {
    if (nearest === undefined) return;
    const { quota, remaining, resetsAt } = nearest;
    const ofOrigin = headers.get('X-RateLimit-Remaining');
    if (ofOrigin !== null && Number(ofOrigin) <= remaining) return;
    headers.set('X-RateLimit-Limit', String(quota));
    headers.set('X-RateLimit-Remaining', String(remaining));
    headers.set('X-RateLimit-Reset', String(seconds(resetsAt)));
  },
};

/** By the words of `RATELIMIT_HEADERS`. */
export const FIELDS = { standard: [standard], legacy: [legacy], both: [standard, legacy], none: [] } as const;

/** The names of the fields that are sent. */
export const fieldNames = (mode: keyof typeof FIELDS): readonly string[] =>
  FIELDS[mode].flatMap(({ names }) => names);

export const addFields = (headers: Headers, quota: Quota, mode: keyof typeof FIELDS): void => {
  for (const fields of FIELDS[mode]) fields.add(headers, quota);
};

/** RFC 9651 integers have at most 15 digits. */
const MAX_INTEGER = 999_999_999_999_999;

const seconds = (ms: number): number => Math.max(0, Math.ceil(ms / 1000));

/**
 * `"10/second";q=10;w=1, "5 at once";q=5;qu="concurrent-requests"`.
 *
 * @param now needed only of calendar windows, which differ in length.
 */
export const policyField = (policies: readonly (Policy | SlotPolicy)[], now = 0): string =>
  policies.map((policy) => policyItem(policy, now)).join(', ');

/** The same where it never changes; undefined where some window's length does. */
export const constantPolicyField = (policies: readonly Policy[]): string | undefined =>
  policies.some(isUneven) ? undefined : policyField(policies);

const policyItem = (policy: Policy | SlotPolicy, now: number): string =>
  'slots' in policy
    ? `"${policy.name}";q=${policy.slots};qu="concurrent-requests"`
    : `"${policy.name}";q=${policy.quota};w=${seconds(windowLength(policy, now))}`;

/** Of requests in flight, which end when they end: no time says when more may be sent. */
export const slotItem = (name: string, free: number): string => `"${name}";r=${free}`;

/**
 * One item of the `RateLimit` list: `"10/second";r=9;t=1`. What is lent is charged ahead, so `resetMs` may be more than the
 * window, which is all that `t` may say; `Retry-After` says what is so.
 */
export const rateLimitItem = (
  name: string,
  remaining: number,
  resetMs: number,
  windowMs = Number.POSITIVE_INFINITY,
): string => `"${name}";r=${Math.min(remaining, MAX_INTEGER)};t=${seconds(Math.min(resetMs, windowMs))}`;
