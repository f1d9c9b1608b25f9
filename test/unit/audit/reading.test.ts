// What the audit reads: limits out of headers, differences out of refusals, options out of a command line.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFields, retryAfterSeconds } from '../../../tools/audit/fields.ts';
import { excerpt, fingerprint, fingerprintBut, firstDifference } from '../../../tools/audit/fingerprint.ts';
import type { Exchange, Header } from '../../../tools/audit/http/client.ts';
import { resolveTarget } from '../../../tools/audit/http/target.ts';
import { reasonsIn, showsInsides } from '../../../tools/audit/internals.ts';
import { readOptions } from '../../../tools/audit/options.ts';
import { refusal } from '../../../tools/audit/safety.ts';
import { UsageError } from '../../../tools/cli.ts';

const exchange = (headers: Header[], body = '', status = 401): Exchange => ({
  status,
  headers,
  body,
  ms: 1,
  at: 1,
});

describe('the limit fields of a response', () => {
  const read = (limit: string, policy: string) =>
    readFields(
      exchange([
        ['RateLimit', limit],
        ['RateLimit-Policy', policy],
      ]),
    );

  it('are read by policy', () => {
    expect(read('"a";r=0;t=7, "b";r=5', '"a";q=10;w=10, "b";q=100')).toEqual({
      ok: true,
      items: [
        { name: 'a', remaining: 0, resetSeconds: 7, quota: 10, windowSeconds: 10 },
        { name: 'b', remaining: 5, resetSeconds: undefined, quota: 100, windowSeconds: undefined },
      ],
    });
  });

  it.each([
    ['100', '100;w=60', 'an item is not a String'],
    ['limit=100, remaining=1', 'x', 'the syntax of an earlier draft (limit=100, remaining=1)'],
    ['"a";r=-1', '"a";q=1', 'parameter r is not an Integer'],
    ['"a";r=1.5', '"a";q=1', 'parameter r is not an Integer'],
    ['"a";t=1', '"a";q=1', 'parameter r is not an Integer'],
    ['"a";r=1', '"b";q=1', 'RateLimit names "a", RateLimit-Policy does not'],
    ['"a";r=1', '"a"', 'parameter q is not an Integer'],
  ])('are found wrong: %s with %s', (limit, policy, problem) => {
    expect(read(limit, policy)).toMatchObject({ ok: false, problem: expect.stringContaining(problem) });
  });

  it('may be RateLimit alone, as in the draft’s own 429', () => {
    expect(readFields(exchange([['RateLimit', '"default";r=0;t=5']], '', 429))).toMatchObject({
      ok: true,
      items: [{ name: 'default', remaining: 0, resetSeconds: 5, quota: undefined }],
    });
  });

  it('are told as what they are where RateLimit-Policy stands alone', () => {
    expect(readFields(exchange([['RateLimit-Policy', '"default";q=100;w=60']]))).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/^RateLimit-Policy alone .*it declares the quota, not what remains/),
    });
  });

  it('are missed by name where an older syntax stands in their place', () => {
    expect(readFields(exchange([['X-RateLimit-Limit', '5']]))).toMatchObject({
      problem: 'only fields of other syntaxes (X-RateLimit-Limit)',
    });
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-02T03:04:05Z');
  it.each([
    ['120', 120],
    ['0', 0],
    ['Fri, 02 Jan 2026 03:05:05 GMT', 60],
    ['Thu, 01 Jan 2026 00:00:00 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['2026-01-02', undefined],
  ])('%s is %s s', (value, seconds) => {
    expect(retryAfterSeconds(exchange([['retry-after', value]]), now)).toBe(seconds);
  });
});

describe('the fingerprint of a refusal', () => {
  it('is the same for what differs only by date and ids', () => {
    const one = exchange(
      [
        ['Date', 'a'],
        ['X-Request-Id', '1'],
        ['A', 'b'],
      ],
      '{"id":"9d0e7c3a-aaaa-4bbb-8ccc-000000000001"}',
    );
    const two = exchange(
      [
        ['Date', 'b'],
        ['X-Request-Id', '2'],
        ['A', 'b'],
      ],
      '{"id":"9d0e7c3a-aaaa-4bbb-8ccc-000000000002"}',
    );
    expect(fingerprint(one)).toBe(fingerprint(two));
  });

  it.each([
    ['a status', exchange([], '', 400)],
    ['a header', exchange([['X', '1']])],
    ['a value', exchange([['A', 'c']])],
    [
      'the order of headers',
      exchange([
        ['B', 'b'],
        ['A', 'b'],
      ]),
    ],
    [
      'the body',
      exchange(
        [
          ['A', 'b'],
          ['B', 'b'],
        ],
        'expired',
      ),
    ],
  ])('tells %s', (_, other) => {
    const usual = fingerprint(
      exchange([
        ['A', 'b'],
        ['B', 'b'],
      ]),
    );
    expect(fingerprint(other)).not.toBe(usual);
    expect(firstDifference(usual, fingerprint(other))).toMatch(/^(“.*”|nothing) against (“.*”|nothing)$/);
  });

  it('leaves out what two answers to the same request differ in, of whatever kind', () => {
    const refusal = (id: string, title: string, took: number) =>
      exchange([['X-Ray', id]], JSON.stringify({ title, id, took, hint: 'log in' }));
    const print = fingerprintBut(refusal('V1StGXR8_Z5j', 'No', 0.5), refusal('a-b', 'No', 12));
    expect(print(refusal('x', 'No', 1))).toBe(print(refusal('yy_', 'No', 22.75)));
    expect(print(refusal('x', 'No', 1))).not.toBe(print(refusal('x', 'Expired', 1)));
    expect(print(refusal('x', 'No', 1))).not.toBe(print(refusal('x', 'No such key', 1)));
  });

  it('is quoted without tokens and without control characters', () => {
    const token = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';
    expect(excerpt(`\u001b[2Jbad token ${token}\r\n`)).toBe('“[2Jbad token <token>”');
  });
});

describe('what a refusal must not say', () => {
  it.each([
    'Error: x\n    at verify (file:///srv/auth.js:10:5)',
    'UnauthorizedError: jwt malformed<br> &nbsp; at /app/node_modules/express-jwt/lib/index.js:105:22',
    'Traceback (most recent call last):',
    'File "auth.py", line 12, in verify',
    'io.jsonwebtoken.ExpiredJwtException',
    '{"name":"JsonWebTokenError"}',
    'TokenExpiredError',
    'SQLITE_ERROR: near "UNION"',
    'ORA-00933',
    'panic: runtime error',
  ])('is where in the program it was made: %s', (text) => {
    expect(showsInsides(text)).toBe(true);
  });

  it.each([
    'AuthenticationError',
    '{"type":"UnauthorizedError"}',
    'Unauthorized',
    'see https://a.example/docs/401',
  ])('is not a name of its own: %s', (text) => {
    expect(showsInsides(text)).toBe(false);
  });

  it.each([
    ['ERR_JWT_EXPIRED', 'expired'],
    ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'signature'],
    ['token_expired', 'expired'],
    ['jwt not active', 'not active'],
    ['unexpected "aud" claim value', 'aud claim'],
    ['"alg" (Algorithm) Header Parameter value not allowed', 'alg algorithm'],
    ['Unauthorized', ''],
    ['invalid_token', ''],
    ['the kidney audit issuance', ''],
  ])('is the reason: %s', (text, words) => {
    expect(reasonsIn(text)).toBe(words);
  });
});

describe('the command line', () => {
  const url = 'http://127.0.0.1:1/';
  const read = (...args: string[]) => readOptions(['--url', url, '--token', 't', ...args], {});

  it('has the defaults that the help names', () => {
    expect(read()).toMatchObject({
      url,
      limits: { maxRequests: 500, rate: 50 },
      format: 'table',
      failOn: 'low',
      authorised: false,
    });
  });

  it.each([
    [['--rate', '0'], '--rate: expected a whole number from 2 to 1000, got 0'],
    [['--max-requests', '1e9'], '--max-requests: expected a whole number'],
    [['--format', 'pdf'], '--format: expected table, json, sarif, junit, markdown, got pdf'],
    [['--fail-on', 'never'], '--fail-on: expected high, medium, low, got never'],
    [['--jwks', '/nowhere'], '--jwks: cannot be read'],
    [['--quick'], 'quick'],
  ])('refuses %j and says why', (args, message) => {
    expect(() => read(...args)).toThrow(message);
  });

  it('never quotes a key that it cannot read', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'audit-')), 'key');
    writeFileSync(file, 'very-secret-key');
    expect(() => read('--signing-key', file)).toThrow(UsageError);
    expect(() => read('--signing-key', file)).not.toThrow(/very-secret/);
  });

  it('takes tokens from the environment, which other users’ ps does not show', () => {
    const options = readOptions(['--url', url], {
      AUDIT_TOKEN: 'a',
      AUDIT_OTHER_TOKEN: 'b',
      AUDIT_SECOND_TOKEN: '',
    });
    expect(options).toMatchObject({ credentials: { token: 'a', otherToken: 'b', secondToken: undefined } });
  });
});

describe('the host', () => {
  it.each(['http://127.0.0.1/', 'http://127.8.9.10:99/', 'http://[::1]:8787/', 'http://localhost/'])(
    'may be audited without asking if it is this machine: %s',
    async (url) => {
      expect(refusal(await resolveTarget(url), false)).toBeUndefined();
    },
  );

  it.each([
    'http://192.0.2.1/',
    'http://10.0.0.1/',
    'http://[2001:db8::1]/',
    'https://128.0.0.1/',
    'http://0.0.0.0/',
  ])('is refused if it is another, unless the user is authorised: %s', async (url) => {
    const target = await resolveTarget(url);
    expect(refusal(target, false)).toContain('--i-am-authorised');
    expect(refusal(target, true)).toBeUndefined();
  });

  it('is reached by http or https only', async () => {
    await expect(resolveTarget('file:///etc/passwd')).rejects.toThrow('http');
  });
});
