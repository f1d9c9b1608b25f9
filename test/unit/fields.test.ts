// The fields that tell a caller what is left, read by the parsers that clients use.
import { parseRateLimit } from 'ratelimit-header-parser';
import { parseList } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { parseLimits } from '../../src/config/notation.ts';
import {
  addFields,
  constantPolicyField,
  FIELDS,
  fieldNames,
  policyField,
  rateLimitItem,
} from '../../src/quota/fields.ts';
import { limitsOf } from '../fixtures/config.ts';

const policies = limitsOf('10/second; 1000/hour; 5000/minute by org.id');
const quota = {
  policies: policyField(policies, 0),
  limits: policies.map(({ name }, i) => rateLimitItem(name, 9 - i, 1_500)).join(', '),
  nearest: { quota: 10, remaining: 9, resetsAt: 1_700_000_000_500 },
};

const headersIn = (mode: keyof typeof FIELDS, origin: Record<string, string> = {}): Headers => {
  const headers = new Headers(origin);
  addFields(headers, quota, mode);
  return headers;
};

describe('fields', () => {
  it('are lists of RFC 9651 in standard mode, also of policies with keys', () => {
    const headers = headersIn('standard');
    expect([...headers.keys()]).toEqual(['ratelimit', 'ratelimit-policy']);
    expect(parseList(headers.get('RateLimit-Policy') ?? '').map(([name]) => name)).toEqual([
      '10/second',
      '1000/hour',
      '5000/minute by org.id',
    ]);
    expect(parseList(headers.get('RateLimit') ?? '').map(([, parameters]) => parameters.get('r'))).toEqual([
      9, 8, 7,
    ]);
  });

  it('are what a client’s parser expects in legacy mode', () => {
    const headers = headersIn('legacy');
    expect([...headers.keys()]).toEqual(['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']);
    expect(parseRateLimit(headers)).toMatchObject({
      ...{ limit: 10, remaining: 9 },
      reset: new Date(1_700_000_001_000),
    });
  });

  it('never loosen what the origin says', () => {
    const strict = { 'X-RateLimit-Limit': '5', 'X-RateLimit-Remaining': '1', 'X-RateLimit-Reset': '7' };
    expect(Object.fromEntries(headersIn('legacy', strict))).toMatchObject({
      'x-ratelimit-remaining': '1',
      'x-ratelimit-limit': '5',
    });
    const loose = { ...strict, 'X-RateLimit-Remaining': '99' };
    expect(Object.fromEntries(headersIn('legacy', loose))).toMatchObject({
      'x-ratelimit-remaining': '9',
      'x-ratelimit-limit': '10',
    });
  });

  it('are both, or none', () => {
    expect([...headersIn('both').keys()]).toHaveLength(5);
    expect([...headersIn('none').keys()]).toEqual([]);
    for (const mode of Object.keys(FIELDS) as (keyof typeof FIELDS)[])
      expect(
        fieldNames(mode)
          .map((name) => name.toLowerCase())
          .toSorted(),
      ).toEqual([...headersIn(mode).keys()].toSorted());
  });
});

describe('the window of a policy', () => {
  const DAY = 86_400;
  const [monthly, yearly, weekly] = parseLimits(
    '5/month; 50/year; 3/7 days',
    'default',
    'fixed-window',
  ).policies;
  const lengthOf = (policy: typeof monthly, date: string): number =>
    Number(/w=(\d+)/.exec(policyField(policy ? [policy] : [], Date.parse(date)))?.[1]) / DAY;

  it('is as long as the calendar says', () => {
    expect(lengthOf(monthly, '2026-02-10')).toBe(28);
    expect(lengthOf(monthly, '2028-02-29')).toBe(29);
    expect(lengthOf(monthly, '2026-12-31T23:59:59Z')).toBe(31);
    expect(lengthOf(yearly, '2026-06-01')).toBe(365);
    expect(lengthOf(yearly, '2028-06-01')).toBe(366);
    expect(lengthOf(weekly, '2026-06-01')).toBe(7);
  });

  it('is 30 days for a month that slides', () => {
    expect(policyField(limitsOf('5/month'), Date.parse('2026-02-10'))).toBe(`"5/month";q=5;w=${30 * DAY}`);
  });

  it('is told anew only where it changes', () => {
    expect(constantPolicyField(weekly ? [weekly] : [])).toBe(`"3/7days";q=3;w=${7 * DAY}`);
    expect(constantPolicyField(monthly ? [monthly] : [])).toBeUndefined();
  });
});
