// Limits notation -> policies: `10/second; 1000 per hour, 5000/2 days by org.id`, as Flask-Limiter reads it, with keys, and
// `5 at once` for requests in flight.
import type { Issue } from '../lib/issue.ts';
import { type Algorithm, algorithms } from '../limiter/algorithms/index.ts';
import type { Unit } from '../limiter/arithmetic.ts';
import { type Key, readKey, writtenKey } from '../partition.ts';
import { type Scope, termsOf } from './scopes.ts';
import type { KeyedPolicy, KeyedSlotPolicy } from './types.ts';

/** Most policies in one list, and on one request. */
export const MAX_POLICIES = 16;

/** RFC 9651 section 3.3.1: an Integer has at most 15 digits. */
const MAX_QUOTA = 999_999_999_999_999;

/** A Limiter keeps a line for every request in flight. */
const MAX_SLOTS = 10_000;

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

/** As they are written, each also in the plural. */
export const UNIT_NAMES = Object.keys(UNIT_MS);

const MAX_WINDOW_MS = 10 * UNIT_MS.year;

const SEPARATOR = /[,;|]/;
const PART = /^(\d+)\s*(?:\/|per)\s*(?:(\d+)\s*)?(second|minute|hour|day|month|year)s?(?:\s+by\s+(\S+))?$/i;
const SLOTS = /^(\d+)\s+at\s+once(?:\s+by\s+(\S+))?$/i;

/** The policies of a list; they are complete only where there are no problems. */
interface ParsedLimits {
  readonly policies: readonly KeyedPolicy[];
  /** Those of requests in flight. */
  readonly slots: readonly KeyedSlotPolicy[];
  readonly problems: readonly Issue[];
}

/** What policies of a list may count by. */
export interface KeyTerms {
  /** Where the notation does not say. Default: as the scope has it. */
  readonly key?: Key;
  /** The pattern whose `:name`s may be counted by; unset outside of routes. */
  readonly match?: string;
}

/** What holds for every policy of a list. */
interface Terms extends KeyTerms {
  readonly scope: Scope;
  readonly algorithm: Algorithm;
}

/**
 * Parses `<quota> / [<n>] <unit> [by <key>]`, `<quota> per [<n>] <unit> [by <key>]` or `<n> at once [by <key>]`, several
 * joined by `,` `;` or `|`; `none` is a list without any. Quotas from 1 to 999,999,999,999,999, windows from 1 second to
 * 10 years (of 360 days), each window once for each key; 1 to 10,000 at once, once for each key; at most 16 in a list.
 */
export const parseLimits = (
  text: string,
  scope: Scope,
  algorithm: Algorithm,
  keyTerms: KeyTerms = {},
): ParsedLimits => {
  const terms = { scope, algorithm, ...keyTerms };
  const policies: KeyedPolicy[] = [];
  const slots: KeyedSlotPolicy[] = [];
  const problems: Issue[] = [];
  if (isNone(text)) return { policies, slots, problems };
  for (const part of text.split(SEPARATOR).map((each) => each.trim())) {
    const policy = parsePart(part, terms);
    const expected = typeof policy === 'string' ? policy : expectedOf(policy, policies, slots);
    if (expected !== undefined) problems.push({ expected, got: part });
    else if (typeof policy === 'string') continue;
    else if ('slots' in policy) slots.push(policy);
    else policies.push(policy);
  }
  return { policies, slots, problems: problems.concat(tooMany(policies.length + slots.length) ?? []) };
};

/** A list of no limits. */
export const isNone = (text: string): boolean => text.trim().toLowerCase() === 'none';

/** The issue with so many policies on one request; undefined where they are few enough. */
export const tooMany = (count: number): Issue | undefined =>
  count > MAX_POLICIES
    ? { expected: `at most ${MAX_POLICIES} policies on one request`, got: count }
    : undefined;

/** The policy, or what was expected instead of it. */
const parsePart = (part: string, terms: Terms): KeyedPolicy | KeyedSlotPolicy | string =>
  /at\s+once/i.test(part) ? parseSlots(part, terms) : parseWindow(part, terms);

const parseSlots = (part: string, terms: Terms): KeyedSlotPolicy | string => {
  const [, digits, by] = SLOTS.exec(part) ?? [];
  if (digits === undefined) return '`<n> at once`';
  const counted = readCounted(by, terms);
  if (typeof counted === 'string') return counted;
  const { key, prefix, written } = counted;
  const slots = Number(digits);
  return {
    name: `${prefix}${slots} at once${written}`,
    counter: `${terms.scope}${written}:at-once`,
    slots,
    key,
    own: isOwn(key, terms),
  };
};

/** Whether a policy is one of its partition's own: an operator's other limits stand in place of those over windows. */
const isOwn = (key: Key, { scope }: Terms): boolean => termsOf(scope).own || key.kind === 'param';

/** Whom a policy counts, and what its name has of that. */
interface Counted {
  readonly key: Key;
  readonly prefix: string;
  readonly written: string;
}

/** @param by what stands after `by`. @returns what was expected instead, where it is no key. */
const readCounted = (by: string | undefined, terms: Terms): Counted | string => {
  const { key: usual, keyed, named } = { ...termsOf(terms.scope), ...(terms.key && { key: terms.key }) };
  const key = by === undefined ? usual : readKey(by, terms.match);
  if (key === undefined) return EXPECTED_KEY;
  if (!keyed && key.kind !== usual.kind) return `no other key than \`${writtenKey(usual)}\``;
  const written = writtenKey(key) === writtenKey(termsOf(terms.scope).key) ? '' : ` by ${writtenKey(key)}`;
  return { key, prefix: named ? `${terms.scope}:` : '', written };
};

const parseWindow = (part: string, terms: Terms): KeyedPolicy | string => {
  const [, digits, multiple, word, by] = PART.exec(part) ?? [];
  if (digits === undefined || word === undefined) return '`<quota>/<unit>`';
  const counted = readCounted(by, terms);
  if (typeof counted === 'string') return counted;
  const { key, prefix, written } = counted;
  const quota = Number(digits);
  const count = Number(multiple ?? 1);
  const unit = word.toLowerCase() as Unit;
  const windowMs = count * UNIT_MS[unit];
  const window = `${quota}/${count === 1 ? unit : `${count}${unit}s`}`;
  return {
    name: `${prefix}${window}${written}`,
    counter: counterOf(terms, written, algorithms[terms.algorithm].calendar ? `${count}${unit}` : windowMs),
    algorithm: terms.algorithm,
    quota,
    windowMs,
    count,
    unit,
    key,
    own: isOwn(key, terms),
  };
};

const EXPECTED_KEY =
  'a key after `by`: `subject`, `route`, `address`, `everyone`, a claim such as `org.id`, or a `:name` of the route’s own `match`';

/** A counter by the scope's usual key has the name that it had before there were others. */
const counterOf = ({ scope, algorithm }: Terms, written: string, window: string | number): string =>
  `${scope}${written}:${algorithm}:${window}`;

/** What was expected instead, if `policy` cannot stand after `earlier`. */
const expectedOf = (
  policy: KeyedPolicy | KeyedSlotPolicy,
  earlier: readonly KeyedPolicy[],
  slots: readonly KeyedSlotPolicy[],
): string | undefined =>
  'slots' in policy ? expectedOfSlots(policy, slots) : expectedOfWindow(policy, earlier);

const expectedOfSlots = (
  { slots, counter }: KeyedSlotPolicy,
  earlier: readonly KeyedSlotPolicy[],
): string | undefined => {
  if (slots < 1 || slots > MAX_SLOTS) return `from 1 to ${MAX_SLOTS} at once`;
  const twin = earlier.find((other) => other.counter === counter);
  return twin && `\`at once\` once for each key, beside \`${twin.name}\``;
};

const expectedOfWindow = (policy: KeyedPolicy, earlier: readonly KeyedPolicy[]): string | undefined => {
  const { quota, windowMs } = policy;
  if (quota < 1 || quota > MAX_QUOTA) return `a quota from 1 to ${MAX_QUOTA}`;
  if (windowMs < 1 || windowMs > MAX_WINDOW_MS) return 'a window from 1 second to 10 years';
  const twin = earlier.find((other) => sameWindow(other, policy));
  return algorithms[policy.algorithm].unfit(policy) ?? (twin && `each window once, beside \`${twin.name}\``);
};

/** In the calendar a month is not 30 days, so these two may stand side by side. */
const sameWindow = (a: KeyedPolicy, b: KeyedPolicy): boolean =>
  writtenKey(a.key) === writtenKey(b.key) &&
  a.windowMs === b.windowMs &&
  (!algorithms[a.algorithm].calendar || isMonthOrYear(a.unit) === isMonthOrYear(b.unit));

const isMonthOrYear = (unit: Unit): boolean => unit === 'month' || unit === 'year';
