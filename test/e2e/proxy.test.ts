// The proxy step in the built Worker: what the origin sees of a request, and the client of a response.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CallOptions, call, exchange } from '../fixtures/client.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { bearer, startWeir, type Weir, zoneOrigin } from '../fixtures/weir.ts';

const LIMITS = '100000/minute';

let origin: Origin;
let weir: Weir;
let auth: { Authorization: string };

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({ vars: { ORIGIN_URL: origin.url, LIMITS, ORIGIN_TIMEOUT_MS: 1_000 } });
  auth = await bearer();
});
afterAll(async () => {
  await weir.close();
  await origin.close();
});
beforeEach(() => origin.clear());

const send = (path: string, { headers, ...options }: CallOptions = {}, to = weir) =>
  call(to.url + path, { ...options, headers: { ...auth, ...headers } });

/** Header lines the origin saw, names in lower case. */
const seenNames = () =>
  origin.last.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());

describe('a request on its way to the origin', () => {
  test('keeps its path and query as they were sent', async () => {
    await send("/a%2Fb//c;v=1/%C3%BC/~'()*?q=%41&empty=&plus=a+b&x=%20&");
    expect(origin.last.url).toBe("/a%2Fb//c;v=1/%C3%BC/~'()*?q=%41&empty=&plus=a+b&x=%20&");
  });

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])(
    'keeps the method %s, its headers and its body',
    async (method) => {
      const answer = await send('/echo', {
        method,
        headers: { 'X-Own': 'kept', 'Content-Type': 'a/b' },
        body: 'hello',
      });
      expect(answer.json()).toMatchObject({ method, body: 'hello' });
      expect(origin.last.headers).toMatchObject({
        'x-own': 'kept',
        'content-type': 'a/b',
        'content-length': '5',
      });
    },
  );

  test('keeps a chunked body chunked', async () => {
    const { Authorization } = auth;
    const head = `POST /echo HTTP/1.1\r\nHost: api.test\r\nAuthorization: ${Authorization}\r\nConnection: close`;
    await exchange(weir.url, `${head}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`);
    expect(origin.last).toMatchObject({ bytes: 5, headers: { 'transfer-encoding': 'chunked' } });
  });

  test('carries the identity of the token', async () => {
    await send('/echo');
    expect(origin.last.headers['x-auth-subject']).toBe('alice');
  });

  test.each([
    'X-Auth-Subject',
    'x_auth_subject',
    'X_Auth-Subject',
    'X.Auth.Subject',
    'X-Weir-Secret',
    'X_Weir_Secret',
    'X-Original-URL',
    'X_Original_URL',
    'X-Rewrite-URL',
    'X-HTTP-Method',
    'X-HTTP-Method-Override',
    'X_HTTP_Method-Override',
    'X-Method-Override',
  ])('loses a %s of the client', async (name) => {
    await send('/echo', { headers: { [name]: 'forged' } });
    expect(origin.last.rawHeaders).not.toContain('forged');
    expect(origin.last.headers['x-auth-subject']).toBe('alice');
  });

  test('carries one identity, however often the client sent the header', async () => {
    const { Authorization } = auth;
    const forged = 'X-Auth-Subject: admin\r\nx-auth-subject: root\r\nX_AUTH_SUBJECT: root';
    await exchange(
      weir.url,
      `GET /echo HTTP/1.1\r\nHost: api.test\r\n${forged}\r\nAuthorization: ${Authorization}\r\nConnection: close\r\n\r\n`,
    );
    expect(seenNames().filter((name) => /^x.auth/.test(name))).toEqual(['x-auth-subject']);
    expect(origin.last.headers['x-auth-subject']).toBe('alice');
  });

  test('keeps its identity when Connection or Trailer name it', async () => {
    const { Authorization } = auth;
    const head = `POST /echo HTTP/1.1\r\nHost: api.test\r\nAuthorization: ${Authorization}\r\nConnection: close, X-Auth-Subject`;
    const body = '2\r\nhi\r\n0\r\nX-Auth-Subject: forged\r\n\r\n';
    await exchange(
      weir.url,
      `${head}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Auth-Subject\r\n\r\n${body}`,
    );
    expect(origin.last.headers['x-auth-subject']).toBe('alice');
    expect(seenNames()).not.toContain('connection');
    expect(seenNames()).not.toContain('trailer');
  });
});

describe('a request that makes no URL', () => {
  test.each(['a b', '[', 'a:99999', 'a%zz'])(
    'because its Host is %s is a 400, with a token or without',
    async (host) => {
      const { Authorization } = auth;
      for (const token of [Authorization, 'Bearer a.b.c', '']) {
        const head = `GET /echo HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${token}\r\nConnection: close\r\n\r\n`;
        expect(await exchange(weir.url, head)).toMatch(/^HTTP\/1.1 400 /);
      }
      expect(origin.count).toBe(0);
      expect(weir.logs().filter(({ level }) => level === 'error')).toEqual([]);
    },
  );
});

describe('claims as headers', () => {
  let claims: Weir;
  beforeAll(async () => {
    const CLAIM_HEADERS = 'sub=X-Auth-Subject, org.name=X-Org';
    claims = await startWeir({ vars: { ORIGIN_URL: origin.url, CLAIM_HEADERS, LIMITS } });
  });
  afterAll(() => claims.close());

  const nasty = 'Zoë\r\nX-Admin: 1\0\u{1F600}%41 ';

  test('cannot break out of their header, and decode to what the issuer wrote', async () => {
    const headers = await bearer({ sub: nasty, org: { name: 'ö\u2028\u0085' } });
    const answer = await call(`${claims.url}/echo`, { headers });
    expect(answer.status).toBe(200);
    expect(origin.last.headers['x-admin']).toBeUndefined();
    const sent = String(origin.last.headers['x-auth-subject']);
    expect(sent).toMatch(/^[\x21-\x7e][\x20-\x7e]*$/);
    expect(decodeURIComponent(sent)).toBe(nasty);
    expect(decodeURIComponent(String(origin.last.headers['x-org']))).toBe('ö\u2028\u0085');
  });

  test('are not left to the client where the token lacks the claim', async () => {
    await send('/echo', { headers: { 'X-Org': 'forged', X_Org: 'forged' } }, claims);
    expect(origin.last.rawHeaders).not.toContain('forged');
  });
});

describe('an anonymous request', () => {
  let open: Weir;
  beforeAll(async () => {
    const ROUTES = [{ name: 'all', match: '/*', auth: 'optional' }];
    open = await startWeir({ vars: { ORIGIN_URL: origin.url, ROUTES, ANONYMOUS_LIMITS: LIMITS } });
  });
  afterAll(() => open.close());

  test('carries no identity, whatever it says', async () => {
    const headers = { 'X-Auth-Subject': 'admin', x_auth_subject: 'admin' };
    expect((await call(`${open.url}/echo`, { headers })).status).toBe(200);
    expect(origin.last.rawHeaders).not.toContain('admin');
  });
});

describe('a response on its way back', () => {
  test('keeps status, headers and body', async () => {
    const answer = await send('/cookies');
    expect(answer.status).toBe(200);
    expect(answer.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2; HttpOnly']);
    expect(String(answer.body)).toBe('ok');
  });

  test.each([204, 304, 205, 404, 500, 503])('keeps a %i without a body', async (status) => {
    const answer = await send(`/status/${status}`);
    expect(answer.status).toBe(status);
    expect(answer.body.length).toBe(0);
  });

  test('keeps a redirect, which Weir does not follow', async () => {
    const answer = await send('/redirect');
    expect([answer.status, answer.headers.location]).toEqual([302, '/elsewhere']);
    expect(origin.count).toBe(1);
  });

  test('keeps the length that a HEAD asks for', async () => {
    const answer = await send('/big?bytes=12345', { method: 'HEAD' });
    expect(origin.last.method).toBe('HEAD');
    expect(answer.headers['content-length']).toBe('12345');
    expect(answer.body.length).toBe(0);
  });

  test("has the origin's RateLimit fields first, and ours after them", async () => {
    const { headers } = await send('/limits');
    expect(headers['ratelimit-policy']).toBe('"own";q=5;w=60, "100000/minute";q=100000;w=60');
    expect(headers.ratelimit).toMatch(/^"own";r=4;t=60, "100000\/minute";r=\d+;t=\d+$/);
  });
});

describe('a base path in ORIGIN_URL', () => {
  let based: Weir;
  beforeAll(async () => {
    based = await startWeir({ vars: { ORIGIN_URL: `${origin.url}/tenant/a/`, LIMITS } });
  });
  afterAll(() => based.close());

  test('is prepended', async () => {
    await send('/x/y?z=1', {}, based);
    expect(origin.last.url).toBe('/tenant/a/x/y?z=1');
    await send('//evil.test/x', {}, based);
    expect(origin.last.url).toBe('/tenant/a//evil.test/x');
  });

  test.each(['/../../b/x', '/%2e%2e/%2E%2e/b/x', '/..\\..\\b/x', '/y/..;/../../../b/x'])(
    'is not left by %s',
    async (path) => {
      const { Authorization } = auth;
      const line = `GET ${path} HTTP/1.1\r\nHost: api.test\r\nAuthorization: ${Authorization}`;
      await exchange(based.url, `${line}\r\nConnection: close\r\n\r\n`);
      for (const { url } of origin.seen) expect(url).toMatch(/^\/tenant\/a\//);
    },
  );

  test('stands for the asterisk of OPTIONS *', async () => {
    const { Authorization } = auth;
    const line = `OPTIONS * HTTP/1.1\r\nHost: api.test\r\nAuthorization: ${Authorization}`;
    expect(await exchange(based.url, `${line}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 [24]/);
  });
});

describe('FORWARD_AUTHORIZATION', () => {
  test('true, the default, lets the origin see the token', async () => {
    await send('/echo');
    expect(origin.last.headers.authorization).toBe(auth.Authorization);
  });

  test('false hides the token, and no cache keeps the answer', async () => {
    const hiding = await startWeir({
      vars: { ORIGIN_URL: origin.url, FORWARD_AUTHORIZATION: 'false', LIMITS },
    });
    await send('/echo', {}, hiding);
    await hiding.close();
    expect(seenNames()).not.toContain('authorization');
    expect(origin.last.headers['x-auth-subject']).toBe('alice');
    // What workerd makes of `cache: 'no-store'`.
    expect(origin.last.headers['cache-control']).toBe('no-cache');
  });
});

describe('ORIGIN_SECRET', () => {
  test('reaches the origin, and only from us', async () => {
    const ORIGIN_SECRET = 's3cret-for-the-origin-and-nobody-else';
    const secretive = await startWeir({
      vars: { ORIGIN_URL: origin.url, LIMITS },
      secrets: { ORIGIN_SECRET },
    });
    const headers = { 'X-Weir-Secret': 'forged', x_weir_secret: 'forged' };
    const answer = await send('/status/204', { headers }, secretive);
    await secretive.close();
    expect(origin.last.headers['x-weir-secret']).toBe(ORIGIN_SECRET);
    expect(origin.last.rawHeaders).not.toContain('forged');
    expect(JSON.stringify([answer.rawHeaders, secretive.logs()])).not.toContain(ORIGIN_SECRET);
  });
});

describe('where requests go', () => {
  test('without ORIGIN_URL and ORIGIN: to the host they were sent to', async () => {
    const zone = await startWeir({ ...zoneOrigin(origin.address), vars: { LIMITS } });
    const answer = await send('/a%2Fb?c', { headers: { Host: 'api.example.com' } }, zone);
    await zone.close();
    expect(answer.json()).toMatchObject({ url: '/a%2Fb?c', headers: { host: 'api.example.com' } });
    expect(origin.last.headers['x-auth-subject']).toBe('alice');
  });

  test('to the ORIGIN binding, where one is bound', async () => {
    const external = { external: { address: origin.address, http: {} } };
    const bound = await startWeir({ services: { ORIGIN: external }, vars: { LIMITS } });
    const answer = await send(
      '/a?b',
      { method: 'POST', body: 'hi', headers: { Host: 'api.example.com' } },
      bound,
    );
    await bound.close();
    expect(answer.json()).toMatchObject({ url: '/a?b', body: 'hi', headers: { host: 'api.example.com' } });
    expect(origin.last.headers['x-auth-subject']).toBe('alice');
  });

  test('to ORIGIN_URL rather than the binding', async () => {
    const external = { external: { address: '127.0.0.1:9', http: {} } };
    const both = await startWeir({
      services: { ORIGIN: external },
      vars: { ORIGIN_URL: origin.url, LIMITS },
    });
    expect((await send('/echo', {}, both)).status).toBe(200);
    await both.close();
  });
});

describe('an origin that fails', () => {
  const problem = (status: number, title: string) => JSON.stringify({ type: 'about:blank', title, status });

  test('by closing the connection is a 502', async () => {
    const answer = await send('/reset');
    expect([answer.status, answer.headers['content-type']]).toEqual([502, 'application/problem+json']);
    expect(String(answer.body)).toBe(problem(502, 'Bad Gateway'));
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('by not being there is a 502', async () => {
    const gone = await startOrigin();
    const ORIGIN_URL = gone.url;
    await gone.close();
    const lost = await startWeir({ vars: { ORIGIN_URL, LIMITS } });
    expect((await send('/', {}, lost)).status).toBe(502);
    expect((await send('/', { method: 'POST', body: 'x' }, lost)).status).toBe(502);
    await lost.close();
  });

  test('to answer within ORIGIN_TIMEOUT_MS is a 504, and its request is cancelled', async () => {
    const hanging = origin.next('/hang');
    const started = performance.now();
    const answer = await send('/hang');
    expect(performance.now() - started).toBeGreaterThanOrEqual(995);
    expect(String(answer.body)).toBe(problem(504, 'Gateway Timeout'));
    await (await hanging).aborted;
  });

  test('to read a whole body within ORIGIN_TIMEOUT_MS has that time from its end', async () => {
    const answer = await send('/hang', { method: 'POST', body: 'x'.repeat(100_000) });
    expect(answer.status).toBe(504);
  });

  test('in the middle of a body cuts the answer off, visibly', async () => {
    await expect(send('/cut')).rejects.toThrow(/aborted|socket hang up/);
  });
});
