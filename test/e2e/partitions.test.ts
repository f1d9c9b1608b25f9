// Requests that meet several partitions: one question to each, and nothing spent where one of them denies.
import { describe, expect, it } from 'vitest';
import { callsOf, counting } from '../fixtures/limiters.ts';
import { stage } from '../fixtures/stage.ts';
import { bearer, type Weir } from '../fixtures/weir.ts';

const on = stage();

const start = async (vars: Record<string, unknown>): Promise<Weir> =>
  on.start({ ...(await counting()), vars });

const get = async (sub: string, address: string) =>
  on.weir.fetch('/echo', { headers: { ...(await bearer({ sub })), 'CF-Connecting-IP': address } });

describe('a request that meets subject, address and everyone', () => {
  it('asks each once', async () => {
    await start({ LIMITS: '10/minute', IP_LIMITS: '20/minute', GLOBAL_LIMITS: '30/minute' });
    const answer = await get('alice', '192.0.2.1');
    expect(answer.headers.get('RateLimit-Policy')).toBe(
      '"10/minute";q=10;w=60, "ip:20/minute";q=20;w=60, "global:30/minute";q=30;w=60',
    );
    expect(await callsOf(on.weir)).toEqual({ consume: 3, giveBack: 0 });
  });

  it('gives back, with one return each, what the others granted where one denies', async () => {
    await start({ LIMITS: '1/minute', IP_LIMITS: '20/minute', GLOBAL_LIMITS: '30/minute', LEASES: 'off' });
    await get('alice', '192.0.2.1');
    const before = await callsOf(on.weir);
    const denied = await get('alice', '192.0.2.1');
    expect(denied.status).toBe(429);
    expect(await denied.json()).toMatchObject({ 'violated-policies': ['1/minute'] });
    await expect
      .poll(() => callsOf(on.weir))
      .toEqual({ consume: before.consume + 3, giveBack: before.giveBack + 2 });
    const other = await get('bob', '192.0.2.1');
    expect(other.headers.get('RateLimit')).toMatch(/"ip:20\/minute";r=18;.*"global:30\/minute";r=28;/);
  });

  it('names every policy that denied', async () => {
    await start({ LIMITS: '1/minute', IP_LIMITS: '1/minute', GLOBAL_LIMITS: '30/minute' });
    await get('alice', '192.0.2.1');
    const denied = await get('alice', '192.0.2.1');
    expect(await denied.json()).toMatchObject({ 'violated-policies': ['1/minute', 'ip:1/minute'] });
  });

  it('counts an IPv6 client by its /64', async () => {
    await start({ IP_LIMITS: '2/minute' });
    expect((await get('alice', '2001:db8:0:1::1')).status).toBe(200);
    expect((await get('bob', '2001:db8:0:1:ffff::2')).status).toBe(200);
    expect((await get('carol', '2001:DB8::1:0:0:0:3')).status).toBe(429);
    expect((await get('carol', '2001:db8:0:2::1')).status).toBe(200);
  });
});

describe('a spent subject', () => {
  it('hardly ever leaves the isolate: its denial is kept there', async () => {
    await start({ LIMITS: '5/minute' });
    const headers = await bearer();
    for (let i = 0; i < 6; i++) await on.weir.fetch('/echo', { headers });
    const { consume } = await callsOf(on.weir);
    for (let i = 0; i < 500; i++) expect((await on.weir.fetch('/echo', { headers })).status).toBe(429);
    expect((await callsOf(on.weir)).consume - consume).toBeLessThanOrEqual(1);
  });

  it('reaches no other partition’s Limiter either, whose policies are too short to be leased', async () => {
    await start({ LIMITS: '5/minute', IP_LIMITS: '1000/second', GLOBAL_LIMITS: '2000/second' });
    const headers = { ...(await bearer()), 'CF-Connecting-IP': '192.0.2.1' };
    for (let i = 0; i < 6; i++) await on.weir.fetch('/echo', { headers });
    const before = await callsOf(on.weir);
    for (let i = 0; i < 200; i++) expect((await on.weir.fetch('/echo', { headers })).status).toBe(429);
    const after = await callsOf(on.weir);
    expect(after.consume + after.giveBack - before.consume - before.giveBack).toBeLessThanOrEqual(6);
  });
});
