// Limits notation -> policies: `10/second; 1000 per hour, 5000/2 days`, as Flask-Limiter reads it.
import type { Issue } from '../lib/issue.ts';
import { type Algorithm, algorithms } from '../limiter/algorithms/index.ts';
import type { Unit } from '../limiter/arithmetic.ts';
import type { Policy, Scope } from '../limiter/policy.ts';

/** Most policies in one list, and on one request. */
export const MAX_POLICIES = 16;

/** RFC 9651 section 3.3.1: an Integer has at most 15 digits. */
const MAX_QUOTA = 999_999_999_999_999;

const SECOND_MS = 1000;
const DAY_MS = 86_400 * SECOND_MS;

/** Flask-Limiter's units: a month is 30 days there and a year 360. */
const UNIT_MS: Readonly<Record<Unit, number>> = {
  second: SECOND_MS,
  minute: 60 * SECOND_MS,
  hour: 3600 * SECOND_MS,
  day: DAY_MS,
  month: 30 * DAY_MS,
  year: 360 * DAY_MS,
};

const MAX_WINDOW_MS = 10 * UNIT_MS.year;

const SEPARATOR = /[,;|]/;
const PART = /^(\d+)\s*(?:\/|per)\s*(?:(\d+)\s*)?(second|minute|hour|day|month|year)s?$/i;

/** The policies of a list; they are complete only where there are no problems. */
export interface ParsedLimits {
  readonly policies: readonly Policy[];
  readonly problems: readonly Issue[];
}

/**
 * Parses `<quota> / [<n>] <unit>` or `<quota> per [<n>] <unit>`, several joined by `,` `;` or `|`. Quotas from 1 to
 * 999,999,999,999,999, windows from 1 second to 10 years (of 360 days), each window once, at most 16 in a list.
 */
export const parseLimits = (text: string, scope: Scope, algorithm: Algorithm): ParsedLimits => {
  const policies: Policy[] = [];
  const problems: Issue[] = [];
  for (const part of text.split(SEPARATOR).map((each) => each.trim())) {
    const policy = parsePart(part, scope, algorithm);
    const expected = policy ? expectedOf(policy, policies) : '`<quota>/<unit>`';
    if (expected !== undefined) problems.push({ expected, got: part });
    else if (policy) policies.push(policy);
  }
  return { policies, problems: problems.concat(tooMany(policies.length) ?? []) };
};

/** The issue with so many policies on one request; undefined where they are few enough. */
export const tooMany = (count: number): Issue | undefined =>
  count > MAX_POLICIES
    ? { expected: `at most ${MAX_POLICIES} policies on one request`, got: count }
    : undefined;

/** Undefined where it is no `<quota>/<unit>`. */
const parsePart = (part: string, scope: Scope, algorithm: Algorithm): Policy | undefined => {
  const [, digits, multiple, word] = PART.exec(part) ?? [];
  if (digits === undefined || word === undefined) return undefined;
  const quota = Number(digits);
  const count = Number(multiple ?? 1);
  const unit = word.toLowerCase() as Unit;
  const windowMs = count * UNIT_MS[unit];
  const name = `${prefixOf(scope)}${quota}/${count === 1 ? unit : `${count}${unit}s`}`;
  const window = algorithms[algorithm].calendar ? `${count}${unit}` : windowMs;
  return { name, counter: `${scope}:${algorithm}:${window}`, algorithm, quota, windowMs, count, unit };
};

/** The caller's own policies stand bare; whoever else sets one is named. */
const prefixOf = (scope: Scope): string => (scope === 'default' || scope === 'anonymous' ? '' : `${scope}:`);

/** What was expected instead, if `policy` cannot stand after `earlier`. */
const expectedOf = (policy: Policy, earlier: readonly Policy[]): string | undefined => {
  const { quota, windowMs } = policy;
  if (quota < 1 || quota > MAX_QUOTA) return `a quota from 1 to ${MAX_QUOTA}`;
  if (windowMs < 1 || windowMs > MAX_WINDOW_MS) return 'a window from 1 second to 10 years';
  const twin = earlier.find((other) => sameWindow(other, policy));
  return algorithms[policy.algorithm].unfit(policy) ?? (twin && `each window once, beside \`${twin.name}\``);
};

/** In the calendar a month is not 30 days, so these two may stand side by side. */
const sameWindow = (a: Policy, b: Policy): boolean =>
  a.windowMs === b.windowMs &&
  (!algorithms[a.algorithm].calendar || isMonthOrYear(a.unit) === isMonthOrYear(b.unit));

const isMonthOrYear = (unit: Unit): boolean => unit === 'month' || unit === 'year';
