// RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11 (2026-05-23), sections 3 and 4. Drafts move: only this
// file knows the syntax. Names are printable ASCII without quotes by the limits notation and the names of routes.
import type { Policy } from './policy.ts';

export const RATELIMIT = 'RateLimit';
export const RATELIMIT_POLICY = 'RateLimit-Policy';

/** RFC 9651 integers have at most 15 digits. */
const MAX_INTEGER = 999_999_999_999_999;

const seconds = (ms: number): number => Math.max(0, Math.ceil(ms / 1000));

/** `"10/second";q=10;w=1, "1000/hour";q=1000;w=3600`: constant for a set of policies. */
export const policyField = (policies: readonly Policy[]): string =>
  policies.map(({ name, quota, windowMs }) => `"${name}";q=${quota};w=${seconds(windowMs)}`).join(', ');

/** One item of the `RateLimit` list: `"10/second";r=9;t=1`. */
export const rateLimitItem = (name: string, remaining: number, resetMs: number): string =>
  `"${name}";r=${Math.min(remaining, MAX_INTEGER)};t=${seconds(resetMs)}`;
