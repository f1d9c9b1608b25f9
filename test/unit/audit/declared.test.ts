// What an API declares of its limits, in every way that APIs do; and whether more was admitted.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Admission, excessOf } from '../../../tools/audit/counters.ts';
import { declaredIn, readExpected, remainingIn, resetSeconds } from '../../../tools/audit/declared.ts';
import type { Header } from '../../../tools/audit/http/client.ts';

const response = (headers: Header[], status = 200, body = '') => ({ status, headers, body, ms: 1, at: 1 });

describe('what a response says remains, in older syntaxes,', () => {
  it.each<[Header[], number | undefined]>([
    [[['X-RateLimit-Remaining', '19']], 19],
    [[['x-rate-limit-remaining', ' 0 ']], 0],
    [[['RateLimit-Remaining', '7']], 7],
    [[['RateLimit', 'limit=20, remaining=3, reset=5']], 3],
    [
      [
        ['X-RateLimit-Remaining-Minute', '5'],
        ['X-RateLimit-Remaining-Hour', '2'],
      ],
      2,
    ],
    [[['RateLimit', '"a";r=3']], undefined],
    [[['X-RateLimit-Remaining', 'many']], undefined],
    [[['X-RateLimit-Remaining', '-1']], undefined],
    [[], undefined],
  ])('%j: %s', (headers, remaining) => {
    expect(remainingIn(response(headers))).toBe(remaining);
  });
});

describe('what a response declares', () => {
  it.each<[string, Header[], [number, number | undefined][]]>([
    [
      'draft 11',
      [['RateLimit-Policy', '"a";q=10;w=1, "b";q=1000;w=3600']],
      [
        [10, 1],
        [1000, 3600],
      ],
    ],
    ['draft 11 in bytes', [['RateLimit-Policy', '"a";q=10;qu="content-bytes";w=1']], []],
    [
      'draft 7',
      [
        ['RateLimit-Policy', '100;w=60'],
        ['RateLimit', 'limit=100, remaining=50, reset=5'],
      ],
      [
        [100, 60],
        [100, undefined],
      ],
    ],
    [
      'draft 6',
      [
        ['RateLimit-Limit', '100'],
        ['RateLimit-Policy', '100;w=60'],
      ],
      [
        [100, 60],
        [100, undefined],
      ],
    ],
    [
      'draft 3',
      [['RateLimit-Limit', '100, 100;w=60, 1000;w=3600']],
      [
        [100, 60],
        [1000, 3600],
      ],
    ],
    [
      'X-RateLimit',
      [
        ['X-RateLimit-Limit', '60'],
        ['X-RateLimit-Remaining', '59'],
      ],
      [[60, undefined]],
    ],
    [
      'Kong',
      [
        ['X-RateLimit-Limit-Minute', '5'],
        ['X-RateLimit-Remaining-Minute', '4'],
      ],
      [[5, 60]],
    ],
    ['RateLimit alone', [['RateLimit', '"default";r=0;t=10']], []],
    [
      'nonsense',
      [
        ['X-RateLimit-Limit', 'many'],
        ['RateLimit-Policy', '???'],
      ],
      [],
    ],
  ])('in %s', (_, headers, expected) => {
    const pairs = declaredIn(response(headers)).map(({ quota, windowSeconds }) => [quota, windowSeconds]);
    expect(pairs).toEqual(expected);
  });

  it.each([
    ['<p>100 per 1 minute</p>', 100, 60],
    ['{"error":"Rate limit exceeded: 5 per 2 hour"}', 5, 7200],
    ['at most 10 requests/second', 10, 1],
  ])('in the text of a 429: %s', (body, quota, windowSeconds) => {
    expect(declaredIn(response([], 429, body))).toMatchObject([{ quota, windowSeconds }]);
    expect(declaredIn(response([], 200, body))).toEqual([]);
  });

  it('is never an error, whatever the fields hold', () => {
    const names = fc.constantFrom('RateLimit', 'RateLimit-Policy', 'RateLimit-Limit', 'X-RateLimit-Limit');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.string())), fc.string(), (headers, body) => {
        for (const { quota } of declaredIn(response(headers, 429, body))) expect(quota).toBeGreaterThan(0);
      }),
    );
  });
});

describe('when the quota is back', () => {
  const now = 1_767_323_045_000;
  it.each<[Header[], number | undefined]>([
    [[['X-RateLimit-Reset', '30']], 30],
    [[['X-RateLimit-Reset', String(now / 1000 + 42)]], 42],
    [[['X-RateLimit-Reset', String(now + 7000)]], 7],
    [[['RateLimit', 'limit=5, remaining=0, reset=9']], 9],
    [[['RateLimit', '"a";r=0;t=12']], 12],
    [
      [
        ['Retry-After', '3'],
        ['RateLimit-Reset', '8'],
      ],
      8,
    ],
    [[], undefined],
  ])('is read from %j', (headers, seconds) => {
    expect(resetSeconds(response(headers), now)).toBe(seconds);
  });
});

describe('--expect', () => {
  it('takes limits notation', () => {
    expect(readExpected('100/minute; 1000 per 2 hours')).toEqual([
      { source: '--expect', quota: 100, windowSeconds: 60 },
      { source: '--expect', quota: 1000, windowSeconds: 7200 },
    ]);
  });

  it.each(['', 'ten/minute', '100', '0/minute', '100/fortnight', '100/minute;'])('refuses %j', (text) => {
    expect(() => readExpected(text)).toThrow('expected limits such as 100/minute');
  });
});

describe('more than is declared', () => {
  const admissions = (times: readonly number[]): Admission[] => times.map((at) => ({ at, sentAt: at - 2 }));
  const limit = (quota: number, windowSeconds: number) => ({
    declared: [{ source: 'x', quota, windowSeconds }],
  });
  const over = (times: readonly number[], quota: number, windowSeconds: number) =>
    excessOf(limit(quota, windowSeconds), {
      admissions: admissions(times),
      afterDenial: 0,
      afterDenialMs: 0,
    });

  it('is found where two workers count each on its own', () => {
    const times = Array.from({ length: 192 }, (_, i) => 20 * i);
    expect(over(times, 100, 60)).toMatchObject({ admitted: 192, declared: { quota: 100 } });
  });

  it('is never found of a limit that holds, be it sliding or GCRA, however it is used', () => {
    const uses = fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(
        uses,
        fc.integer({ min: 2, max: 30 }),
        fc.integer({ min: 1, max: 10 }),
        (gaps, quota, window) => {
          const asked = gaps.map((_, i) => gaps.slice(0, i + 1).reduce((a, b) => a + b));
          expect(over(sliding(asked, quota, 1000 * window), quota, window)).toBeUndefined();
          expect(over(gcra(asked, quota, 1000 * window), quota, window)).toBeUndefined();
        },
      ),
    );
  });
});

const sliding = (asked: readonly number[], quota: number, windowMs: number): number[] => {
  const admitted: number[] = [];
  for (const at of asked) if (admitted.filter((one) => one > at - windowMs).length < quota) admitted.push(at);
  return admitted;
};

const gcra = (asked: readonly number[], quota: number, windowMs: number): number[] => {
  const [interval, admitted] = [windowMs / quota, [] as number[]];
  let tat = 0;
  for (const at of asked) {
    const next = Math.max(tat, at) + interval;
    if (next - at > windowMs) continue;
    admitted.push(at);
    tat = next;
  }
  return admitted;
};
