// What a request leaves behind: its data point and its log line, from the pipeline itself inside workerd.
import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { Exchange } from '../../src/exchange.ts';
import { Secret } from '../../src/lib/secret.ts';
import { addressPartition } from '../../src/partition.ts';
import { finishedOf } from '../../src/report/finished.ts';
import { configWith, limitsOf, route } from '../fixtures/config.ts';
import { newSubject, pipelineOf, policiesOf, tokenOf } from './pipeline.ts';

afterEach(() => vi.restoreAllMocks());

/** At most ten lines a second: a test that counts them begins with a second of its own. */
const nextSecond = () => scheduler.wait(1_005 - (Date.now() % 1_000));

describe('a data point', () => {
  test('has the parts that the SQL in docs/operate.md counts on, in order', async () => {
    const tiers = new Map([['gold', limitsOf('5/minute')]]);
    const { call, points } = pipelineOf({
      policies: { ...policiesOf('3/minute'), tiers },
      partitionSecret: new Secret('sixteen bytes at least'),
      tokens: { ...configWith().tokens, tierClaim: ['tier'] },
    });
    const token = await tokenOf(newSubject(), { tier: 'gold' });
    for (let i = 0; i < 6; i++) await call(token);
    const [first, , , , near, denied] = points;
    expect(first?.blobs).toEqual(['forwarded', '', 'default', '', 'gold', '', '', '']);
    expect(first?.doubles?.slice(0, 3)).toEqual([200, 1, 0.8]);
    expect(near?.blobs?.slice(0, 4)).toEqual(['near_limit', '', 'default', '5/minute']);
    expect(denied?.blobs).toEqual(['denied', 'quota_exceeded', 'default', '5/minute', 'gold', '', '', '']);
    expect(denied?.doubles?.slice(0, 3)).toEqual([429, 1, 0]);
    expect(denied?.indexes?.[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(points.map(({ indexes }) => indexes?.[0])).size).toBe(1);
  });

  test('names no partition without `PARTITION_SECRET`, and no tier that is not configured', async () => {
    const { call, points } = pipelineOf({ tokens: { ...configWith().tokens, tierClaim: ['tier'] } });
    await call(await tokenOf(newSubject(), { tier: 'a claim value' }));
    expect(points[0]?.indexes).toEqual([]);
    expect(points[0]?.blobs?.[4]).toBe('');
  });

  test('names a tier that only a route has limits for', async () => {
    const limited = { name: 'search', tierLimits: new Map([['gold', limitsOf('5/minute', 'search')]]) };
    const rest = {
      tokens: { ...configWith().tokens, tierClaim: ['tier'] },
      routes: [{ ...route, ...limited }],
    };
    const { call, points } = pipelineOf(rest, limited);
    for (const tier of ['gold', 'a claim value']) await call(await tokenOf(newSubject(), { tier }));
    expect(points.map(({ blobs }) => blobs?.[4])).toEqual(['gold', '']);
  });

  test('names a partition by the secret: another secret, another name', async () => {
    const token = await tokenOf(newSubject());
    const nameUnder = async (partitionSecret: string) => {
      const { call, points } = pipelineOf({ partitionSecret: new Secret(partitionSecret) });
      await call(token);
      return points[0]?.indexes?.[0];
    };
    expect(await nameUnder('sixteen bytes at least')).toBe(await nameUnder('sixteen bytes at least'));
    expect(await nameUnder('sixteen bytes at least')).not.toBe(await nameUnder('sixteen other bytes'));
  });
});

describe('the log', () => {
  test('has a line for each refusal and none for what was forwarded', async () => {
    await nextSecond();
    const { call, lines } = pipelineOf({ partitionSecret: new Secret('sixteen bytes at least') });
    const token = await tokenOf(newSubject());
    for (let i = 0; i < 4; i++) await call(token, { 'cf-ray': 'a-ray-FRA' });
    await call('no.such.token', { 'CF-Connecting-IP': '192.0.2.1' });
    const [denied, refused, ...rest] = lines();
    expect(rest).toEqual([]);
    expect(denied).toEqual({
      ...{ id: 'a-ray-FRA', outcome: 'denied', reason: 'quota_exceeded', status: 429 },
      method: 'GET',
      ...{ route: 'default', policy: '3/minute', partition: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
    expect(refused).toMatchObject({ outcome: 'unauthorized', reason: 'token_malformed', status: 401 });
    expect(refused.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('has a line for what passed only in shadow mode', async () => {
    await nextSecond();
    const { call, lines } = pipelineOf(
      { policies: { ...policiesOf('none'), default: limitsOf('3/minute', 'default', 'shadow') } },
      { mode: 'shadow' },
    );
    const token = await tokenOf(newSubject());
    for (let i = 0; i < 4; i++) expect((await call(token)).status).toBe(200);
    expect(lines()).toMatchObject([{ outcome: 'denied', status: 200, shadow: true }]);
  });

  test('says which failure policy acted on which policy, also where the request passed', async () => {
    await nextSecond();
    const { call, lines } = pipelineOf({ onLimiterError: 'open' });
    const consume = () => Promise.reject(new Error('down'));
    const LIMITER = { idFromName: () => '', get: () => ({ consume }) };
    const { status } = await call(await tokenOf(newSubject()), {}, { LIMITER });
    expect(status).toBe(200);
    expect(lines()).toMatchObject([
      { outcome: 'forwarded', limiter: 'open', reason: 'limiter_failed', policy: '3/minute' },
    ]);
  });

  test('has at most ten lines a second and then the count of those left out', async () => {
    await nextSecond();
    const { call, lines } = pipelineOf({});
    const start = Math.floor(Date.now() / 1_000);
    await Promise.all(Array.from({ length: 50 }, () => call(undefined)));
    const seconds = Math.floor(Date.now() / 1_000) - start + 1;
    const written = lines();
    const told = written.filter(({ outcome }) => outcome === 'unauthorized').length;
    expect(told).toBeGreaterThanOrEqual(10);
    expect(told).toBeLessThanOrEqual(10 * seconds);
    expect(written.reduce((sum, { omitted = 0 }) => sum + omitted, told)).toBe(50);
  });

  test('says the path where `LOG_PATH` asks for it, 200 characters of it and never its query', async () => {
    await nextSecond();
    const { call, lines } = pipelineOf({ logPath: true });
    for (const path of ['/a/b?token=a-secret', `/${'x'.repeat(500)}?q=a-secret`])
      await call(undefined, {}, {}, path);
    expect(lines().map(({ path }) => path)).toEqual(['/a/b', `/${'x'.repeat(199)}`]);
    await nextSecond();
    const quiet = pipelineOf({});
    await quiet.call(undefined, {}, {}, '/a/b?token=a-secret');
    expect(quiet.lines()[0]).not.toHaveProperty('path');
  });

  test('never has a token, a claim, a subject or an address in it', async () => {
    await nextSecond();
    const { call, raw, points } = pipelineOf({ partitionSecret: new Secret('sixteen bytes at least') });
    const subject = newSubject();
    const token = await tokenOf(subject, { jti: 'a-token-id', tier: 'a-tier' });
    const address = { 'CF-Connecting-IP': '203.0.113.77' };
    for (let i = 0; i < 5; i++) await call(token, address);
    await call(`${token}x`, address);
    await call('eyJhbGciOiJub25lIn0.eyJzdWIiOiJldmUifQ.c2ln', address);
    const said = raw.join() + JSON.stringify(points);
    for (const part of [subject, ...token.split('.'), 'a-token-id', 'a-tier', '203.0.113', 'eyJ', 'eve'])
      expect(said).not.toContain(part);
    expect(raw.length).toBe(4);
  });
});

describe('Server-Timing', () => {
  test('names our steps where it is on, and is absent where it is off', async () => {
    const token = await tokenOf(newSubject());
    const on = await pipelineOf({ serverTiming: true }).call(token);
    expect(on.headers.get('Server-Timing')).toMatch(/^auth;dur=\d+, limit;dur=\d+, origin;dur=\d+$/);
    const off = await pipelineOf({}).call(token);
    expect(off.headers.has('Server-Timing')).toBe(false);
  });

  test('is never on a 401, where it would tell refused tokens apart', async () => {
    const { call } = pipelineOf({ serverTiming: true });
    expect((await call(undefined)).headers.has('Server-Timing')).toBe(false);
  });
});

describe('a request that is forwarded', () => {
  test('leaves no work behind without an analytics binding', async () => {
    const { call, raw } = pipelineOf({ partitionSecret: new Secret('sixteen bytes at least') });
    const token = await tokenOf(newSubject());
    // The subject's Limiter lives in this isolate too, and names its load.
    await call(token, {}, { ANALYTICS: undefined });
    const name = vi.spyOn(crypto, 'randomUUID');
    const sign = vi.spyOn(crypto.subtle, 'sign');
    await call(token, {}, { ANALYTICS: undefined });
    expect([raw.length, name.mock.calls.length, sign.mock.calls.length]).toEqual([0, 0, 0]);
  });
});

describe('what Pulse counts', () => {
  test('a request refused before any policy counts as its address, by IPV6_PREFIX', () => {
    const { LIMITER } = env as unknown as Bindings;
    const config = { ...configWith(), ipv6Prefix: 48 };
    const request = new Request('https://api.example.com/', {
      headers: { 'CF-Connecting-IP': '2001:db8:1:2::3' },
    });
    const exchange = new Exchange(request, { LIMITER }, createExecutionContext(), config.defaultRoute);
    expect(finishedOf(exchange, 401, config).partition).toBe(addressPartition('2001:db8:1:2::3', 48));
  });
});
