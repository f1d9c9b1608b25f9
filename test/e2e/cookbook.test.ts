// Every example of docs/cookbook.md, taken from the page and run on the built Worker.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type CallOptions, call } from '../fixtures/client.ts';
import { IdentityProvider } from '../fixtures/identity-provider.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/cookbook.md'), 'utf8');

/** The TOML block of each section, by its heading. */
const recipes = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split('\n', 1)[0] ?? '', /```toml\n(.*?)```/s.exec(section)?.[1] ?? '']),
);

let origin: Origin;
const running: Weir[] = [];

beforeAll(async () => {
  origin = await startOrigin();
});
afterAll(async () => {
  await Promise.all(running.map((weir) => weir.close()));
  await origin.close();
});

/** @param vars where a recipe says nothing of them: whose tokens are trusted. */
const startWith = async (toml: string, vars: Record<string, unknown> = {}): Promise<Weir> => {
  const recipe = parse(toml).vars as Record<string, unknown>;
  const weir = await startWeir({ vars: { ORIGIN_URL: origin.url, ...recipe, ...vars } });
  running.push(weir);
  return weir;
};

const get = async (weir: Weir, path: string, claims: Record<string, unknown> = {}): Promise<Answer> =>
  call(weir.url + path, { headers: await bearer(claims) });

const from = (weir: Weir, path: string, address: string, options: CallOptions = {}): Promise<Answer> =>
  call(weir.url + path, { ...options, headers: { 'CF-Connecting-IP': address, ...options.headers } });

const statuses = async (count: number, ask: () => Promise<Answer>): Promise<number[]> => {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push((await ask()).status);
  return all;
};

/** An origin that answers `?status=` and tells `?tokens=` in a field. */
const startAnswering = async () => {
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://origin').searchParams;
    response.writeHead(Number(query.get('status')), { 'X-Tokens-Used': query.get('tokens') ?? '' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: async () => void server.close() };
};

const policiesOf = ({ headers }: Answer) =>
  [...String(headers['ratelimit-policy'] ?? '').matchAll(/"([^"]+)";q=/g)].map(([, name]) => name);

/** What each recipe promises. */
const promises: Readonly<Record<string, (toml: string) => Promise<void>>> = {
  async 'Limits per user'(toml) {
    const weir = await startWith(toml);
    const headers = await bearer({ sub: 'alice' });
    const answers = await Promise.all(Array.from({ length: 60 }, () => call(weir.url, { headers })));
    const denied = answers.find(({ status }) => status === 429);
    expect(denied?.json()['violated-policies']).toEqual(['10/second']);
    const bob = await get(weir, '/', { sub: 'bob' });
    expect(bob.status).toBe(200);
    expect(policiesOf(bob)).toEqual(['10/second', '1000/hour']);
  },

  async 'A user and its organisation'(toml) {
    const weir = await startWith(toml);
    const of = (sub: string) => () => get(weir, '/', { sub, org: { id: 'acme' } });
    for (const sub of ['a', 'b', 'c'])
      expect(await statuses(101, of(sub))).toEqual([...Array(100).fill(200), 429]);
    expect((await of('d')()).status).toBe(429);
  },

  async 'Requests in flight'(toml) {
    const weir = await startWith(toml);
    const hanging = async (sub: string, count: number) => {
      const headers = await bearer({ sub, org: { id: 'acme' } });
      const answers = await Promise.all(
        Array.from({ length: count }, () => call(`${weir.url}/slow?ms=4000`, { headers })),
      );
      return answers.filter(({ status }) => status === 200).length;
    };
    const passed = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((sub) => hanging(sub, 6)));
    expect(Math.max(...passed)).toBe(5);
    expect(passed.reduce((sum, each) => sum + each, 0)).toBe(20);
    expect(policiesOf(await get(weir, '/', { sub: 'a', org: { id: 'acme' } }))).toEqual([
      '1000/minute',
      '5 at once',
      '20 at once by org.id',
    ]);
  },

  async 'Limits per plan'(toml) {
    const weir = await startWith(toml);
    const policies = async (plan?: string) => policiesOf(await get(weir, '/', { sub: `of-${plan}`, plan }));
    expect(await policies()).toEqual(['10/minute']);
    expect(await policies('gold')).toEqual(['10/minute']);
    expect(await policies('pro')).toEqual(['100/minute']);
    expect(await policies('enterprise')).toEqual(['1000/minute', '100000/day']);
    expect(await statuses(11, () => get(weir, '/', { sub: 'alice' }))).toEqual([...Array(10).fill(200), 429]);
    const upgraded = await get(weir, '/', { sub: 'alice', plan: 'pro' });
    expect(upgraded.headers.ratelimit).toMatch(/^"100\/minute";r=89;/);
  },

  async 'An expensive search route'(toml) {
    const weir = await startWith(toml);
    const claims = { sub: 'alice' };
    expect(await statuses(11, () => get(weir, '/api/search/x', claims))).toEqual([
      ...Array(10).fill(200),
      429,
    ]);
    const other = await get(weir, '/api/items', claims);
    expect(other.headers.ratelimit).toMatch(/^"100\/minute";r=49;/);
  },

  async 'A public route'(toml) {
    const weir = await startWith(toml);
    const limited = [...Array(30).fill(200), 429];
    expect(await statuses(31, () => from(weir, '/docs/a', '192.0.2.1'))).toEqual(limited);
    expect(await statuses(31, () => from(weir, '/catalogue/a', '192.0.2.2'))).toEqual(limited);
    expect(policiesOf(await get(weir, '/catalogue/a'))).toEqual(['100/minute', 'global:100000/minute']);
    const junk = { headers: { Authorization: 'Bearer junk' } };
    expect((await from(weir, '/catalogue/a', '192.0.2.3', junk)).status).toBe(401);
    expect((await from(weir, '/docs/a', '192.0.2.3', junk)).status).toBe(200);
    expect(policiesOf(await from(weir, '/uptime', '192.0.2.1'))).toEqual(['global:100000/minute']);
    for (const path of ['/', '//docs/a', '/docs/..%2fadmin', '/DOCS/a'])
      expect((await from(weir, path, '192.0.2.3')).status, path).toBe(401);
  },

  async 'A login route, by address'(toml) {
    const weir = await startWith(toml);
    const login = (address: string) => from(weir, '/login', address, { method: 'POST', body: 'name=alice' });
    expect(await statuses(6, () => login('192.0.2.1'))).toEqual([200, 200, 200, 200, 200, 429]);
    expect((await login('192.0.2.2')).status).toBe(200);
    expect(policiesOf(await login('192.0.2.3'))).toEqual([
      '60/minute',
      'login:5/minute',
      'login:30/hour',
      'ip:600/minute',
    ]);
    for (const path of ['/login/', '//login', '/LOGIN', '/%6cogin', '/login;x=1'])
      expect((await from(weir, path, '192.0.2.1', { method: 'POST' })).status, path).toBe(401);
    expect((await from(weir, '/account', '192.0.2.2')).status).toBe(401);
  },

  async 'Moving from Flask-Limiter or slowapi'(toml) {
    const weir = await startWith(toml);
    const headers = await bearer({ sub: 'alice' });
    const report = () => call(`${weir.url}/reports`, { method: 'POST', headers });
    expect(policiesOf(await report())).toEqual(['1000/day', 'reports:10/hour', 'reports:3/5minutes']);
    expect(await statuses(3, report)).toEqual([200, 200, 429]);
    expect(await statuses(60, () => call(`${weir.url}/ping`, { headers }))).toEqual(Array(60).fill(200));
    // Each route has the default limits to itself.
    for (const path of ['/slow', '/other'])
      expect(await statuses(51, () => call(weir.url + path, { headers }))).toEqual([
        ...Array(50).fill(200),
        429,
      ]);
  },

  async 'A login that counts only failures'(toml) {
    const there = await startAnswering();
    const weir = await startWith(toml, { ORIGIN_URL: there.url });
    const login = (status: number, address = '192.0.2.1') =>
      from(weir, `/login?status=${status}`, address, { method: 'POST' });
    expect(await statuses(20, () => login(200))).toEqual(Array(20).fill(200));
    expect(await statuses(4, () => login(401))).toEqual([401, 401, 401, 429]);
    expect([(await login(200)).status, (await login(200, '192.0.2.2')).status]).toEqual([429, 200]);
    await there.close();
  },

  async 'A model’s tokens'(toml) {
    const there = await startAnswering();
    const weir = await startWith(toml, { ORIGIN_URL: there.url });
    const ask = (tokens: number) => get(weir, `/v1/chat/completions?status=200&tokens=${tokens}`);
    const first = await ask(300);
    expect(first.headers['x-tokens-used']).toBeUndefined();
    expect(first.headers.ratelimit).toMatch(/^"model:20000\/minute";r=19700;/);
    expect((await ask(30_000)).status).toBe(200);
    await expect.poll(async () => (await ask(1)).status).toBe(429);
    await there.close();
  },

  async 'Rolling out in shadow mode'(toml) {
    const weir = await startWith(toml);
    const claims = { sub: 'alice' };
    expect(await statuses(4, () => get(weir, '/export/a', claims))).toEqual([200, 200, 200, 429]);
    expect(await statuses(70, () => get(weir, '/', claims))).toEqual(Array(70).fill(200));
    expect((await get(weir, '/', claims)).headers.ratelimit).toMatch(/^"60\/minute";r=0;/);
    expect((await call(weir.url)).status).toBe(401);
  },

  async 'Two identity providers'(toml) {
    const [login, partners] = await Promise.all([IdentityProvider.start(), IdentityProvider.start()]);
    const there = toml
      .replaceAll('https://login.example.com', login.issuer)
      .replaceAll('https://partners.example.net', partners.issuer);
    const weir = await startWith(there, { JWT_ISSUER: '', JWT_AUDIENCE: '', JWT_PUBLIC_KEY: '' });
    const ask = async (token: string | Promise<string>) =>
      call(weir.url, { headers: { Authorization: `Bearer ${await token}` } });
    const aud = 'https://api.example.com';
    const beta = 'https://beta.example.com';
    const ofLogin = login.sign({ ...login.goodClaims(), aud });
    const ofPartners = partners.sign({ ...partners.goodClaims(), aud: beta }, { typ: 'JWT' }, 'ES256');
    for (const token of [ofLogin, ofPartners])
      expect((await ask(token)).headers.ratelimit).toMatch(/^"100\/minute";r=99;/);
    const refused = [
      login.sign({ ...partners.goodClaims(), aud }, {}, 'ES256'),
      partners.sign({ ...login.goodClaims(), aud }),
      login.sign({ ...login.goodClaims(), aud: beta }),
      login.sign({ ...login.goodClaims(), aud }, { typ: 'JWT' }),
      partners.sign({ ...partners.goodClaims(), aud }, {}, 'RS256'),
    ];
    for (const token of refused) expect((await ask(token)).status).toBe(401);
    await Promise.all([login.stop(), partners.stop()]);
  },
};

describe('the cookbook', () => {
  it('has a test for every recipe, and no other', () => {
    expect([...recipes.keys()].toSorted()).toEqual(Object.keys(promises).toSorted());
  });

  it.for(Object.keys(promises))('%s', async (title) => {
    const toml = recipes.get(title) ?? '';
    expect(toml).toContain('[vars]');
    await promises[title]?.(toml);
  });
});
