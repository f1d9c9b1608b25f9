// Claims as headers: whatever an issuer puts into a token, what reaches the origin is one harmless line.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerValue, identityOf } from '../../src/auth/claims.ts';
import { configWith } from '../fixtures/config.ts';

const headersOf = (claims: Record<string, unknown>, ...paths: string[]) => {
  const headers = paths.map((path) => ({ claim: path.split('.'), header: path }));
  const identity = identityOf({ sub: 'a', exp: 1, ...claims }, '', {
    ...configWith().tokens,
    tiers: [],
    headers,
  });
  return typeof identity === 'string' ? identity : Object.fromEntries(identity.headers);
};

describe('a claim header', () => {
  test('is text for strings, numbers and booleans, JSON for the rest, and absent for a missing claim', () => {
    const claims = {
      s: 'x y',
      n: 1.5,
      b: false,
      a: ['r', 1],
      o: { k: 'v' },
      e: '',
      nil: null,
      deep: { er: { id: 7 } },
    };
    expect(
      headersOf(claims, 's', 'n', 'b', 'a', 'o', 'e', 'nil', 'none', 'deep.er.id', 'deep.no.id'),
    ).toEqual({
      s: 'x y',
      n: '1.5',
      b: 'false',
      a: '["r",1]',
      o: '{"k":"v"}',
      e: '',
      'deep.er.id': '7',
    });
  });

  test('is never made of what only the prototype has', () => {
    expect(headersOf({ o: {} }, 'constructor', 'o.constructor.name', '__proto__', 'sub.length')).toEqual({});
  });

  test.each([
    ['Zoë', 'Zo%C3%AB'],
    ['50 %', '50 %25'],
    ['%41', '%2541'],
    ['a\r\nX-Admin: 1', 'a%0D%0AX-Admin: 1'],
    [' a  b ', '%20a  b%20'],
    ['😀', '%F0%9F%98%80'],
    ['\ud83d', '%EF%BF%BD'],
    ['\u007f\u0000', '%7F%00'],
  ])('of %j is %s', (claim, header) => {
    expect(headerValue(claim)).toBe(header);
  });

  test('survives HTTP and decodes to exactly the claim', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (claim) => {
        const sent = new Headers({ 'X-Claim': headerValue(claim) }).get('X-Claim') ?? '';
        expect(sent).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeURIComponent(sent)).toBe(claim.toWellFormed());
      }),
    );
  });

  test('that would be longer than servers take makes the token unusable, and takes no time', () => {
    expect(headersOf({ long: 'x'.repeat(8_192) }, 'long')).toEqual({ long: 'x'.repeat(8_192) });
    expect(headersOf({ long: 'x'.repeat(8_193) }, 'long')).toBe('claim_too_long');
    expect(headersOf({ long: 'ä'.repeat(4_000) }, 'long')).toBe('claim_too_long');
    const started = performance.now();
    headersOf({ long: `a${' '.repeat(500_000)}a` }, 'long');
    expect(performance.now() - started).toBeLessThan(500);
  });
});
