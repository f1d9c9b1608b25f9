// Unusual use and revocation where the isolate meets the Limiter, with the clock in the test's hands.
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { limiterName, subjectPartition } from '../../src/partition.ts';
import { newSubject, pipelineOf, policiesOf, tokenOf } from './pipeline.ts';

const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const watched = (action: 'report' | 'deny') =>
  pipelineOf({ policies: policiesOf('1000000/hour'), abnormal: { factor: 5, action }, leases: 'off' });

/** Minutes of ten requests each, from the beginning of one. */
const learn = async (call: () => Promise<Response>, minutes: number): Promise<void> => {
  vi.setSystemTime(Math.ceil(Date.now() / MINUTE) * MINUTE);
  for (let i = 0; i < minutes; i++) {
    for (let n = 0; n < 10; n++) {
      await call();
      vi.setSystemTime(Date.now() + MINUTE / 10);
    }
  }
};

describe('unusual use', () => {
  test('is reported once a minute, and passes', async () => {
    const { call, points } = watched('report');
    const token = await tokenOf(newSubject());
    await learn(() => call(token), 12);
    points.length = 0;
    for (let i = 0; i < 200; i++) {
      expect((await call(token)).status).toBe(200);
      vi.setSystemTime(Date.now() + 100);
    }
    expect(points.filter(({ blobs }) => blobs?.[0] === 'abnormal').length).toBe(1);
    expect(points.filter(({ blobs }) => blobs?.[1] === 'unusual_use').length).toBe(1);
  });

  test('is denied where that is wished, until it calms when the answer said, and spends nothing', async () => {
    const { call } = watched('deny');
    const token = await tokenOf(newSubject());
    await learn(() => call(token), 12);
    let last = await call(token);
    const statuses: number[] = [];
    for (let i = 0; i < 100; i++) {
      last = await call(token);
      statuses.push(last.status);
      vi.setSystemTime(Date.now() + 100);
    }
    // Five times the average of ten, of which the last minute has had some before.
    const passed = statuses.indexOf(429);
    expect(passed).toBeGreaterThan(35);
    expect(passed).toBeLessThanOrEqual(50);
    expect(new Set(statuses.slice(passed))).toEqual(new Set([429]));
    expect(await last.json()).toMatchObject({ title: 'Abnormal Usage Detected', status: 429 });
    expect(last.headers.has('RateLimit')).toBe(false);
    const wait = Number(last.headers.get('Retry-After')) * 1_000;
    expect(wait).toBeGreaterThan(MINUTE / 2);
    vi.setSystemTime(Date.now() + wait);
    const calm = await call(token);
    expect(calm.status).toBe(200);
    // The ten of each minute, those of the burst that passed, and this one.
    expect(calm.headers.get('RateLimit')).toContain(`r=${1_000_000 - 120 - 1 - passed - 1};`);
  });

  test('of one subject is nothing to another', async () => {
    const { call } = watched('deny');
    const [busy, quiet] = [await tokenOf(newSubject()), await tokenOf(newSubject())];
    await learn(() => call(busy), 12);
    for (let i = 0; i < 200; i++) {
      await call(busy);
      vi.setSystemTime(Date.now() + 100);
    }
    expect((await call(quiet)).status).toBe(200);
  });
});

describe('a revoked token', () => {
  test('stays out while the Limiter is down, in an isolate that knows the mark', async () => {
    const { call } = pipelineOf({ policies: policiesOf('100/minute'), onLimiterError: 'open' });
    const subject = newSubject();
    const [stolen, good] = [
      await tokenOf(subject, { jti: 'stolen' }),
      await tokenOf(subject, { jti: 'good' }),
    ];
    const { LIMITER } = env as unknown as Bindings;
    const name = await limiterName(subjectPartition('https://issuer.test', subject));
    await LIMITER.get(LIMITER.idFromName(name)).revoke({ jti: 'stolen', until: Number.POSITIVE_INFINITY });
    expect((await call(good)).status).toBe(200);
    const consume = () => Promise.reject(new Error('down'));
    const down = { LIMITER: { idFromName: () => '', get: () => ({ consume }) } };
    vi.setSystemTime(Date.now() + 2_000);
    expect((await call(stolen, {}, down)).status).toBe(401);
    expect((await call(good, {}, down)).status).toBe(200);
  });
});
