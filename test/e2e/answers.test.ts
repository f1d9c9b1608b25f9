// What a caller sees by the vars about fields, bodies and addresses, on the built Worker.
import { describe, expect, it } from 'vitest';
import { call } from '../fixtures/client.ts';
import { stage } from '../fixtures/stage.ts';
import { bearer } from '../fixtures/weir.ts';

const on = stage();

const from = (address: string, headers: Record<string, string> = {}) =>
  call(`${on.weir.url}/open`, { headers: { 'CF-Connecting-IP': address, ...headers } });

const OPEN = [{ name: 'open', match: '/open', auth: 'optional' }];

describe('RATELIMIT_HEADERS', () => {
  it('legacy: the policy nearest its end, on good answers and on a 429', async () => {
    await on.start({ vars: { LIMITS: '2/minute; 1000/hour', RATELIMIT_HEADERS: 'legacy' } });
    const headers = await bearer();
    const [first, second, denied] = [
      await call(on.weir.url, { headers }),
      await call(on.weir.url, { headers }),
      await call(on.weir.url, { headers }),
    ];
    expect([first, second, denied].map((answer) => answer?.headers['x-ratelimit-remaining'])).toEqual([
      '1',
      '0',
      '0',
    ]);
    expect(denied?.status).toBe(429);
    expect(denied?.headers['x-ratelimit-limit']).toBe('2');
    const reset = Number(denied?.headers['x-ratelimit-reset']) - Date.now() / 1000;
    expect(Math.abs(reset - Number(denied?.headers['retry-after']))).toBeLessThan(3);
    expect(denied?.headers.ratelimit).toBeUndefined();
  });

  it('none: no field, and a 429 has its Retry-After alone', async () => {
    await on.start({ vars: { LIMITS: '1/minute', RATELIMIT_HEADERS: 'none' } });
    const headers = await bearer();
    await call(on.weir.url, { headers });
    const denied = await call(on.weir.url, { headers });
    expect(denied.status).toBe(429);
    expect(Object.keys(denied.headers).filter((name) => name.includes('ratelimit'))).toEqual([]);
    expect(Number(denied.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('RESPONSES', () => {
  it('has the same bytes for every refusal of a status, and leaves the fields and the origin’s answers alone', async () => {
    await on.start({
      vars: {
        LIMITS: '1/minute',
        RESPONSES: {
          401: { type: 'text/html; charset=utf-8', body: '<h1>Sign in</h1>' },
          429: { type: 'text/plain', body: 'slow down' },
        },
      },
    });
    const bad = ['Bearer junk', `Bearer ${'x'.repeat(50)}.y.z`];
    const refused = await Promise.all(
      [{}, ...bad.map((Authorization) => ({ Authorization }))].map((headers) =>
        call(on.weir.url, { headers }),
      ),
    );
    for (const answer of refused) {
      expect([answer.status, answer.body.toString(), answer.headers['content-type']]).toEqual([
        401,
        '<h1>Sign in</h1>',
        'text/html; charset=utf-8',
      ]);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
    const headers = await bearer();
    expect((await call(`${on.weir.url}/status/404`, { headers })).status).toBe(404);
    const denied = await call(on.weir.url, { headers });
    expect([denied.status, denied.body.toString()]).toEqual([429, 'slow down']);
    expect(denied.headers.ratelimit).toMatch(/r=0/);
    expect(Number(denied.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('addresses', () => {
  it('EXEMPT_ADDRESSES are held by nothing but what is by everyone; their tokens are checked', async () => {
    await on.start({
      vars: {
        LIMITS: '1/minute',
        ANONYMOUS_LIMITS: '1/minute',
        IP_LIMITS: '1/minute',
        GLOBAL_LIMITS: '9/minute',
        EXEMPT_ADDRESSES: '192.0.2.0/24, 2001:db8::/32',
        ROUTES: OPEN,
      },
    });
    const token = await bearer();
    for (const address of ['192.0.2.7', '::ffff:192.0.2.8', '2001:db8:1::1'])
      expect([
        (await from(address)).status,
        (await from(address, token)).status,
        (await from(address)).status,
      ]).toEqual([200, 200, 200]);
    expect((await from('192.0.2.7', { Authorization: 'Bearer junk' })).status).toBe(401);
    expect((await from('192.0.2.7')).status).toBe(429);
  });

  it('an IPv4 address written as IPv6 is the same client', async () => {
    await on.start({ vars: { ANONYMOUS_LIMITS: '2/minute', ROUTES: OPEN } });
    expect((await from('192.0.2.1')).status).toBe(200);
    expect((await from('::ffff:192.0.2.1')).status).toBe(200);
    expect((await from('192.0.2.1')).status).toBe(429);
    expect((await from('::ffff:192.0.2.2')).status).toBe(200);
  });

  it('IPV6_PREFIX says how much of an address is one client', async () => {
    await on.start({ vars: { ANONYMOUS_LIMITS: '1/minute', IPV6_PREFIX: '48', ROUTES: OPEN } });
    expect((await from('2001:db8:1:1::1')).status).toBe(200);
    expect((await from('2001:db8:1:2::1')).status).toBe(429);
    expect((await from('2001:db8:2:1::1')).status).toBe(200);
  });
});
