// The shape of an `Authorization` header, before any decoding.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bearerToken, candidateToken, presentsBearer } from '../../src/auth/bearer.ts';

describe('a Bearer header', () => {
  test.each([
    ['Bearer a.b.c', 'a.b.c'],
    ['bearer a.b.c', 'a.b.c'],
    ['BEARER   a-_0.b.c', 'a-_0.b.c'],
    [`Bearer ${'a'.repeat(8188)}.b.c`, `${'a'.repeat(8188)}.b.c`],
  ])('%.30s holds a token', (header, token) => {
    expect(bearerToken(header)).toBe(token);
    expect(presentsBearer(header)).toBe(true);
  });

  test.each([
    'Bearer',
    'Bearer ',
    'Bearer a',
    'Bearer a.b',
    'Bearer a.b.',
    'Bearer .b.c',
    'Bearer a..c',
    'Bearer a.b.c.d',
    'Bearer a.b.c.d.e',
    'Bearer a.b.c, Bearer a.b.c', // two headers, joined by the runtime
    'Bearer a.b.c d',
    'Bearer\ta.b.c',
    'Bearer=a.b.c',
    'Bearer a.b.c=',
    'Bearer a+/.b.c',
    'Bearer ä.b.c',
    `Bearer ${'a'.repeat(8189)}.b.c`,
    `Bearer ${'a'.repeat(100_000)}.b.c`,
  ])('%.30s is a token that nobody accepts', (header) => {
    expect(bearerToken(header)).toBeUndefined();
    expect(presentsBearer(header)).toBe(true);
  });

  test.each([
    null,
    '',
    'Basic YTpi',
    'Bearers a.b.c',
    'Bearer-x a.b.c',
    'a.b.c',
    'DPoP a.b.c',
    'Basic YTpi, Bearer a.b.c',
  ])('%s presents no Bearer token', (header) => expect(presentsBearer(header)).toBe(false));

  test('takes time in proportion to its length, whatever is in it', () => {
    const spaces = `Bearer ${' '.repeat(8000)}`;
    const started = performance.now();
    for (let i = 0; i < 1_000; i += 1) bearerToken(spaces);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('is looked up by the very text that verification will see', () => {
    fc.assert(
      fc.property(fc.string(), (rest) => {
        const header = `Bearer ${rest}`;
        const token = bearerToken(header);
        if (token !== undefined && !rest.startsWith(' ')) expect(candidateToken(header)).toBe(token);
      }),
    );
  });
});
