// The admin API of the built Worker: what it answers, what it refuses, and that its document tells the truth.
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { holm, ksProbability, quantile } from '../../tools/statistics.ts';
import {
  ADMIN_TOKEN,
  type Admin,
  type Answer,
  adminOf,
  checkerOf,
  type Document,
} from '../fixtures/admin.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { TimedConnection } from '../fixtures/raw-http.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { bearer, ISSUER, mint, startWeir, type Weir } from '../fixtures/weir.ts';

let origin: Origin;
let weir: Weir;
let admin: Admin;
/** Of every answer of these tests: what the OpenAPI document says against it. */
const objections: string[] = [];

const secrets = {
  ADMIN_TOKEN,
  PARTITION_SECRET: 'sixteen bytes at least',
  ORIGIN_SECRET: 'an-origin-secret-never-shown',
};

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({ vars: { ORIGIN_URL: origin.url, LIMITS: '10/minute' }, secrets });
  const call = adminOf(weir);
  const check = checkerOf((await call('GET', 'openapi.json')).body as unknown as Document);
  admin = async (method, path, body, headers) => {
    const answer = await call(method, path, body, headers);
    const objection = check(method, path, answer);
    if (objection !== undefined) objections.push(`${method} ${path} ${answer.status}: ${objection}`);
    return answer;
  };
});

afterAll(async () => {
  await weir.close();
  await origin.close();
});

let subject = '';
let subjects = 0;
beforeEach(() => {
  subject = `subject-${subjects++}`;
});

const at = (path: string, more = '') => `subjects${path}?subject=${encodeURIComponent(subject)}${more}`;
const later = (ms = 60_000) => new Date(Date.now() + ms).toISOString();
const call = async (claims = {}, path = '/echo') =>
  (await weir.fetch(path, { headers: await bearer({ sub: subject, ...claims }) })).status;

describe('GET subjects', () => {
  it('says what a subject has left of each policy, and since when it is known', async () => {
    await call();
    const { status, body } = await admin('GET', at('', `&issuer=${encodeURIComponent(ISSUER)}`));
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ issuer: ISSUER, subject, partition: expect.stringMatching(/^[0-9a-f]{32}$/) },
      policies: [
        {
          ...{ name: '10/minute', algorithm: 'sliding-window', quota: 10, windowSeconds: 60 },
          ...{ remaining: 9, resetSeconds: expect.any(Number) },
        },
      ],
      override: null,
      revoked: { before: null, until: null, jtis: [] },
      firstSeen: expect.stringMatching(/^20.*Z$/),
      lastSeen: expect.stringMatching(/^20.*Z$/),
    });
  });

  it('knows nothing of a subject that never called', async () => {
    const { status, body } = await admin('GET', at(''));
    expect([status, body.policies, body.firstSeen]).toEqual([200, [], null]);
  });
});

describe('POST reset', () => {
  it('gives a spent subject its quota back, in an isolate that holds the denial within 10 s', async () => {
    const other = await startWeir({
      vars: { ORIGIN_URL: origin.url, LIMITS: '3/minute', LEASES: 'off' },
      secrets,
    });
    const headers = await bearer({ sub: subject });
    const passes = async () => (await other.fetch('/echo', { headers })).status;
    for (const expected of [200, 200, 200, 429]) expect(await passes()).toBe(expected);
    const { status, body } = await adminOf(other)('POST', at('/reset'));
    expect([status, body.policies]).toEqual([200, []]);
    for (const expected of [200, 200, 200, 429]) expect(await passes()).toBe(expected);
    await other.close();
  });
});

describe('PUT override', () => {
  const put = (limits: string, until = later()) =>
    admin('PUT', at('/override'), { limits, until, reason: 'an incident' });

  it('sets other limits at once, which DELETE lifts', async () => {
    await call();
    const { status, body } = await put('2/hour; 20/minute');
    expect(status).toBe(200);
    expect(body.override).toMatchObject({ limits: '2/hour; 20/minute', reason: 'an incident' });
    const answer = await weir.fetch('/echo', { headers: await bearer({ sub: subject }) });
    expect(answer.headers.get('RateLimit-Policy')).toBe('"2/hour";q=2;w=3600, "20/minute";q=20;w=60');
    expect(answer.headers.get('RateLimit')).toMatch(/^"2\/hour";r=1;t=\d+, "20\/minute";r=18;t=\d+$/);
    expect((await admin('DELETE', at('/override'))).body.override).toBeNull();
    const after = await weir.fetch('/echo', { headers: await bearer({ sub: subject }) });
    expect(after.headers.get('RateLimit-Policy')).toBe('"10/minute";q=10;w=60');
  });

  it('exempts with `none`: no policy, no fields', async () => {
    await put('none');
    for (let i = 0; i < 15; i++) expect(await call()).toBe(200);
    const answer = await weir.fetch('/echo', { headers: await bearer({ sub: subject }) });
    expect(answer.headers.has('RateLimit-Policy')).toBe(false);
  });

  it('shuts out with `blocked`: a 429 that says until when', async () => {
    await put('blocked', later(100_000));
    const answer = await weir.fetch('/echo', { headers: await bearer({ sub: subject }) });
    expect(answer.status).toBe(429);
    expect(answer.headers.get('RateLimit')).toMatch(/^"blocked";r=0;t=\d+$/);
    expect(answer.headers.get('RateLimit-Policy')).toMatch(/^"blocked";q=0;w=100$/);
    const wait = Number(answer.headers.get('Retry-After'));
    expect(wait).toBeGreaterThan(95);
    expect(wait).toBeLessThanOrEqual(100);
    expect(await answer.json()).toMatchObject({ 'violated-policies': ['blocked'] });
    expect(await call({ sub: `not ${subject}` })).toBe(200);
  });

  it('is idempotent, and survives eviction', async () => {
    const until = later();
    await put('blocked', until);
    const { body } = await put('blocked', until);
    expect(body.override).toMatchObject({ limits: 'blocked', until });
    await weir.evictLimiters();
    expect(await call()).toBe(429);
  });

  it('blocks an address for callers without a token, and nobody else', async () => {
    const anonymous = await startWeir({
      vars: { ORIGIN_URL: origin.url, ROUTES: [{ name: 'open', match: '/*', auth: 'optional' }] },
      secrets,
    });
    const from = async (address: string) =>
      (await anonymous.fetch('/echo', { headers: { 'CF-Connecting-IP': address } })).status;
    const override = { limits: 'blocked', until: later(), reason: 'a scraper' };
    const { status } = await adminOf(anonymous)(
      'PUT',
      'addresses/override?address=2001:db8:1:2::3',
      override,
    );
    expect(status).toBe(200);
    expect(await from('2001:db8:1:2:ffff::9')).toBe(429);
    expect(await from('2001:db8:1:3::3')).toBe(200);
    await adminOf(anonymous)('PUT', 'addresses/override?address=203.0.113.0/24', override);
    expect(await Promise.all(['203.0.113.0', '203.0.113.255', '203.0.114.0'].map(from))).toEqual([
      429, 429, 200,
    ]);
    await adminOf(anonymous)('DELETE', 'addresses/override?address=203.0.113.128/25');
    expect(await from('203.0.113.1')).toBe(429);
    await expect.poll(() => from('203.0.113.255'), { timeout: 12_000 }).toBe(200);
    await anonymous.close();
  });
});

describe('POST revoke', () => {
  it('takes a `jti`, a token or a time, and shows what is revoked', async () => {
    const exp = Math.floor(Date.now() / 1000) + 600;
    await admin('POST', at('/revoke'), { jti: 'one', until: later() });
    await admin('POST', 'subjects/revoke', { token: await mint({ sub: subject, jti: 'two', exp }) });
    const { status, body } = await admin('POST', at('/revoke'), { before: '2026-01-01T00:00:00Z' });
    expect(status).toBe(200);
    expect(body.revoked).toEqual({
      ...{ before: '2026-01-01T00:00:00.000Z', until: null },
      jtis: [
        { jti: 'one', until: expect.any(String) },
        // Kept beyond `exp` by the largest clock tolerance there is.
        { jti: 'two', until: new Date((exp + 300) * 1000).toISOString() },
      ],
    });
  });

  it('given twice is the same as once', async () => {
    const token = await mint({ sub: subject, jti: 'one' });
    const first = await admin('POST', 'subjects/revoke', { token });
    const second = await admin('POST', 'subjects/revoke', { token });
    expect(second.body).toEqual(first.body);
  });

  it('of a token that has expired changes nothing', async () => {
    const token = await mint({ sub: subject, jti: 'old' }, { ttl: -3_600 });
    const { status, body } = await admin('POST', 'subjects/revoke', { token });
    expect([status, body.revoked]).toEqual([200, { before: null, until: null, jtis: [] }]);
  });

  it('refuses a 65th `jti` with 409, says what to do, and is lifted by DELETE', async () => {
    for (let i = 0; i < 64; i++) await admin('POST', at('/revoke'), { jti: `t${i}` });
    const { status, body } = await admin('POST', at('/revoke'), { jti: 't64' });
    expect([status, body.errors]).toEqual([
      409,
      [{ field: 'jti', expected: 'at most 64 at once; `before` revokes more' }],
    ]);
    expect((await admin('DELETE', at('/revoke'))).body.revoked).toMatchObject({ jtis: [] });
  });
});

describe('GET config', () => {
  it('shows what is in force and no secret', async () => {
    const { status, body } = await admin('GET', 'config');
    expect(status).toBe(200);
    const text = JSON.stringify(body);
    expect(body).toMatchObject({ adminToken: '***', partitionSecret: '***', limiterTimeoutMs: 1_000 });
    expect(text).toContain('10/minute (sliding-window)');
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
  });

  it('shows no HMAC secret either', async () => {
    const JWT_SECRET = 'a-jwt-secret-of-thirty-two-characters';
    const hmac = await startWeir({
      vars: { JWT_PUBLIC_KEY: '', ORIGIN_URL: origin.url },
      secrets: { ...secrets, JWT_SECRET },
    });
    expect(JSON.stringify((await adminOf(hmac)('GET', 'config')).body)).not.toContain(JWT_SECRET);
    await hmac.close();
  });
});

describe('health', () => {
  it('needs no token', async () => {
    const answer = await weir.fetch('/.weir/health');
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
  });

  it('is 503 with a bad configuration, when all else is 500 and the API is gone', async () => {
    const bad = await startWeir({ vars: { LIMITS: 'ten/minute' }, secrets });
    const answer = await bad.fetch('/.weir/health');
    expect([answer.status, await answer.json()]).toEqual([503, { status: 'misconfigured' }]);
    expect((await bad.fetch('/echo')).status).toBe(500);
    expect((await adminOf(bad)('GET', 'config')).status).toBe(404);
    await bad.close();
  });
});

const token = (change: (token: string) => string) => ({ Authorization: `Bearer ${change(ADMIN_TOKEN)}` });

/** Headers that are not the right token, each in its own way. */
const WRONG: Record<string, Record<string, string>> = {
  missing: {},
  wrong: token(() => 'x'.repeat(ADMIN_TOKEN.length)),
  'near-miss': token((right) => `${right.slice(0, -1)}x`),
  longer: token((right) => `${right}x`),
  long: token(() => 'x'.repeat(8_000)),
};

/** Every guess from another address: one that guesses too often is not looked at for a while. */
let guesses = 0;
const stranger = () => ({
  'CF-Connecting-IP': `10.${(guesses >> 16) & 255}.${(guesses >> 8) & 255}.${guesses++ & 255}`,
});

/** Refusals timed of each kind. */
const SAMPLES = scaled(150, 2_000);

/** All of one length: a longer request takes longer to arrive, which is no secret. */
const linesOf = (kind: string): string[] => {
  const lines = Object.entries({ ...WRONG[kind], ...stranger() }).map(([name, value]) => `${name}: ${value}`);
  return [...lines, `X-Padding: ${'x'.repeat(10_000 - lines.join('\r\n').length)}`];
};

describe('without the right token', () => {
  const raw = async (path: string, headers: Record<string, string>, method = 'GET') => {
    const response = await weir.fetch(path, { method, headers: { ...stranger(), ...headers } });
    const fields = [...response.headers].filter(([name]) => name !== 'date');
    return JSON.stringify([response.status, fields, await response.text()]);
  };

  it('leaves a line in the log, without the guess', async () => {
    weir.clearLogs();
    await raw(
      '/.weir/config',
      token(() => 'a-guess-at-the-token'),
    );
    const lines = () => weir.logs().map(({ message }) => JSON.parse(message));
    const line = { outcome: 'unauthorized', reason: 'admin_refused', status: 404 };
    await expect.poll(lines).toMatchObject([line]);
    expect(JSON.stringify(lines())).not.toContain('a-guess');
  });

  it('every path but health is one 404, as is a path that does not exist', async () => {
    const nothing = await raw(
      '/.weir/nothing',
      token((right) => right),
    );
    expect(nothing).toContain('404');
    const all = Object.values(WRONG).flatMap((headers) =>
      ['config', 'openapi.json', 'subjects', 'subjects/reset', 'nothing', 'Health', ''].flatMap((path) =>
        ['GET', 'PUT', 'POST', 'DELETE'].map((method) => raw(`/.weir/${path}`, headers, method)),
      ),
    );
    expect(new Set(await Promise.all(all))).toEqual(new Set([nothing]));
  });

  it('is the same without an `ADMIN_TOKEN`', async () => {
    const off = await startWeir({ vars: { ORIGIN_URL: origin.url } });
    expect((await off.fetch('/.weir/config')).status).toBe(404);
    expect((await off.fetch('/.weir/config', { headers: { Authorization: 'Bearer ' } })).status).toBe(404);
    expect((await off.fetch('/.weir/health')).status).toBe(200);
    await off.close();
  });

  it('no kind of wrong token can be told by its time', { timeout: SOAK_TIMEOUT_MS }, async () => {
    using connection = await TimedConnection.open(weir.url);
    const kinds = Object.keys(WRONG);
    const times = new Map<string, number[]>(kinds.map((kind) => [kind, []]));
    const warmUp = scaled(20, 200) * kinds.length;
    for (let i = 0; i < warmUp + SAMPLES * kinds.length; i++) {
      const kind = kinds[Math.floor(Math.random() * kinds.length)] ?? '';
      const { status, ms } = await connection.time(linesOf(kind), undefined, '/.weir/config');
      expect(status).toBe(404);
      if (i >= warmUp) times.get(kind)?.push(ms);
    }
    const lists = [...times.values()];
    const pairs = lists.flatMap((a, i) => lists.slice(i + 1).map((b) => ksProbability(a, b)));
    const nearest = Math.min(...holm(pairs));
    tell(
      `admin tokens: ${SAMPLES} of each kind, nearest to being told apart p = ${nearest.toFixed(3)} (Holm, ${pairs.length} pairs)`,
    );
    expect(nearest).toBeGreaterThan(0.001);
    expect(quantile(lists.flat(), 0)).toBeGreaterThanOrEqual(9.5);
  });

  it('an address that guesses too often is not looked at for a while, and the right token elsewhere works', async () => {
    const guess = () =>
      weir.fetch('/.weir/config', { headers: { ...WRONG.wrong, 'CF-Connecting-IP': '203.0.113.9' } });
    for (let i = 0; i < 15; i++) await Promise.all(Array.from({ length: 10 }, guess));
    expect((await admin('GET', 'config', undefined, { 'CF-Connecting-IP': '203.0.113.10' })).status).toBe(
      200,
    );
  });
});

describe('the prefix', () => {
  it('never reaches the origin in any spelling', async () => {
    const before = origin.count;
    const headers = await bearer({ sub: subject });
    const spellings = [
      ...[
        '/.weir',
        '/.weir/',
        '/.weir/x',
        '/.WEIR/x',
        '/.Weir/subjects',
        '//.weir/x',
        '/./.weir/x',
        '/a/../.weir/x',
      ],
      ...[
        '/%2eweir/x',
        '/%2Eweir/x',
        '/.%77eir/x',
        '/.%57EIR/x',
        '/%252eweir/x',
        '/.weir%2fx',
        '/a%2f..%2f.weir/x',
      ],
      ...['/.weir;a=b/x', '/;a/.weir/x', '/.weir%00/x', '/%5c.weir/x', '/a/%2e%2e/.weir/x', '/%u002eweir/x'],
      ...[
        '/%c0%aeweir/x',
        `/${'a%2f..%2f'.repeat(200)}.weir/x`,
        '/.weir?x',
        '/.weir/health?x',
        '/.weir/health/',
      ],
    ];
    for (const path of spellings) {
      const { status } = await weir.fetch(path, { headers });
      expect([path, status === 404 || path.startsWith('/.weir/health?')]).toEqual([path, true]);
    }
    expect(origin.count).toBe(before);
  });

  it('leaves other paths alone', async () => {
    for (const path of ['/weir', '/.weirdo', '/a/.weir', '/%20', '/x?p=/.weir/x', '/a%2f.weir'])
      expect([path, await call({}, path)]).toEqual([path, 200]);
  });
});

/** What is wrong, and the field that the answer must name. */
type Bad = readonly [method: string, path: string, body: unknown, field: string];

const UNTIL = '2027-01-01T00:00:00Z';
const good = { limits: '5/minute', until: UNTIL, reason: 'r' };
const OVERRIDE = 'subjects/override?subject=a';
const REVOKE = 'subjects/revoke?subject=a';
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object) => `${part({ alg: 'ES256' })}.${part(claims)}.c2ln`;
const EXP = 4_102_444_800;

const BAD: readonly Bad[] = [
  ['GET', 'subjects', undefined, 'subject'],
  ['GET', 'subjects?subject=', undefined, 'subject'],
  ['GET', `subjects?subject=${'a'.repeat(1025)}`, undefined, 'subject'],
  ['GET', 'subjects?subject=a&subject=b', undefined, 'subject'],
  ['GET', 'subjects?subject=a&issuer=https://other.test/', undefined, 'issuer'],
  ['GET', 'subjects?subject=a&issuer=', undefined, 'issuer'],
  ['GET', 'subjects?subject=a&sub=a', undefined, 'sub'],
  ['GET', 'subjects?subject=a&__proto__=a', undefined, '__proto__'],
  ['POST', 'subjects/reset', undefined, 'subject'],
  ['POST', 'subjects/reset?subject=a&all=true', undefined, 'all'],
  ['DELETE', 'subjects/override', undefined, 'subject'],
  ['DELETE', 'subjects/revoke', undefined, 'subject'],
  ['GET', 'addresses', undefined, 'address'],
  ['GET', 'addresses?address=example.com', undefined, 'address'],
  ['GET', 'addresses?address=192.0.2.256', undefined, 'address'],
  ['GET', 'addresses?address=1', undefined, 'address'],
  ['GET', 'addresses?address=2001:db8::1::2', undefined, 'address'],
  ['GET', 'addresses?address=192.0.2.1:80', undefined, 'address'],
  ['PUT', 'addresses/override?address=x', good, 'address'],
  ['PUT', 'addresses/override?address=203.0.112.0/23', good, 'address'],
  ['PUT', 'addresses/override?address=2001:db8::1/128', good, 'address'],
  ['GET', 'addresses?address=203.0.113.0/24', undefined, 'address'],
  ['PUT', OVERRIDE, { ...good, limits: '5 at once' }, 'limits'],
  ['PUT', OVERRIDE, undefined, 'body'],
  ['PUT', OVERRIDE, '{', 'body'],
  ['PUT', OVERRIDE, '[]', 'body'],
  ['PUT', OVERRIDE, 'null', 'body'],
  ['PUT', OVERRIDE, '"none"', 'body'],
  ['PUT', OVERRIDE, { ...good, limits: undefined }, 'limits'],
  ['PUT', OVERRIDE, { ...good, limits: 5 }, 'limits'],
  ['PUT', OVERRIDE, { ...good, limits: 'ten/minute' }, 'limits'],
  ['PUT', OVERRIDE, { ...good, limits: 'None' }, 'limits'],
  ['PUT', OVERRIDE, { ...good, limits: '0/minute' }, 'limits'],
  ['PUT', OVERRIDE, { ...good, limits: '1/minute;'.repeat(200) }, 'limits'],
  ['PUT', OVERRIDE, { ...good, until: undefined }, 'until'],
  ['PUT', OVERRIDE, { ...good, until: 1_900_000_000 }, 'until'],
  ['PUT', OVERRIDE, { ...good, until: 'tomorrow' }, 'until'],
  ['PUT', OVERRIDE, { ...good, until: '2020-01-01T00:00:00Z' }, 'until'],
  ['PUT', OVERRIDE, { ...good, until: '9999-01-01T00:00:00Z' }, 'until'],
  ['PUT', OVERRIDE, { ...good, until: '2027-02-30' }, 'until'],
  ['PUT', OVERRIDE, { ...good, reason: '' }, 'reason'],
  ['PUT', OVERRIDE, { ...good, reason: 'r'.repeat(201) }, 'reason'],
  ['PUT', OVERRIDE, { ...good, reason: ['r'] }, 'reason'],
  ['PUT', OVERRIDE, { ...good, forever: true }, 'forever'],
  ['PUT', OVERRIDE, { ...good, reason: 'r'.repeat(20_000) }, 'body'],
  [
    'PUT',
    OVERRIDE,
    '{"limits":"none","until":"2027-01-01T00:00:00Z","reason":"r","__proto__":{}}',
    '__proto__',
  ],
  ['POST', REVOKE, {}, 'jti'],
  ['POST', REVOKE, { jti: 'a', before: 'now' }, 'jti'],
  ['POST', REVOKE, { jti: 7 }, 'jti'],
  ['POST', REVOKE, { jti: '' }, 'jti'],
  ['POST', REVOKE, { jti: 'a'.repeat(256) }, 'jti'],
  ['POST', REVOKE, { jti: 'a', until: '2020-01-01T00:00:00Z' }, 'until'],
  ['POST', REVOKE, { before: '2099-01-01T00:00:00Z' }, 'before'],
  ['POST', REVOKE, { before: 'yesterday' }, 'before'],
  ['POST', REVOKE, { before: 0 }, 'before'],
  ['POST', 'subjects/revoke', { jti: 'a' }, 'subject'],
  ['POST', REVOKE, { token: 'a.b' }, 'token'],
  ['POST', REVOKE, { token: 'a'.repeat(9_000) }, 'token'],
  ['POST', REVOKE, { token: jwt({ iss: ISSUER, sub: 'a', jti: 'x' }) }, 'token'],
  ['POST', REVOKE, { token: jwt({ iss: ISSUER, jti: 'x', exp: EXP }) }, 'token'],
  ['POST', REVOKE, { token: jwt({ iss: ISSUER, sub: 'a', exp: EXP }) }, 'token'],
  ['POST', REVOKE, { token: jwt({ iss: ISSUER, sub: 'b', jti: 'x', exp: EXP }) }, 'subject'],
  ['POST', REVOKE, { token: jwt({ iss: 'https://other.test/', sub: 'a', jti: 'x', exp: EXP }) }, 'issuer'],
  [
    'POST',
    'subjects/revoke',
    { token: jwt({ iss: 'https://other.test/', sub: 'a', jti: 'x', exp: EXP }) },
    'issuer',
  ],
];

describe('bad input gets a 4xx that names the field, and stores nothing:', () => {
  const fieldsOf = ({ body }: Answer) => (body.errors as { field: string }[]).map(({ field }) => field);

  it.each(BAD.map((bad) => [JSON.stringify(bad).slice(1, 70), bad] as const))(
    '%s',
    async (_name, [method, path, body, field]) => {
      const before = await weir.limiterIds();
      const answer = await admin(method, path, body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.headers.get('Content-Type')).toBe('application/problem+json');
      expect(fieldsOf(answer)).toEqual([field]);
      expect(await weir.limiterIds()).toEqual(before);
    },
  );

  it('of several fields names them all, and repeats no value', async () => {
    const answer = await admin('PUT', OVERRIDE, { limits: 5, until: 'a-secret-value', reason: '' });
    expect(fieldsOf(answer)).toEqual(['limits', 'reason']);
    const tokenLike = await admin('POST', REVOKE, { token: 'eyJ.a-secret-value' });
    expect(JSON.stringify([answer.body, tokenLike.body])).not.toContain('a-secret-value');
  });
});

describe('the OpenAPI document', () => {
  it('passes a public validator', async () => {
    const { body } = await admin('GET', 'openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(await new Validator().validate(structuredClone(body))).toEqual({ valid: true });
  });

  it('describes every answer that these tests got', () => {
    expect(objections).toEqual([]);
  });
});

describe('the log', () => {
  it('says what an operator did, and never to whom, with which token or why', async () => {
    weir.clearLogs();
    const stolen = await mint({ sub: subject, jti: 'a-stolen-id' });
    await admin('PUT', at('/override'), { limits: 'blocked', until: later(), reason: 'a private reason' });
    await admin('POST', 'subjects/revoke', { token: stolen });
    const said = weir.logs().map(({ message }) => JSON.parse(message));
    // The count of refusals that earlier tests' lines left out may come meanwhile.
    expect(said.filter(({ outcome }) => outcome !== 'omitted')).toMatchObject([
      { outcome: 'admin', action: 'PUT /.weir/subjects/override' },
      { outcome: 'admin', action: 'POST /.weir/subjects/revoke' },
    ]);
    const text = JSON.stringify(said);
    for (const secret of [subject, 'a-stolen-id', 'private', ADMIN_TOKEN, ...stolen.split('.')])
      expect(text).not.toContain(secret);
  });
});
