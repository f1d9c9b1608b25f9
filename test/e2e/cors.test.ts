// CORS: a browser may read our own refusals where CORS_ORIGINS says so; the origin's responses are the origin's own.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CallOptions, call } from '../fixtures/client.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

const PAGE = 'https://app.example.com';
const EXPOSED = 'RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate';

let origin: Origin;
let listed: Weir;
let open: Weir;
let off: Weir;

beforeAll(async () => {
  origin = await startOrigin();
  const vars = { ORIGIN_URL: origin.url, LIMITS: '1/hour', ORIGIN_TIMEOUT_MS: 1_000 };
  listed = await startWeir({ vars: { ...vars, CORS_ORIGINS: `https://other.example.com, ${PAGE}` } });
  open = await startWeir({ vars: { ...vars, CORS_ORIGINS: '*' } });
  off = await startWeir({ vars });
});
afterAll(async () => {
  await Promise.all([listed.close(), open.close(), off.close()]);
  await origin.close();
});
beforeEach(() => origin.clear());

const from = (
  weir: Weir,
  page: string | undefined,
  { headers, ...options }: CallOptions = {},
  path = '/echo',
) => call(weir.url + path, { ...options, headers: { ...(page && { Origin: page }), ...headers } });

const corsFields = (headers: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^(access-control-|vary)/.test(name)));

let caller = 0;
const token = () => bearer({ sub: `caller-${caller++}` });

describe('a refusal', () => {
  test('can be read by a listed page', async () => {
    const answer = await from(listed, PAGE);
    expect(answer.status).toBe(401);
    expect(corsFields(answer.headers)).toEqual({
      'access-control-allow-origin': PAGE,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': EXPOSED,
      vary: 'Origin',
    });
  });

  test.each([
    'https://evil.example.com',
    `${PAGE}.evil.test`,
    `${PAGE}:8443`,
    'null',
    'http://app.example.com',
  ])('cannot be read by %s', async (page) => {
    expect(corsFields((await from(listed, page)).headers)).toEqual({ vary: 'Origin' });
  });

  test('to a client that is no browser varies all the same', async () => {
    expect(corsFields((await from(listed, undefined)).headers)).toEqual({ vary: 'Origin' });
  });

  test('can be read by any page where * is set, without credentials', async () => {
    expect(corsFields((await from(open, PAGE)).headers)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': EXPOSED,
    });
  });

  test('has no such fields where CORS_ORIGINS is unset', async () => {
    expect(corsFields((await from(off, PAGE)).headers)).toEqual({});
  });

  test('of a spent quota can be read with its fields', async () => {
    const headers = await token();
    await from(listed, PAGE, { headers });
    const answer = await from(listed, PAGE, { headers });
    expect(answer.status).toBe(429);
    expect(answer.headers['access-control-allow-origin']).toBe(PAGE);
    for (const name of ['ratelimit', 'ratelimit-policy', 'retry-after'])
      expect(answer.headers).toHaveProperty(name);
  });

  test('of an origin that fails can be read too', async () => {
    const answer = await from(listed, PAGE, { headers: await token() }, '/hang');
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([504, PAGE]);
  });

  test('tells no bad token from another', async () => {
    const tokens = ['x', 'a.b.c', `${(await token()).Authorization}x`.slice('Bearer '.length)];
    const answers = await Promise.all(
      tokens.map((bad) => from(listed, PAGE, { headers: { Authorization: `Bearer ${bad}` } })),
    );
    const [first, ...rest] = answers.map(({ rawHeaders, body }) => [rawHeaders, String(body)]);
    for (const other of rest) expect(other).toEqual(first);
  });
});

describe("the origin's response", () => {
  test('is left as the origin made it', async () => {
    const answer = await from(listed, PAGE, { headers: await token() });
    expect(answer.status).toBe(200);
    expect(corsFields(answer.headers)).toEqual({});
  });
});

describe('our fields in an answer of the origin', () => {
  test('can be read by the pages that may read it, beside what it exposes', async () => {
    for (const [path, exposed] of [
      ['/cors', 'RateLimit, RateLimit-Policy'],
      ['/cors?expose=X-Total', 'X-Total, RateLimit, RateLimit-Policy'],
      ['/cors?expose=*', '*'],
      ['/cors?expose=*&credentials', '*, RateLimit, RateLimit-Policy'],
    ] as const)
      for (const weir of [listed, off]) {
        const { headers } = await from(weir, PAGE, { headers: await token() }, path);
        expect(headers['access-control-expose-headers'], path).toBe(exposed);
        expect(headers).toHaveProperty('ratelimit');
      }
  });
});

describe('legacy fields', () => {
  test.each(['legacy', 'both'])('can be read by pages where RATELIMIT_HEADERS is %s', async (mode) => {
    const names = 'X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset';
    const exposed = mode === 'both' ? `RateLimit, RateLimit-Policy, ${names}` : names;
    const weir = await startWeir({
      vars: { ORIGIN_URL: origin.url, LIMITS: '1/hour', CORS_ORIGINS: PAGE, RATELIMIT_HEADERS: mode },
    });
    const headers = await token();
    const passed = await from(weir, PAGE, { headers }, '/cors');
    const refused = await from(weir, PAGE, { headers });
    await weir.close();
    expect(passed.headers['access-control-expose-headers']).toBe(exposed);
    expect(passed.headers).toHaveProperty('x-ratelimit-remaining', '0');
    expect(refused.status).toBe(429);
    expect(refused.headers['access-control-expose-headers']).toBe(
      `${exposed}, Retry-After, WWW-Authenticate`,
    );
  });
});

describe('a preflight', () => {
  const preflight: CallOptions = {
    method: 'OPTIONS',
    headers: { 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'authorization' },
  };

  test('passes without a token, and is answered by the origin', async () => {
    const answer = await from(listed, PAGE, preflight, '/preflight');
    expect(answer.status).toBe(204);
    expect(corsFields(answer.headers)).toEqual({
      'access-control-allow-origin': 'https://the-origins-own.example.com',
    });
    expect(origin.last).toMatchObject({
      method: 'OPTIONS',
      headers: { origin: PAGE, 'access-control-request-method': 'PUT' },
    });
  });

  test('goes on without a body', async () => {
    await from(listed, PAGE, { ...preflight, body: 'smuggled' }, '/preflight');
    expect(origin.last.bytes).toBe(0);
    expect(origin.last.headers['content-length'] ?? '0').toBe('0');
  });

  test('carries no identity', async () => {
    const headers = { ...preflight.headers, ...(await token()), 'X-Auth-Subject': 'admin' };
    await from(listed, PAGE, { ...preflight, headers }, '/preflight');
    expect(origin.last.headers['x-auth-subject']).toBeUndefined();
  });
});
