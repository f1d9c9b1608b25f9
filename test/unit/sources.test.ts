// Where a request's token stands, before any decoding, and its way out of the request.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_TOKEN_LENGTH, shapeFlaw } from '../../src/auth/shape.ts';
import { tokenReader, tokenRemover } from '../../src/auth/sources.ts';
import type { TokenSource } from '../../src/config/types.ts';

const AUTHORIZATION: TokenSource = { kind: 'header', name: 'authorization' };
const COOKIE: TokenSource = { kind: 'cookie', name: 'session' };
const QUERY: TokenSource = { kind: 'query', name: 'access_token' };
const ACCESS: TokenSource = { kind: 'header', name: 'cf-access-jwt-assertion' };

/** A request as a Worker gets it: Node's own takes no `Cookie`, and a browser's fields none at all. */
const requestOf = (headers: Record<string, string> = {}, url = 'https://api.test/', method = 'GET') =>
  ({ url, method, headers: new Headers(headers) }) as Request;

const read = (request: Request, ...sources: TokenSource[]) =>
  tokenReader({ sources }, ['https://app.test'])(request);

describe('an Authorization header', () => {
  test.each([
    ['Bearer a.b.c', 'a.b.c'],
    ['bearer a.b.c', 'a.b.c'],
    ['BEARER   a-_0.b.c', 'a-_0.b.c'],
    ['Bearer', ''],
    ['Bearer null', 'null'],
    ['Bearer=a.b.c', '=a.b.c'],
    ['Bearer\ta.b.c', '\ta.b.c'],
    ['Bearer a.b.c, Bearer a.b.c', 'a.b.c, Bearer a.b.c'], // two headers, joined by the runtime
  ])('%j presents %j', (header, token) => {
    expect(read(requestOf({ Authorization: header }), AUTHORIZATION)).toBe(token);
  });

  test.each([
    '',
    'Basic YTpi',
    'Bearers a.b.c',
    'Bearer-x a.b.c',
    'a.b.c',
    'DPoP a.b.c',
    'Token x',
    'Basic YTpi, Bearer a.b.c',
  ])('%j presents none', (header) =>
    expect(read(requestOf({ Authorization: header }), AUTHORIZATION)).toBeUndefined(),
  );

  test('that is not there presents none', () => expect(read(requestOf(), AUTHORIZATION)).toBeUndefined());

  test('takes time in proportion to its length, whatever is in it', () => {
    const request = requestOf({ Authorization: `bearer${' '.repeat(16_000)}x` });
    const before = process.cpuUsage();
    for (let i = 0; i < 1_000; i += 1) shapeFlaw(read(request, AUTHORIZATION) ?? '');
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });
});

describe('a token', () => {
  test('may stand in a header of its own, with or without the scheme', () => {
    for (const value of ['a.b.c', 'Bearer a.b.c', 'bearer a.b.c'])
      expect(read(requestOf({ 'Cf-Access-Jwt-Assertion': value }), ACCESS)).toBe('a.b.c');
    expect(read(requestOf({ 'Cf-Access-Jwt-Assertion': '' }), ACCESS)).toBeUndefined();
  });

  test.each([
    ['session=a.b.c', 'a.b.c'],
    ['a=1; session=a.b.c; b=2', 'a.b.c'],
    ['session="a.b.c"', 'a.b.c'],
    ['Session=a.b.c', undefined],
    ['xsession=a.b.c', undefined],
    ['a=session=a.b.c', undefined],
    ['session=', undefined],
    ['session', undefined],
    ['session=a.b.c; session=d.e.f', 'a.b.c, d.e.f'],
    ['a=1, session=a.b.c', 'a.b.c'],
    ['session=a.b.c, session=d.e.f', 'a.b.c, d.e.f'],
  ])('in the cookies %j is %j', (cookie, token) => {
    expect(read(requestOf({ Cookie: cookie }), COOKIE)).toBe(token);
  });

  test.each([
    ['?access_token=a.b.c', 'a.b.c'],
    ['?a=1&access%5Ftoken=a%2Eb.c', 'a.b.c'],
    ['?access_token=', undefined],
    ['?a=access_token', undefined],
    ['', undefined],
    ['?access_token=a.b.c&access_token=d.e.f', 'a.b.c, d.e.f'],
  ])('in the query %j is %j', (query, token) => {
    expect(read(requestOf({}, `https://api.test/${query}`), QUERY)).toBe(token);
  });

  test('that several sources hold is that of the first', () => {
    const url = 'https://api.test/?access_token=q.q.q';
    const both = requestOf({ Authorization: 'Bearer h.h.h', Cookie: 'session=c.c.c' }, url);
    expect(read(both, AUTHORIZATION, COOKIE, QUERY)).toBe('h.h.h');
    expect(read(both, QUERY, COOKIE, AUTHORIZATION)).toBe('q.q.q');
    const basic = requestOf({ Authorization: 'Basic YTpi', Cookie: 'session=c.c.c' }, url);
    expect(read(basic, AUTHORIZATION, COOKIE, QUERY)).toBe('c.c.c');
    expect(read(requestOf({}, url), AUTHORIZATION, COOKIE, QUERY)).toBe('q.q.q');
  });

  test('that comes twice in one source is none that anybody accepts', () => {
    for (const request of [
      requestOf({ Cookie: 'session=a.b.c; session=a.b.c' }),
      requestOf({}, 'https://api.test/?access_token=a.b.c&access_token=a.b.c'),
    ])
      expect(shapeFlaw(read(request, COOKIE, QUERY) ?? '')).toBe('token_malformed');
  });
});

describe('a cookie', () => {
  const isTaken = (headers: Record<string, string>, method = 'GET') =>
    read(requestOf({ Cookie: 'session=a.b.c', ...headers }, 'https://api.test/', method), COOKIE) !==
    undefined;

  test.each<[string, Record<string, string>, string?]>([
    ['a client that is no browser', {}],
    ['a page of its own', { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://api.test' }, 'POST'],
    ['a page of its site', { 'Sec-Fetch-Site': 'same-site', Origin: 'https://www.api.test' }, 'POST'],
    ['the address bar', { 'Sec-Fetch-Site': 'none' }],
    ['a page of a trusted origin', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://app.test' }, 'POST'],
    ['a WebSocket of its own host', { Origin: 'https://api.test' }],
    ['a WebSocket of another port of its host', { Origin: 'https://api.test:8443' }],
    ['a WebSocket of a trusted origin', { Origin: 'https://app.test' }],
    [
      'a link of another site',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' },
    ],
  ])('is taken from %s', (_from, headers, method) => expect(isTaken(headers, method)).toBe(true));

  test.each<[string, Record<string, string>, string?]>([
    ['a page of another site', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }],
    [
      'a form of another site',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' },
      'POST',
    ],
    [
      'a frame of another site',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
    ],
    ['an old browser on another site', { Origin: 'https://evil.test' }, 'POST'],
    ['a WebSocket of another site', { Origin: 'https://evil.test', Upgrade: 'websocket' }],
    ['a sandboxed frame', { Origin: 'null' }, 'POST'],
    ['a host that ends alike', { Origin: 'https://evilapi.test' }],
  ])('is not taken from %s', (_from, headers, method) => expect(isTaken(headers, method)).toBe(false));

  test('is not trusted by `*`, which only lets anybody read', () => {
    const request = requestOf({ Cookie: 'session=a.b.c', Origin: 'https://evil.test' });
    expect(tokenReader({ sources: [COOKIE] }, ['*'])(request)).toBeUndefined();
  });
});

describe('by its shape', () => {
  test.each<[string, string | undefined]>([
    ['a.b.c', undefined],
    [`${'a'.repeat(MAX_TOKEN_LENGTH - 4)}.b.c`, undefined],
    [`${'a'.repeat(MAX_TOKEN_LENGTH - 3)}.b.c`, 'token_too_long'],
    ['x'.repeat(100_000), 'token_too_long'],
    ['a.b.c.d.e', 'token_encrypted'],
    ['a..c.d.e', 'token_encrypted'],
    ['gho_16C7e42F292c6912E7710c838347Ae178B4a', 'token_opaque'],
    ['mF_9.B5f-4.1JqM', undefined],
    ['0mX3+/~x==', 'token_opaque'],
    ...[
      '',
      'null',
      'undefined',
      'a.b',
      'a.b.',
      '.b.c',
      'a..c',
      'a.b.c.d',
      'a.b.c d',
      'a.b.c=',
      'a+/.b.c',
      'ä.b.c',
      '{}',
    ].map((text): [string, string] => [text, 'token_malformed']),
  ])('%.40j has the flaw %s', (text, flaw) => expect(shapeFlaw(text)).toBe(flaw));
});

describe('what is sent to the origin', () => {
  const remover = tokenRemover([AUTHORIZATION, ACCESS, COOKIE, QUERY]);

  test('has no token in it, and everything else as it was written', () => {
    expect(remover.headers).toEqual(['authorization', 'cf-access-jwt-assertion']);
    const headers = new Headers({ Cookie: 'a=1; session=a.b.c; b="2"; session=d.e.f' });
    remover.fromCookies(headers);
    expect(headers.get('Cookie')).toBe('a=1; b="2"');
    const lines = new Headers({ Cookie: 'a=1,2; b=3, session=a.b.c' });
    remover.fromCookies(lines);
    expect(lines.get('Cookie')).toBe('a=1,2; b=3');
    const only = new Headers({ Cookie: 'session=a.b.c' });
    remover.fromCookies(only);
    expect(only.has('Cookie')).toBe(false);
    expect(remover.fromUrl("https://o.test/p?a='%20+&access_token=a.b.c&b=%7e")).toBe(
      "https://o.test/p?a='%20+&b=%7e",
    );
    expect(remover.fromUrl('https://o.test/p?access_token=a.b.c')).toBe('https://o.test/p');
    expect(remover.fromUrl('https://o.test/p?a&access%5ftoken=a.b.c')).toBe('https://o.test/p?a');
  });

  test('has none left that the reader would find, whatever else stands there', () => {
    const piece = fc.constantFrom(
      'a=1',
      'b=2, session=g.h.i',
      'session=x',
      ' session =y',
      'session',
      '"',
      '=',
      'access_token=z',
      '%61ccess_token=w',
      'access_token',
      '&',
      '+',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const headers = new Headers({ Cookie: pieces.join(';') });
        remover.fromCookies(headers);
        expect(read({ url: 'https://o.test/', method: 'GET', headers } as Request, COOKIE)).toBeUndefined();
        const url = remover.fromUrl(`https://o.test/?${pieces.join('&')}`);
        expect(read(requestOf({}, url), QUERY)).toBeUndefined();
      }),
    );
  });
});
