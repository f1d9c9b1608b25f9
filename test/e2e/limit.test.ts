// The main job over HTTP: who shares a quota, what a refusal looks like, and that no permit is passed twice.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseList } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { stage } from '../fixtures/stage.ts';
import { bearer, type Weir } from '../fixtures/weir.ts';

const on = stage();

const start = (vars: Record<string, unknown>, isolates = 1): Promise<Weir> => on.start({ vars, isolates });

const statuses = async (answers: Promise<Response>[]): Promise<Record<number, number>> => {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(answers)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

describe('a subject’s quota', () => {
  it('passes exactly 50 of 200 concurrent requests under 50/minute, also after the object was evicted', async () => {
    await start({ LIMITS: '50/minute' });
    const headers = await bearer();
    const before = on.origin.count;
    const burst = () => Array.from({ length: 200 }, () => on.weir.fetch('/echo', { headers }));
    expect(await statuses(burst())).toEqual({ 200: 50, 429: 150 });
    await on.weir.evictLimiters();
    expect(await statuses(burst())).toEqual({ 429: 200 });
    expect(on.origin.count - before).toBe(50);
  });

  it('passes exactly 50 over four isolates that are evicted halfway', async () => {
    await start({ LIMITS: '50/minute' }, 4);
    const headers = await bearer();
    const before = on.origin.count;
    const burst = () =>
      on.weir.urls.flatMap((url) => Array.from({ length: 10 }, () => fetch(`${url}/echo`, { headers })));
    await statuses(burst());
    await on.weir.evictLimiters();
    await statuses(burst());
    expect(on.origin.count - before).toBeLessThanOrEqual(50);
    // Only what was lent at the eviction may be lost: at most a tenth of the quota and the reserve beside it.
    expect(on.origin.count - before).toBeGreaterThanOrEqual(40);
  });

  it('passes to the last permit when one caller asks in turn, on leases fetched ahead', async () => {
    await start({ LIMITS: '50/hour' });
    const headers = await bearer();
    const passed: number[] = [];
    for (let i = 0; i < 55; i++) passed.push((await on.weir.fetch('/echo', { headers })).status);
    expect(passed).toEqual([...Array(50).fill(200), ...Array(5).fill(429)]);
  });

  it('is shared by two tokens of the subject, and by nobody else', async () => {
    await start({ LIMITS: '3/minute' });
    const pass = async (claims: Record<string, unknown>) =>
      (await on.weir.fetch('/echo', { headers: await bearer(claims) })).status;
    expect(await pass({ sub: 'alice', jti: '1' })).toBe(200);
    expect(await pass({ sub: 'alice', jti: '2' })).toBe(200);
    expect(await pass({ sub: 'alice', jti: '3' })).toBe(200);
    expect(await pass({ sub: 'alice', jti: '4' })).toBe(429);
    expect(await pass({ sub: 'bob', jti: '5' })).toBe(200);
  });

  it('stops at the first policy that is spent and spends no other', async () => {
    await start({ LIMITS: '2/minute; 100/hour' });
    const headers = await bearer();
    for (let i = 0; i < 10; i++) await on.weir.fetch('/echo', { headers });
    const denied = await on.weir.fetch('/echo', { headers });
    expect(denied.status).toBe(429);
    expect(denied.headers.get('RateLimit')).toContain('"100/hour";r=98');
    expect(await denied.json()).toMatchObject({ 'violated-policies': ['2/minute'] });
  });
});

describe('a forwarded response', () => {
  it('carries RateLimit fields that an independent parser reads, counting down', async () => {
    await start({ LIMITS: '10/second; 1000/hour' });
    const headers = await bearer();
    const answers = [await on.weir.fetch('/echo', { headers }), await on.weir.fetch('/echo', { headers })];
    const fields = answers.map((answer) => parseList(answer.headers.get('RateLimit') ?? ''));
    const policies = parseList(answers[0]?.headers.get('RateLimit-Policy') ?? '');
    expect(policies.map(([name, parameters]) => [name, Object.fromEntries(parameters)])).toEqual([
      ['10/second', { q: 10, w: 1 }],
      ['1000/hour', { q: 1000, w: 3600 }],
    ]);
    expect(fields.map((field) => field.map(([name, parameters]) => [name, parameters.get('r')]))).toEqual([
      [
        ['10/second', 9],
        ['1000/hour', 999],
      ],
      [
        ['10/second', 8],
        ['1000/hour', 998],
      ],
    ]);
  });

  it('keeps the origin’s own RateLimit fields beside ours', async () => {
    await start({ LIMITS: '10/minute' });
    const answer = await on.weir.fetch('/limits', { headers: await bearer() });
    const names = parseList(answer.headers.get('RateLimit-Policy') ?? '').map(([name]) => name);
    expect(names.length).toBe(2);
    expect(names).toContain('10/minute');
  });
});

describe('a 429', () => {
  it('says what RFC 6585 and the draft ask for, and nothing more', async () => {
    await start({ LIMITS: '1/minute' });
    const headers = await bearer();
    await on.weir.fetch('/echo', { headers });
    const denied = await on.weir.fetch('/echo', { headers });
    expect(denied.status).toBe(429);
    expect(denied.headers.get('Content-Type')).toBe('application/problem+json');
    expect(denied.headers.get('Cache-Control')).toBe('no-store');
    expect(Number(denied.headers.get('Retry-After'))).toBeGreaterThan(50);
    expect(await denied.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Quota Exceeded',
      status: 429,
      'violated-policies': ['1/minute'],
    });
  });

  it('has an honest Retry-After: a second before it, denied; after it, allowed', async () => {
    await start({ LIMITS: '2/3 seconds' });
    const headers = await bearer();
    await on.weir.fetch('/echo', { headers });
    await on.weir.fetch('/echo', { headers });
    // Half a second into the window, so that whole seconds round up from well between two of them.
    await sleep(500);
    const denied = await on.weir.fetch('/echo', { headers });
    const wait = Number(denied.headers.get('Retry-After')) * 1000;
    expect(wait).toBe(3_000);
    await sleep(wait - 1_000);
    expect((await on.weir.fetch('/echo', { headers })).status).toBe(429);
    await sleep(1_000);
    expect((await on.weir.fetch('/echo', { headers })).status).toBe(200);
  });
});
