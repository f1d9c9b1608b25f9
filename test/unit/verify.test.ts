// What a token must say of itself, judged through jose; only the clock is faked.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { type Verdict, verifier } from '../../src/auth/verify.ts';
import type { Issuer, TokenConfig } from '../../src/config/types.ts';
import { configWith, issuer } from '../fixtures/config.ts';

const NOW = 1_800_000_000;
const SECRET = 'a-secret-of-thirty-two-characters';
const good = {
  iss: 'https://issuer.test',
  sub: 'alice',
  aud: 'https://api.test',
  exp: NOW + 60,
  nbf: NOW,
  iat: NOW,
};

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const tokenOf = (claims: object, typ: unknown = 'JWT'): string => {
  const input = `${encode({ alg: 'HS256', typ })}.${encode({ ...good, ...claims })}`;
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`;
};

type Demands = Pick<Issuer, 'audience' | 'typ'> &
  Pick<TokenConfig, 'clockToleranceSeconds' | 'maxAgeSeconds'>;

const judgeWith = (demands: Partial<Demands>) => {
  const { audience = [], typ, ...tokens } = demands;
  const { verify } = verifier(configWith({ issuers: [{ ...issuer, audience, typ }], ...tokens }));
  return (token: string): Promise<Verdict> =>
    verify(
      token,
      () => undefined,
      (work) => work(),
    );
};

const at = (seconds: number): void => {
  vi.setSystemTime(seconds * 1000);
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  at(NOW);
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a token is good until', () => {
  test.each([
    ['it expires, tolerance included', NOW + 65, {}, {}],
    ['the last moment before that', NOW + 1, { exp: NOW - 4 }, {}],
    ['it is older than the oldest', NOW + 16, {}, { maxAgeSeconds: 10 }],
    ['it expires, where that is sooner', NOW + 65, {}, { maxAgeSeconds: 600 }],
    ['it expires, without saying from when it is good', NOW + 65, { nbf: undefined, iat: undefined }, {}],
    ['it expires, though clocks differ by the tolerance', NOW + 65, { nbf: NOW + 5, iat: NOW + 5 }, {}],
  ])('%s', async (_when, until, claims, demands) => {
    expect(await judgeWith(demands)(tokenOf(claims))).toMatchObject({ goodUntil: until * 1000 });
  });
});

describe('a token is refused', () => {
  test.each([
    ['token_expired', { exp: NOW - 5 }, {}],
    ['token_expired', { iat: NOW - 16 }, { maxAgeSeconds: 10 }],
    ['claim_exp', { exp: undefined }, {}],
    ['claim_exp', { exp: '1900000000' }, {}],
    ['claim_nbf', { nbf: null }, {}],
    ['claim_iat', { iat: '1' }, {}],
    ['claim_iat', { iat: undefined }, { maxAgeSeconds: 10 }],
    ['claim_aud', {}, { audience: ['https://other.test'] }],
    ['claim_aud', { aud: undefined }, { audience: ['https://api.test'] }],
    ['claim_aud', { aud: [['https://api.test']] }, { audience: ['https://api.test'] }],
    ['claim_typ', {}, { typ: 'at+jwt' }],
  ])('for good, for the reason %s: %j under %j', async (reason, claims, demands) => {
    expect(await judgeWith(demands)(tokenOf(claims))).toMatchObject({ reason, forGood: true });
  });

  test.each([
    ['claim_nbf', { nbf: NOW + 6 }, {}],
    ['claim_iat', { iat: NOW + 6 }, {}],
    ['claim_iat', { iat: NOW + 6 }, { maxAgeSeconds: 10 }],
  ])('until time cures it, for the reason %s: %j under %j', async (reason, claims, demands) => {
    const judge = judgeWith(demands);
    expect(await judge(tokenOf(claims))).toMatchObject({ reason, forGood: false });
    at(NOW + 1);
    expect(await judge(tokenOf(claims))).toMatchObject({ kind: 'verified' });
  });

  test('of no type where one is asked for', async () => {
    for (const typ of [null, 7, ['at+jwt']])
      expect(await judgeWith({ typ: 'at+jwt' })(tokenOf({}, typ))).toMatchObject({ reason: 'claim_typ' });
  });
});

/** Mostly dates, fractions of seconds among them. */
const dateFrom = (min: number, max: number) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min, max }).map((seconds) => NOW + seconds) },
    { weight: 4, arbitrary: fc.integer({ min: min * 8, max: max * 8 }).map((eighths) => NOW + eighths / 8) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );

describe('the moment until which a verified token is trusted', () => {
  it('is the very first at which it would be refused', async () => {
    const claims = fc.record({ exp: dateFrom(-10, 30), nbf: dateFrom(-30, 10), iat: dateFrom(-30, 10) });
    const demands = fc.record({
      clockToleranceSeconds: fc.integer({ min: 0, max: 10 }),
      maxAgeSeconds: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    });
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(claims, demands, async (drawn, wanted) => {
        const [judge, token] = [judgeWith(wanted), tokenOf(drawn)];
        at(NOW);
        const verdict = await judge(token);
        if (verdict.kind !== 'verified') return;
        accepted += 1;
        const end = verdict.goodUntil / 1000;
        at(end - 0.001);
        expect(await judge(token)).toMatchObject({ kind: 'verified' });
        at(end);
        expect(await judge(token)).toMatchObject({ reason: 'token_expired' });
      }),
      { numRuns: 300 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});
