// RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11 (2026-05-23), sections 3 and 4. Drafts move: only this
// file knows the syntax. Names are printable ASCII without quotes by the limits notation and the names of routes.
import type { Policy } from '../limiter/policy.ts';

/** What is left to a caller, as both fields say it. */
export interface Quota {
  /** Value of `RateLimit-Policy`. */
  readonly policies: string;
  /** Value of `RateLimit`. */
  readonly limits: string;
}

/** Beside those of the origin, if it has any: ours never loosen them. */
export const addFields = (headers: Headers, { policies, limits }: Quota): void => {
  headers.append('RateLimit-Policy', policies);
  headers.append('RateLimit', limits);
};

/** RFC 9651 integers have at most 15 digits. */
const MAX_INTEGER = 999_999_999_999_999;

const seconds = (ms: number): number => Math.max(0, Math.ceil(ms / 1000));

/** `"10/second";q=10;w=1, "1000/hour";q=1000;w=3600`: constant for a set of policies. */
export const policyField = (policies: readonly Policy[]): string =>
  policies.map(({ name, quota, windowMs }) => `"${name}";q=${quota};w=${seconds(windowMs)}`).join(', ');

/** One item of the `RateLimit` list: `"10/second";r=9;t=1`. */
export const rateLimitItem = (name: string, remaining: number, resetMs: number): string =>
  `"${name}";r=${Math.min(remaining, MAX_INTEGER)};t=${seconds(resetMs)}`;
