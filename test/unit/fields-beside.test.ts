// The RateLimit fields beside an origin's own, and what they may say.
import { parseList } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { addFields, rateLimitItem } from '../../src/quota/fields.ts';

const limits = '"10/minute";r=9;t=60';
const quota = {
  policies: '"10/minute";q=10;w=60',
  limits,
  nearest: { quota: 10, remaining: 9, resetsAt: 1_700_000_000_500 },
};

const beside = (own: string): string => {
  const headers = new Headers({ RateLimit: own });
  addFields(headers, quota, 'standard');
  return headers.get('RateLimit') ?? '';
};

describe('our fields', () => {
  it.each(['"own";r=4;t=60', '"a\\\\ \\"c";r=1, "d"', '"x";pk=:YQ==:;r=1'])(
    'follow a List of Strings: %s',
    (own) => {
      expect(beside(own)).toBe(`${own}, ${limits}`);
      expect(parseList(beside(own)).length).toBe(parseList(own).length + 1);
    },
  );

  it.each(['limit=5, remaining=4, reset=3', '5, 4', '"open', 'r=1', '"own";r=4,'])(
    'replace what is none: %s',
    (own) => {
      expect(beside(own)).toBe(limits);
    },
  );

  it('never say a time beyond the window', () => {
    expect(rateLimitItem('10/minute', 9, 61_000, 60_000)).toBe('"10/minute";r=9;t=60');
    expect(rateLimitItem('10/minute', 9, 12_345, 60_000)).toBe('"10/minute";r=9;t=13');
  });
});
