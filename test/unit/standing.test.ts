// Revocation marks and overrides, as pure data.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLimits } from '../../src/config/notation.ts';
import { blockedReply } from '../../src/limiter/blocked.ts';
import { type Reply, VERSION } from '../../src/limiter/messages.ts';
import {
  endOf,
  inForce,
  isRevoked,
  MAX_JTIS,
  type Marks,
  marksOf,
  type Override,
  overridden,
  revoke,
  type Standing,
} from '../../src/limiter/standing.ts';
import { type Asking, newLease } from '../../src/quota/lease.ts';
import { settle } from '../../src/quota/settle.ts';
import { EPOCH } from './policies.ts';

const FOREVER = { until: Number.POSITIVE_INFINITY };

const override = (limits: string, until = EPOCH + 60_000): Override => ({
  limits,
  policies: parseLimits(limits, 'default', 'sliding-window').policies,
  since: EPOCH,
  until,
  reason: 'a test',
});

/** An ask that nobody waits for. */
const askedAt = (at: number): Asking => ({
  ...{ askedAt: at, deadline: at + 1_000, waiters: [], ahead: 0, share: undefined, returns: [], spent: [] },
  ...{ holder: undefined, ended: 0, singles: [] },
});

const own = parseLimits('10/minute; 100/hour', 'default', 'sliding-window').policies;
const added = parseLimits('5/minute', 'search', 'sliding-window').policies;

describe('a mark', () => {
  it('on a time covers tokens issued before it, those of its very second, and those without `iat`', () => {
    const marks = { before: EPOCH + 500, jtis: [] };
    const at = (iat: number | undefined) => isRevoked(marks, { jti: undefined, iat });
    expect(at(EPOCH / 1000 - 1)).toBe(true);
    expect(at(EPOCH / 1000)).toBe(true);
    expect(at(EPOCH / 1000 + 1)).toBe(false);
    expect(at(undefined)).toBe(true);
  });

  it('on a `jti` covers that token alone, and none without `jti`', () => {
    const marks = { jtis: ['stolen'] };
    expect(isRevoked(marks, { jti: 'stolen', iat: undefined })).toBe(true);
    expect(isRevoked(marks, { jti: 'good', iat: 0 })).toBe(false);
    expect(isRevoked(marks, { jti: undefined, iat: 0 })).toBe(false);
  });

  it('given twice is one mark, and the 65th has no room until another has ended', () => {
    let standing: Standing | undefined;
    for (let i = 0; i < MAX_JTIS; i++) {
      standing = revoke(standing, { jti: `t${i}`, until: EPOCH + 1_000 + i }, EPOCH);
      standing = standing && revoke(standing, { jti: `t${i}`, until: EPOCH + 1_000 + i }, EPOCH);
    }
    expect(standing?.jtis.length).toBe(MAX_JTIS);
    const next = { jti: 'next', ...FOREVER };
    expect(revoke(standing, next, EPOCH)).toBeUndefined();
    expect(revoke(standing, { before: EPOCH, ...FOREVER }, EPOCH)).toBeDefined();
    expect(revoke(standing, next, EPOCH + 1_000)?.jtis.at(-1)).toEqual(next);
  });

  it('never loosens an earlier one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 1 }), (times) => {
        let standing: Standing | undefined;
        for (const time of times) standing = revoke(standing, { before: EPOCH + time, ...FOREVER }, EPOCH);
        expect(standing && marksOf(standing)?.before).toBe(EPOCH + Math.max(...times));
      }),
    );
  });
});

describe('a lease', () => {
  const reply = (marks: Marks | undefined): Reply => ({
    ...{ version: VERSION, granted: 8, decisions: [], keepMs: 0, lifeMs: 1_000, grant: '' },
    marks,
  });

  it('keeps the marks of the answer that was asked for last, whichever arrives last', () => {
    const lease = newLease();
    settle(lease, askedAt(EPOCH + 500), reply({ jtis: ['stolen'] }));
    settle(lease, askedAt(EPOCH), reply(undefined));
    expect(lease.marks).toEqual({ jtis: ['stolen'] });
    settle(lease, askedAt(EPOCH + 600), reply(undefined));
    expect(lease.marks).toBeUndefined();
  });
});

describe('what was set', () => {
  it('is in force until its end, each part by itself', () => {
    const standing: Standing = {
      before: { before: EPOCH, until: EPOCH + 10 },
      jtis: [{ jti: 'a', until: EPOCH + 20 }],
      override: override('none', EPOCH + 30),
    };
    expect(inForce(standing, EPOCH + 9)).toEqual(standing);
    expect(inForce(standing, EPOCH + 10)).toMatchObject({ before: undefined, jtis: [{ jti: 'a' }] });
    expect(inForce(standing, EPOCH + 20)).toMatchObject({ jtis: [], override: { limits: 'none' } });
    expect(inForce(standing, EPOCH + 30)).toBeUndefined();
    expect(endOf(standing)).toBe(EPOCH + 30);
    expect(endOf({ ...standing, before: { before: EPOCH, ...FOREVER } })).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('an override', () => {
  it('takes the place of the caller’s own policies and leaves those of the route', () => {
    const names = overridden(override('99/minute'), [...own, ...added]).map(({ name }) => name);
    expect(names).toEqual(['99/minute', 'search:5/minute']);
  });

  it('of other limits leaves a route exempt that exempts its callers', () => {
    expect(overridden(override('99/minute'), [])).toEqual([]);
    expect(overridden(override('99/minute'), added)).toEqual(added);
  });

  it('of `none` leaves nothing', () => {
    expect(overridden(override('none'), [...own, ...added])).toEqual([]);
  });

  it('of `blocked` denies until its end under one policy of quota 0', () => {
    const reply = blockedReply(override('blocked'), EPOCH + 50_000);
    expect(reply).toMatchObject({ granted: 0, keepMs: 10_000 });
    expect(reply.policies).toMatchObject([{ name: 'blocked', quota: 0, windowMs: 60_000 }]);
    expect(reply.decisions).toEqual([
      { allowed: false, remaining: 0, retryAfterMs: 10_000, resetMs: 10_000 },
    ]);
  });

  it('keeps what was spent: the counters are the same ones', () => {
    const [other] = overridden(override('99/minute'), own);
    expect(other?.counter).toBe(own[0]?.counter);
  });
});
