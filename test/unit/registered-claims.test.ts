import fc from 'fast-check';
import { type JWTPayload, UnsecuredJWT } from 'jose';
import { describe, expect, it, test } from 'vitest';
import { type Demands, goodUntil } from '../../src/auth/registered-claims.ts';

const NOW = 1_800_000_000;

const any: Demands = { audience: [], typ: undefined, toleranceSeconds: 5, maxAgeSeconds: undefined };
const good = { aud: 'https://api.test', exp: NOW + 60, nbf: NOW, iat: NOW };

const judge = (claims: Record<string, unknown>, demands: Partial<Demands> = {}, typ: unknown = 'JWT') =>
  goodUntil(typ, { ...good, ...claims } as JWTPayload, { ...any, ...demands }, NOW);

describe('a token is good until', () => {
  test.each([
    ['it expires, tolerance included', NOW + 65, {}, {}],
    ['the last moment before that', NOW + 1, { exp: NOW - 4 }, {}],
    ['it is too old', NOW + 15, {}, { maxAgeSeconds: 10 }],
    ['it expires, where that is sooner', NOW + 65, {}, { maxAgeSeconds: 600 }],
    ['it expires, without saying from when it is good', NOW + 65, { nbf: undefined, iat: undefined }, {}],
    ['it expires, though clocks differ by the tolerance', NOW + 65, { nbf: NOW + 5, iat: NOW + 5 }, {}],
  ])('%s', (_when, until, claims, demands) => {
    expect(judge(claims, demands)).toBe(until);
  });
});

describe('a token is no good', () => {
  test.each([
    ['token_expired', { exp: NOW - 5 }, {}],
    ['token_expired', { iat: NOW - 15 }, { maxAgeSeconds: 10 }],
    ['claim_exp', { exp: undefined }, {}],
    ['claim_exp', { exp: '1900000000' }, {}],
    ['claim_nbf', { nbf: NOW + 6 }, {}],
    ['claim_nbf', { nbf: null }, {}],
    ['claim_iat', { iat: NOW + 6 }, {}],
    ['claim_iat', { iat: '1' }, {}],
    ['claim_iat', { iat: undefined }, { maxAgeSeconds: 10 }],
    ['claim_aud', {}, { audience: ['https://other.test'] }],
    ['claim_aud', { aud: undefined }, { audience: ['https://api.test'] }],
    ['claim_aud', { aud: [['https://api.test']] }, { audience: ['https://api.test'] }],
    ['claim_typ', {}, { typ: 'at+jwt' }],
  ])('for the reason %s: %j under %j', (reason, claims, demands) => {
    expect(judge(claims, demands)).toBe(reason);
  });

  it('of no type where one is asked for', () => {
    for (const typ of [undefined, null, 7, ['at+jwt']])
      expect(judge({}, { typ: 'at+jwt' }, typ)).toBe('claim_typ');
  });
});

/** Mostly good, so that many tokens are accepted. */
const dateFrom = (min: number, max: number) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min, max }).map((seconds) => NOW + seconds) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, null, '1800000000', true) },
  );
const word = fc.constantFrom('a', 'b', 'c');
const types = fc.constantFrom(undefined, 'JWT', 'at+jwt', 'AT+jwt', 'application/at+jwt', 'text/jwt', 7);

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** What jose's own check says of the same claims, in a token that needs no key. */
const joseAccepts = (typ: unknown, claims: JWTPayload, demands: Demands): boolean => {
  const { audience, toleranceSeconds, maxAgeSeconds } = demands;
  // Where no age is asked for, jose looks at no `iat`. At the very second in which one is reached, it is still content.
  const oldest = claims.iat === undefined ? undefined : 1_000;
  const maxTokenAge = maxAgeSeconds === undefined ? oldest : maxAgeSeconds - 1;
  try {
    UnsecuredJWT.decode(`${encode({ alg: 'none', typ })}.${encode(claims)}.`, {
      ...(audience.length > 0 ? { audience: [...audience] } : {}),
      ...(demands.typ === undefined ? {} : { typ: demands.typ }),
      ...(maxTokenAge === undefined ? {} : { maxTokenAge }),
      clockTolerance: toleranceSeconds,
      requiredClaims: ['exp'],
      currentDate: new Date(NOW * 1000),
    });
    return true;
  } catch {
    return false;
  }
};

describe('jose', () => {
  it('accepts the same tokens', () => {
    const claims = fc.record({
      aud: fc.oneof(word, fc.array(word), fc.constant(undefined)),
      exp: dateFrom(-10, 30),
      nbf: dateFrom(-30, 10),
      iat: dateFrom(-30, 10),
    });
    const demands = fc.record({
      audience: fc.array(word, { maxLength: 2 }),
      typ: fc.constantFrom(undefined, undefined, 'at+jwt', 'application/at+jwt', 'JWT'),
      toleranceSeconds: fc.integer({ min: 0, max: 10 }),
      maxAgeSeconds: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    });
    let accepted = 0;
    fc.assert(
      fc.property(types, claims, demands, (typ, drawn, wanted) => {
        const payload = drawn as JWTPayload;
        const ours = typeof goodUntil(typ, payload, wanted, NOW) === 'number';
        if (ours) accepted++;
        expect(ours).toBe(joseAccepts(typ, payload, wanted));
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(200);
  });
});
