// Routes, tiers, anonymous callers, preflights, shadow mode and several issuers on the built Worker.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, call, exchange } from '../fixtures/client.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

let origin: Origin;
const running: Weir[] = [];

beforeAll(async () => {
  origin = await startOrigin();
});
afterAll(async () => {
  await Promise.all(running.map((weir) => weir.close()));
  await origin.close();
});
beforeEach(() => origin.clear());

const start = async (vars: Record<string, unknown>): Promise<Weir> => {
  const weir = await startWeir({ vars: { ORIGIN_URL: origin.url, ...vars } });
  running.push(weir);
  return weir;
};

/** Every test has callers and addresses of its own, so that no quota is shared between them. */
let callers = 0;
const someone = () => `caller-${callers++}`;
const somewhere = () => `192.0.2.${callers++ % 256}`;

const get = async (weir: Weir, path: string, claims: Record<string, unknown>): Promise<Answer> =>
  call(weir.url + path, { headers: await bearer(claims) });

const from = (
  weir: Weir,
  path: string,
  address: string,
  headers: Record<string, string> = {},
): Promise<Answer> => call(weir.url + path, { headers: { 'CF-Connecting-IP': address, ...headers } });

const statuses = async (count: number, ask: () => Promise<Answer>): Promise<number[]> => {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push((await ask()).status);
  return all;
};

describe('a route', () => {
  let weir: Weir;

  beforeAll(async () => {
    weir = await start({
      LIMITS: '20/minute',
      IP_LIMITS: '50/minute',
      GLOBAL_LIMITS: '10000/minute',
      ANONYMOUS_LIMITS: '3/minute',
      ROUTES: [
        { name: 'public', match: '/public/*', auth: 'none' },
        { name: 'maybe', match: '/maybe/*', auth: 'optional' },
        { name: 'exempt', match: '/status/*', limits: 'none' },
        { name: 'login', match: '/login', methods: ['POST'], auth: 'none', limits: '2/minute' },
        { name: 'read', match: '/read/*', methods: ['GET'], limits: '2/minute' },
        { name: 'api', match: '/api/*', limits: '9/minute' },
        { name: 'search', match: '/search/*', limits: '10/minute', cost: 5 },
        { name: 'smooth', match: '/smooth', limits: '2/minute', algorithm: 'gcra' },
        { name: 'admin', match: '/admin/*', scopes: ['admin', 'write'] },
      ],
    });
  });

  it('adds its limits to the caller’s own, and counts apart from other routes', async () => {
    const claims = { sub: someone() };
    const first = await get(weir, '/read/a', claims);
    expect(first.headers['ratelimit-policy']).toBe(
      '"20/minute";q=20;w=60, "read:2/minute";q=2;w=60, "ip:50/minute";q=50;w=60, "global:10000/minute";q=10000;w=60',
    );
    expect(await statuses(2, () => get(weir, '/read/b', claims))).toEqual([200, 429]);
    const denied = await get(weir, '/read/c', claims);
    expect(denied.json()['violated-policies']).toEqual(['read:2/minute']);
    expect((await get(weir, '/api/a', claims)).status).toBe(200);
    expect((await get(weir, '/elsewhere', claims)).status).toBe(200);
  });

  it('counts HEAD as GET, and other methods not at all', async () => {
    const headers = await bearer({ sub: someone() });
    const ask = (method: string) => call(`${weir.url}/read/a`, { method, headers });
    expect((await ask('HEAD')).status).toBe(200);
    expect((await ask('GET')).status).toBe(200);
    expect((await ask('HEAD')).status).toBe(429);
    expect((await ask('DELETE')).status).toBe(200);
  });

  it('spends its cost of every policy', async () => {
    const claims = { sub: someone() };
    const first = await get(weir, '/search/a', claims);
    expect(first.headers.ratelimit).toMatch(/"20\/minute";r=15;.*"search:10\/minute";r=5;/);
    expect(await statuses(2, () => get(weir, '/search/a', claims))).toEqual([200, 429]);
  });

  it('has an algorithm of its own for its own limits', async () => {
    const claims = { sub: someone() };
    expect(await statuses(3, () => get(weir, '/smooth', claims))).toEqual([200, 200, 429]);
    const denied = await get(weir, '/smooth', claims);
    // One permit every 30 seconds; a sliding window would give the first one back after 60.
    expect(Number(denied.headers['retry-after'])).toBeLessThanOrEqual(30);
  });

  it('with limits "none" is exempt from all but the global limits', async () => {
    const claims = { sub: someone() };
    const answers = await Promise.all(Array.from({ length: 60 }, () => get(weir, '/status/204', claims)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    expect(answers[0]?.headers['ratelimit-policy']).toBe('"global:10000/minute";q=10000;w=60');
  });

  it('with auth "none" ignores tokens, counts by address, and passes no identity on', async () => {
    const address = somewhere();
    const forged = { Authorization: 'Bearer junk', 'X-Auth-Subject': 'root' };
    expect(await statuses(4, () => from(weir, '/public/a', address, forged))).toEqual([200, 200, 200, 429]);
    expect(origin.last.headers['x-auth-subject']).toBeUndefined();
    expect((await from(weir, '/public/a', somewhere())).status).toBe(200);
  });

  it('with auth "optional" takes a caller without a token as anonymous, and a bad token as what it is', async () => {
    const address = somewhere();
    expect(await statuses(4, () => from(weir, '/maybe/a', address))).toEqual([200, 200, 200, 429]);
    const named = await from(weir, '/maybe/a', address, await bearer({ sub: someone() }));
    expect(named.status).toBe(200);
    expect(named.headers['ratelimit-policy']).toContain('"20/minute"');
    expect(origin.last.headers['x-auth-subject']).toMatch(/^caller-/);
    expect((await from(weir, '/maybe/a', somewhere(), { Authorization: 'Bearer a.b.c' })).status).toBe(401);
  });

  it('with scopes wants all of them, and one 403 says no more', async () => {
    const sub = someone();
    expect((await call(`${weir.url}/admin/a`)).status).toBe(401);
    const lacking = await get(weir, '/admin/a', { sub, scope: 'write' });
    expect(lacking.status).toBe(403);
    expect(lacking.headers['www-authenticate']).toMatch(/error="insufficient_scope"$/);
    expect(origin.count).toBe(0);
    expect((await get(weir, '/admin/a', { sub, scope: 'write admin' })).status).toBe(200);
    const fields = await get(weir, '/admin/a', { sub, scp: ['admin', 'write'] });
    // The 401 and the 403 spent nothing.
    expect(fields.headers.ratelimit).toContain('"20/minute";r=18;');
  });

  it.each([
    '/api/..%2fadmin/a',
    '/public/..%2fadmin/a',
    '/status/..%2Fadmin/a',
    '/public/%2e%2e/admin/a',
    '/public/..;/admin/a',
    '/public/..%5cadmin/a',
    '/public/..%c0%afadmin/a',
    '/public/%252e%252e%252fadmin/a',
    '/%61dmin/a',
    '/ADMIN/a',
    '//admin//a',
    '/admin;v=1/a',
    '/admin/a%00',
    '/admin',
    '/./admin/a',
    '/public\\..\\admin\\a',
  ])('is not left by spelling its path %s', async (path) => {
    const { Authorization } = await bearer({ sub: someone() });
    const lines = [
      `GET ${path} HTTP/1.1`,
      'Host: api.test',
      `Authorization: ${Authorization}`,
      'Connection: close',
      '',
      '',
    ];
    const answer = await exchange(weir.url, lines.join('\r\n'));
    expect(answer.split('\r\n')[0]).toBe('HTTP/1.1 403 Forbidden');
    expect(origin.count).toBe(0);
  });

  it('is not opened by spelling another path like an open one', async () => {
    for (const path of ['/x/..%2fpublic/a', '/PUBLIC/a', '//public/a', '/public/..%2fa', '/%70ublic/a'])
      expect((await from(weir, path, somewhere())).status, path).toBe(401);
  });

  it('keeps its limit, and asks for a token too, where its path is spelled unusually', async () => {
    const headers = await bearer({ sub: someone() });
    const ask = (path: string) => call(weir.url + path, { method: 'POST', headers });
    expect(await statuses(3, () => ask('//login'))).toEqual([200, 200, 429]);
    expect((await call(`${weir.url}//login`, { method: 'POST' })).status).toBe(401);
  });

  it('forwards ordinary paths with %2F, spaces and umlauts as they were sent', async () => {
    const headers = await bearer({ sub: someone() });
    for (const path of [
      '/files/a%2Fb',
      '/files/a%20b?q=a%2Fb&r',
      '/files/%C3%A9',
      '/files/100%25',
      '/a;v=1/b/',
    ]) {
      expect((await call(weir.url + path, { headers })).status).toBe(200);
      expect(origin.last.url).toBe(path);
    }
  });

  it('reads a form for the method that it names, and hands it on as it came', async () => {
    const strict = await start({
      ROUTES: [{ name: 'delete', match: '/sink/:id', methods: ['DELETE'], scopes: ['delete'] }],
    });
    const post = async (body: string, headers: Record<string, string> = {}, path = '/sink/5') =>
      call(strict.url + path, {
        method: 'POST',
        headers: {
          ...(await bearer({ sub: someone() })),
          'Content-Type': 'application/x-www-form-urlencoded',
          ...headers,
        },
        body,
      });
    expect((await post('a=b&_method=DELETE')).status).toBe(403);
    expect((await post('a=b', { 'Content-Encoding': 'gzip' })).status).toBe(403);
    expect((await post(`${'a'.repeat(70_000)}`)).status).toBe(403);
    expect(origin.count).toBe(0);
    for (const body of ['a=b&_method=PATCH', 'a=b', `a=${'b'.repeat(60_000)}`, '{"payment_method":1}']) {
      const answer = await post(body);
      expect(answer.status).toBe(200);
      expect(origin.last.headers['content-length']).toBe(String(body.length));
      expect(origin.last.bytes).toBe(body.length);
    }
    expect((await post(`_method=DELETE&${'a'.repeat(70_000)}`, {}, '/sink')).status).toBe(200);
  });

  it('decides by the method and path sent, and removes headers that would make the origin see others', async () => {
    const headers = {
      ...(await bearer({ sub: someone() })),
      'X-HTTP-Method-Override': 'DELETE',
      'X-HTTP-Method': 'DELETE',
      'X-Method-Override': 'DELETE',
      'X-Original-URL': '/admin/a',
      X_Rewrite_URL: '/admin/a',
      SCRIPT_NAME: '/read',
      'X-Script-Name': '/read',
      'Path-Info': '/admin/a',
    };
    expect((await call(`${weir.url}/read/a`, { headers })).status).toBe(200);
    expect(
      Object.keys(origin.last.headers).filter((name) =>
        /override|http-method|original|rewrite|script|path.info/.test(name),
      ),
    ).toEqual([]);
  });
});

describe('a preflight', () => {
  const preflight = (weir: Weir, path: string, address: string) =>
    call(weir.url + path, {
      method: 'OPTIONS',
      headers: {
        'CF-Connecting-IP': address,
        Origin: 'https://app.example',
        'Access-Control-Request-Method': 'POST',
      },
      body: 'a body it should not have',
    });

  it('needs no token, has a limit by address, and goes on without a body', async () => {
    const weir = await start({
      PREFLIGHT_LIMITS: '3/minute',
      ROUTES: [{ name: 'search', match: '/search', limits: '2/minute', cost: 2, scopes: ['search'] }],
    });
    const address = somewhere();
    expect(await statuses(4, () => preflight(weir, '/search', address))).toEqual([200, 200, 200, 429]);
    expect(origin.last.method).toBe('OPTIONS');
    expect(origin.last.bytes).toBe(0);
    expect((await preflight(weir, '/', somewhere())).headers['ratelimit-policy']).toBe(
      '"preflight:3/minute";q=3;w=60',
    );
    const plain = await call(`${weir.url}/search`, { method: 'OPTIONS' });
    expect(plain.status).toBe(401);
  });
});

describe('a tier', () => {
  let weir: Weir;

  beforeAll(async () => {
    weir = await start({
      LIMITS: '2/minute',
      TIER_CLAIM: 'plan.name',
      TIERS: { pro: '4/minute', team: '4/minute; 100/hour' },
    });
  });

  it('replaces the default limits', async () => {
    const pro = { sub: someone(), plan: { name: 'pro' } };
    expect(await statuses(5, () => get(weir, '/', pro))).toEqual([200, 200, 200, 200, 429]);
    const team = await get(weir, '/', { sub: someone(), plan: { name: 'team' } });
    expect(team.headers['ratelimit-policy']).toBe('"4/minute";q=4;w=60, "100/hour";q=100;w=3600');
  });

  it('that is unknown, missing or no word leaves the default limits', async () => {
    for (const plan of [{ name: 'gold' }, { name: '__proto__' }, { name: 7 }, {}, 'pro', undefined]) {
      const answer = await get(weir, '/', { sub: someone(), plan });
      expect(answer.headers['ratelimit-policy'], JSON.stringify(plan)).toBe('"2/minute";q=2;w=60');
    }
  });

  it('that is unknown is told to the log once, without its name', async () => {
    for (let i = 0; i < 3; i++) await get(weir, '/', { sub: someone(), plan: { name: 'platinum' } });
    const lines = () => weir.logs().filter(({ message }) => message.includes('tier_unknown'));
    await expect.poll(lines).toHaveLength(1);
    expect(JSON.parse(lines()[0]?.message ?? '')).toEqual({
      outcome: 'tier_unknown',
      expected: ['pro', 'team'],
    });
  });

  it('that is new keeps what was spent', async () => {
    const sub = someone();
    expect(await statuses(3, () => get(weir, '/', { sub }))).toEqual([200, 200, 429]);
    expect(await statuses(3, () => get(weir, '/', { sub, plan: { name: 'pro' } }))).toEqual([200, 200, 429]);
  });
});

describe('shadow mode', () => {
  it('for all decides and reports, but sends no 429; 401 and 403 stand', async () => {
    const weir = await start({
      MODE: 'shadow',
      LIMITS: '2/minute',
      ROUTES: [
        { name: 'strict', match: '/strict', mode: 'enforce' },
        { name: 'admin', match: '/admin', scopes: ['admin'] },
      ],
    });
    const claims = { sub: someone() };
    expect(await statuses(4, () => get(weir, '/', claims))).toEqual([200, 200, 200, 200]);
    expect((await get(weir, '/', claims)).headers.ratelimit).toMatch(/^"2\/minute";r=0;t=\d+$/);
    const lines = () => weir.logs().map(({ message }) => JSON.parse(message) as Record<string, unknown>);
    await expect
      .poll(lines)
      .toContainEqual(
        expect.objectContaining({ outcome: 'denied', policy: '2/minute', shadow: true, status: 200 }),
      );
    expect((await get(weir, '/strict', claims)).status).toBe(429);
    expect((await call(weir.url)).status).toBe(401);
    expect((await get(weir, '/admin', claims)).status).toBe(403);
  });

  it('of one route shadows that route’s own limits alone: the caller’s own and those of all still hold there', async () => {
    const weir = await start({
      LIMITS: '3/minute',
      GLOBAL_LIMITS: '5/minute',
      ROUTES: [{ name: 'new', match: '/new/*', mode: 'shadow', limits: '1/minute' }],
    });
    const [one, other] = [{ sub: someone() }, { sub: someone() }];
    expect(await statuses(4, () => get(weir, '/new/a', one))).toEqual([200, 200, 200, 429]);
    expect(await statuses(3, () => get(weir, '/new/a', other))).toEqual([200, 200, 429]);
    const lines = () => weir.logs().map(({ message }) => JSON.parse(message) as Record<string, unknown>);
    await expect
      .poll(lines)
      .toContainEqual(expect.objectContaining({ policy: 'new:1/minute', shadow: true, status: 200 }));
  });
});

describe('several issuers', () => {
  const keysOf = (): { publicKey: KeyObject; privateKey: KeyObject } =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const staff = { issuer: 'https://staff.example', keys: keysOf() };
  const partners = { issuer: 'https://partners.example', keys: keysOf() };

  const token = (iss: string, { privateKey }: { privateKey: KeyObject }, aud: string, typ = 'JWT') =>
    new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'ES256', typ })
      .setIssuer(iss)
      .setAudience(aud)
      .setExpirationTime('1h')
      .sign(privateKey);

  it('each have their own keys, audience and typ, and never share a quota', async () => {
    const jwk = ({ publicKey }: { publicKey: KeyObject }) => publicKey.export({ format: 'jwk' });
    const weir = await start({
      LIMITS: '2/minute',
      JWT_ISSUER: '',
      JWT_AUDIENCE: '',
      JWT_PUBLIC_KEY: '',
      ISSUERS: [
        { issuer: staff.issuer, public_key: jwk(staff.keys), audience: 'internal', typ: 'at+jwt' },
        { issuer: partners.issuer, public_key: jwk(partners.keys), audience: ['api', 'beta'] },
      ],
    });
    const ask = async (made: Promise<string>) =>
      call(weir.url, { headers: { Authorization: `Bearer ${await made}` } });
    const ofStaff = () => ask(token(staff.issuer, staff.keys, 'internal', 'at+jwt'));
    const ofPartners = () => ask(token(partners.issuer, partners.keys, 'beta'));
    expect(await statuses(3, ofStaff)).toEqual([200, 200, 429]);
    expect(await statuses(3, ofPartners)).toEqual([200, 200, 429]);
    const refused = [
      token(staff.issuer, partners.keys, 'internal', 'at+jwt'),
      token(partners.issuer, staff.keys, 'api'),
      token(staff.issuer, staff.keys, 'api', 'at+jwt'),
      token(staff.issuer, staff.keys, 'internal', 'JWT'),
      token(partners.issuer, partners.keys, 'internal'),
      token('https://others.example', staff.keys, 'internal', 'at+jwt'),
      token(`${staff.issuer}/`, staff.keys, 'internal', 'at+jwt'),
    ];
    for (const made of refused) expect((await ask(made)).status).toBe(401);
  });
});

it('a bad var answers 500 without details, and the log names it and what was expected', async () => {
  const weir = await start({ LIMITS: 'ten/minute', JWT_SECRET: 'hunter2' });
  const answer = await call(weir.url);
  expect(answer.status).toBe(500);
  expect(String(answer.body)).not.toMatch(/LIMITS|ten/);
  await expect
    .poll(() =>
      weir
        .logs()
        .map(({ message }) => message)
        .join(),
    )
    .toContain('`LIMITS`: expected `<quota>/<unit>`, got `ten/minute`');
  expect(
    weir
      .logs()
      .map(({ message }) => message)
      .join(),
  ).not.toContain('hunter2');
});
