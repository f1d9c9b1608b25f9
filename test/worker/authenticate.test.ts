// The authenticate step by itself, inside workerd: real tokens, real Web Crypto; only the clock is faked.
import { Hono } from 'hono';
import { exportSPKI, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Config, Issuer, Route, TokenConfig } from '../../src/config/types.ts';
import { Exchange, type Trace } from '../../src/exchange.ts';
import type { Identity } from '../../src/identity.ts';
import { Secret } from '../../src/lib/secret.ts';
import { authenticate } from '../../src/middleware/authenticate.ts';
import type { WeirEnv } from '../../src/middleware/step.ts';
import { configWith, issuer, route } from '../fixtures/config.ts';

const secretKey = (secret: string) => new TextEncoder().encode(secret);
const SECRET = 'a-secret-of-thirty-two-characters';

const now = (): number => Math.floor(Date.now() / 1000);

/** A good token, but for what `claims` and `header` change; undefined removes a claim. */
const tokenWith = (
  claims: JWTPayload | Record<string, unknown> = {},
  header: Partial<JWTHeaderParameters> = {},
  secret = SECRET,
): Promise<string> => {
  const good = { iss: 'https://issuer.test', aud: 'https://api.test', sub: 'alice', exp: now() + 600 };
  return new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ alg: 'HS256', ...header })
    .sign(secretKey(secret));
};

interface Seen {
  readonly response: Response;
  readonly identity: Identity | undefined;
  readonly trace: Trace;
}

interface Caller {
  readonly route?: Partial<Route>;
  readonly preflight?: boolean;
  readonly address?: string;
}

/** The step alone. `failures` counts what was charged; from 61 on the count says no. */
const appOf = (config: Config) => {
  const step = authenticate(config);
  const app = new Hono<WeirEnv>();
  let given: Exchange;
  let identity: Identity | undefined;
  app.use((c, next) => {
    c.set('exchange', given);
    return step(c, next);
  });
  app.all('*', (c) => {
    identity = c.var.identity;
    return new Response('in');
  });
  const failures = { charged: 0 };
  const limit = async () => ({ success: ++failures.charged <= 60 });
  const call = async (authorization: string | undefined, caller: Caller = {}): Promise<Seen> => {
    const headers = new Headers({ 'CF-Connecting-IP': caller.address ?? '192.0.2.1' });
    if (authorization !== undefined) headers.set('Authorization', authorization);
    const work: Promise<unknown>[] = [];
    const context = { waitUntil: (task: Promise<unknown>) => void work.push(task) };
    const bindings = { AUTH_FAILURES: { limit } };
    const request = new Request('https://api.test/', { headers });
    const exchange = new Exchange(request, bindings as never, context, { ...route, ...caller.route });
    exchange.preflight = caller.preflight ?? false;
    given = exchange;
    identity = undefined;
    const response = await app.fetch(request, bindings as never);
    await Promise.all(work);
    return { response, identity, trace: exchange.trace };
  };
  return {
    call,
    failures,
    refusalOf: async (authorization?: string) => (await call(authorization)).trace.reason,
  };
};

const withIssuer = (changes: Partial<Issuer>): Config => configWith({ issuers: [{ ...issuer, ...changes }] });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const passes = (seconds: number): void => {
  vi.setSystemTime(Date.now() + seconds * 1000);
};

describe('a good token', () => {
  test('is let in, and names issuer, subject and what the limit step needs', async () => {
    const { call } = appOf(configWith({ tierClaim: ['plan', 'name'] }));
    const exp = now() + 600;
    const token = await tokenWith({
      exp,
      iat: now(),
      jti: 'one',
      scope: 'read  write',
      plan: { name: 'pro' },
    });
    for (const authorization of [`Bearer ${token}`, `Bearer ${token}`, `bearer  ${token}`]) {
      const { response, identity } = await call(authorization);
      expect(response.status).toBe(200);
      expect(identity).toEqual({
        issuer: 'https://issuer.test',
        subject: 'alice',
        tier: 'pro',
        scopes: new Set(['read', 'write']),
        headers: [['X-Auth-Subject', 'alice']],
        exp,
        iat: now(),
        jti: 'one',
        partition: '["subject","https://issuer.test","alice"]',
      });
    }
  });

  test('may be signed with the secret before this one', async () => {
    const secrets = ['a-new-secret-of-thirty-two-bytes!', SECRET].map((each) => new Secret(each));
    const keys = [{ kind: 'secret', secrets, encoding: 'utf8' }] as const;
    const { call } = appOf(withIssuer({ keys }));
    expect((await call(`Bearer ${await tokenWith()}`)).response.status).toBe(200);
  });

  test.each([
    [['sub'], 9_007_199_254_740_991, '9007199254740991'],
    [['sub'], 0, '0'],
    [['org', 'id'], 'acme', 'acme'],
    [['https://claims.test/id'], 'acme', 'acme'],
    [['https://claims', 'test/id'], 'acme', 'acme'], // the same name, as a dotted path is split
  ])('may have its subject at %j', async (subjectClaim, subject, text) => {
    const { call } = appOf(configWith({ subjectClaims: [subjectClaim] }));
    const claims = { sub: subject, org: { id: subject }, 'https://claims.test/id': subject };
    expect((await call(`Bearer ${await tokenWith(claims)}`)).identity?.subject).toBe(text);
  });

  test('may come from any of several issuers, and only with the keys of its own', async () => {
    const other: Issuer = {
      ...issuer,
      issuer: 'https://other.test',
      keys: [
        { kind: 'secret', secrets: [new Secret('another-secret-of-thirty-two-bytes')], encoding: 'utf8' },
      ],
    };
    const { call, refusalOf } = appOf(configWith({ issuers: [issuer, other] }));
    const own = await tokenWith({ iss: 'https://other.test' }, {}, 'another-secret-of-thirty-two-bytes');
    expect((await call(`Bearer ${own}`)).identity?.partition).toBe(
      '["subject","https://other.test","alice"]',
    );
    expect(await refusalOf(`Bearer ${await tokenWith({ iss: 'https://other.test' })}`)).toBe(
      'signature_invalid',
    );
    expect(await refusalOf(`Bearer ${await tokenWith({ iss: 'https://other.test/' })}`)).toBe(
      'issuer_unknown',
    );
    expect(await refusalOf(`Bearer ${await tokenWith({ iss: ['https://other.test'] })}`)).toBe(
      'issuer_unknown',
    );
  });
});

describe('a token is refused', () => {
  const cases: [string, Record<string, unknown>, Partial<JWTHeaderParameters>?][] = [
    ['token_expired', { exp: 1 }],
    ['claim_exp', { exp: undefined }],
    ['claim_exp', { exp: '2999-01-01' }],
    ['claim_nbf', { nbf: 9_999_999_999 }],
    ['claim_nbf', { nbf: 'now' }],
    ['claim_iat', { iat: 9_999_999_999 }],
    ['claim_iat', { iat: null }],
    ['issuer_unknown', { iss: 'https://issuer.test/' }],
    ['issuer_unknown', { iss: undefined }],
    ['claim_aud', { aud: 'https://api.test/' }],
    ['claim_aud', { aud: undefined }],
    ['claim_aud', { aud: { 0: 'https://api.test' } }],
    ['subject_unusable', { sub: undefined }],
    ['subject_unusable', { sub: '' }],
    ['subject_unusable', { sub: null }],
    ['subject_unusable', { sub: true }],
    ['subject_unusable', { sub: ['alice'] }],
    ['subject_unusable', { sub: { id: 'alice' } }],
    ['subject_unusable', { sub: 1.5 }],
    ['subject_unusable', { sub: 9_007_199_254_740_992 }],
    ['subject_too_long', { sub: 'x'.repeat(1_025) }],
    ['subject_unusable', { sub: 'a\ud800' }],
    ['alg_not_allowed', {}, { alg: 'HS512' }],
    ['token_malformed', {}, { kid: 7 as never }],
    ['token_malformed', {}, { crit: ['b64'], b64: true }],
  ];

  test.each(cases)('for the log as %s with claims %j', async (reason, claims, header) => {
    const { call, failures } = appOf(configWith());
    const { response, identity, trace } = await call(`Bearer ${await tokenWith(claims, header)}`);
    expect(response.status).toBe(401);
    expect(identity).toBeUndefined();
    expect(trace).toMatchObject({ outcome: 'unauthorized', reason });
    expect(failures.charged).toBe(1);
  });

  test('when it is of another type than the one asked for', async () => {
    const { call, refusalOf } = appOf(withIssuer({ typ: 'at+jwt' }));
    for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt']) {
      expect((await call(`Bearer ${await tokenWith({}, { typ })}`)).response.status).toBe(200);
    }
    for (const typ of ['JWT', undefined]) {
      expect(await refusalOf(`Bearer ${await tokenWith({}, { typ })}`)).toBe('claim_typ');
    }
  });

  test('when it is older than the oldest that is accepted', async () => {
    const { call, refusalOf } = appOf(configWith({ maxAgeSeconds: 60, clockToleranceSeconds: 0 }));
    const authorization = `Bearer ${await tokenWith({ iat: now() })}`;
    expect((await call(authorization)).response.status).toBe(200);
    passes(61);
    expect(await refusalOf(authorization)).toBe('token_expired');
    expect(await refusalOf(`Bearer ${await tokenWith()}`)).toBe('claim_iat');
  });

  test('without being decoded when its shape is wrong, and nothing is charged for it', async () => {
    const { call, failures } = appOf(configWith());
    const verify = vi.spyOn(crypto.subtle, 'verify');
    for (const [authorization, reason] of [
      ['Bearer', 'token_malformed'],
      ['Bearer null', 'token_malformed'],
      ['Bearer a.b', 'token_malformed'],
      ['Bearer a.b.c.d', 'token_malformed'],
      ['Bearer a.b.c, Bearer a.b.c', 'token_malformed'],
      ['Bearer gho_opaque', 'token_opaque'],
      ['Bearer a..c.d.e', 'token_encrypted'],
      [`Bearer ${'a'.repeat(17_000)}.b.c`, 'token_too_long'],
    ]) {
      expect((await call(authorization)).trace.reason).toBe(reason);
    }
    expect(verify).not.toHaveBeenCalled();
    expect(failures.charged).toBe(0);
  });

  test('and charged to its address once, not again while it is remembered', async () => {
    const { call, failures } = appOf(configWith());
    const authorization = `Bearer ${await tokenWith({ exp: 1 })}`;
    for (let i = 0; i < 10; i += 1) expect((await call(authorization)).response.status).toBe(401);
    expect(failures.charged).toBe(1);
  });

  test('with as much crypto as any other, so that it takes as long, but for at most 200 a second', async () => {
    const { call } = appOf(configWith());
    await call(`Bearer ${await tokenWith()}`);
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const expired = `Bearer ${await tokenWith({ exp: 1 })}`;
    const kinds = [
      undefined,
      'Bearer x',
      expired,
      expired,
      `Bearer ${await tokenWith({}, { alg: 'HS384' })}`,
    ];
    for (const [i, authorization] of kinds.entries()) {
      await call(authorization);
      expect(verify).toHaveBeenCalledTimes(i + 1);
    }
    for (let i = 0; i < 300; i += 1) await call('Bearer x');
    expect(verify).toHaveBeenCalledTimes(1 + 200);
    passes(1);
    await call('Bearer x');
    expect(verify).toHaveBeenCalledTimes(1 + 200 + 1);
  });

  test('without crypto and without a call for an address that failed too often, as often as it likes', async () => {
    const { call, failures } = appOf(configWith());
    await call(`Bearer ${await tokenWith()}`);
    const expired = async () => `Bearer ${await tokenWith({ exp: 1, jti: crypto.randomUUID() })}`;
    for (let i = 0; i < 61; i += 1) await call(await expired());
    const verify = vi.spyOn(crypto.subtle, 'verify');
    for (let i = 0; i < 100; i += 1)
      for (const authorization of ['Bearer x', await expired()])
        expect((await call(authorization)).response.status).toBe(401);
    expect(verify).not.toHaveBeenCalled();
    expect(failures.charged).toBe(61);
    await call('Bearer x', { address: '192.0.2.2' });
    expect(verify).toHaveBeenCalledTimes(1);
  });

  test('and its address stays out for as long as it goes on', async () => {
    const { call, failures } = appOf(configWith());
    const expired = async () => `Bearer ${await tokenWith({ exp: 1, jti: crypto.randomUUID() })}`;
    for (let i = 0; i < 61; i += 1) await call(await expired());
    for (let second = 0; second < 60; second += 1) {
      for (let i = 0; i < 20; i += 1) await call(await expired());
      passes(1);
    }
    expect(failures.charged).toBe(61);
    passes(10);
    await call(await expired());
    expect(failures.charged).toBe(62);
  });

  test('anew each time while time could cure it', async () => {
    const { call, refusalOf } = appOf(configWith());
    const authorization = `Bearer ${await tokenWith({ nbf: now() + 30 })}`;
    expect(await refusalOf(authorization)).toBe('claim_nbf');
    passes(30);
    expect((await call(authorization)).response.status).toBe(200);
  });
});

describe('a verified token', () => {
  test('is verified once in the time it is cached', async () => {
    const { call } = appOf(configWith());
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const authorization = `Bearer ${await tokenWith()}`;
    for (let i = 0; i < 10; i += 1) await call(authorization);
    expect(verify).toHaveBeenCalledTimes(1);
    passes(301);
    for (let i = 0; i < 10; i += 1) await call(authorization);
    expect(verify).toHaveBeenCalledTimes(2);
  });

  test('is never trusted past its expiry, tolerance included', async () => {
    const { call, refusalOf } = appOf(configWith({ clockToleranceSeconds: 5 }));
    const authorization = `Bearer ${await tokenWith({ exp: now() + 60 })}`;
    expect((await call(authorization)).response.status).toBe(200);
    passes(64);
    expect((await call(authorization)).response.status).toBe(200);
    passes(1);
    expect(await refusalOf(authorization)).toBe('token_expired');
  });

  test('is verified every time where the cache is off', async () => {
    const { call } = appOf(configWith({ cacheSeconds: 0 }));
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const authorization = `Bearer ${await tokenWith()}`;
    for (let i = 0; i < 5; i += 1) expect((await call(authorization)).response.status).toBe(200);
    expect(verify).toHaveBeenCalledTimes(5);
  });
});

describe('an address that fails too often', () => {
  const forged = () => tokenWith({ jti: crypto.randomUUID() }, {}, 'not-the-secret-of-the-issuer-at-all');
  const flood = async ({ call }: ReturnType<typeof appOf>, count: number) => {
    const statuses = [];
    for (let i = 0; i < count; i += 1)
      statuses.push((await call(`Bearer ${await forged()}`)).response.status);
    return statuses;
  };

  test('gets 429 for tokens that were never verified, beyond the shared few', async () => {
    const app = appOf(configWith());
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const statuses = await flood(app, 200);
    expect(statuses.filter((status) => status === 401)).toHaveLength(61 + 20);
    expect(statuses.slice(81)).toEqual(Array(119).fill(429));
    expect(verify).toHaveBeenCalledTimes(81);
    const { response, trace } = await app.call(`Bearer ${await forged()}`);
    expect(response.headers.get('Retry-After')).toBe('1');
    expect(trace).toMatchObject({ outcome: 'abnormal', reason: 'auth_failures' });
  });

  test('keeps its tokens that were verified once, even when they are verified anew', async () => {
    const app = appOf(configWith({ cacheSeconds: 0 }));
    const known = `Bearer ${await tokenWith()}`;
    await app.call(known);
    await flood(app, 100);
    for (let i = 0; i < 30; i += 1) expect((await app.call(known)).response.status).toBe(200);
  });

  test('does not keep a new good token out for long, nor other addresses at all', async () => {
    const app = appOf(configWith());
    await flood(app, 100);
    const fresh = `Bearer ${await tokenWith({ sub: 'bob' })}`;
    expect((await app.call(fresh)).response.status).toBe(429);
    expect((await app.call(fresh, { address: '192.0.2.2' })).response.status).toBe(200);
    const another = `Bearer ${await tokenWith({ sub: 'carol' })}`;
    passes(1);
    expect((await app.call(another)).response.status).toBe(200);
  });
});

describe('a route', () => {
  test('that asks for a token refuses a caller without one, and says no error code', async () => {
    const { call } = appOf(configWith());
    for (const authorization of [undefined, '', 'Basic YTpi']) {
      const { response, trace } = await call(authorization);
      expect(response.status).toBe(401);
      expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="api.test"');
      expect(trace.reason).toBe('token_missing');
    }
  });

  test('where a token is optional lets callers without one in as anonymous, but none with a bad one', async () => {
    const { call } = appOf(configWith());
    const optional = { route: { auth: 'optional' } } as const;
    for (const authorization of [undefined, 'Basic YTpi']) {
      const { response, identity } = await call(authorization, optional);
      expect([response.status, identity]).toEqual([200, undefined]);
    }
    expect((await call('Bearer a.b.c', optional)).response.status).toBe(401);
    expect((await call(`Bearer ${await tokenWith()}`, optional)).identity?.subject).toBe('alice');
  });

  test('without authentication takes no notice of a token, good or bad', async () => {
    const { call } = appOf(configWith());
    for (const authorization of [undefined, 'Bearer a.b.c', `Bearer ${await tokenWith()}`]) {
      const { response, identity } = await call(authorization, { route: { auth: 'none' } });
      expect([response.status, identity]).toEqual([200, undefined]);
    }
  });

  test('lets a preflight in as anonymous', async () => {
    const { call } = appOf(configWith());
    const { response, identity } = await call(undefined, { preflight: true, route: { scopes: ['admin'] } });
    expect([response.status, identity]).toEqual([200, undefined]);
  });

  test.each([
    ['read write', undefined, 200],
    ['write read extra', undefined, 200],
    ['read', undefined, 403],
    ['READ WRITE', undefined, 403],
    [undefined, 'read write', 200],
    [undefined, ['read', 'write'], 200],
    [undefined, ['read write'], 403],
    [undefined, { read: true, write: true }, 403],
    [undefined, undefined, 403],
  ])('that asks for scopes answers a token of scope %j or scp %j with %i', async (scope, scp, status) => {
    const { call } = appOf(configWith());
    const authorization = `Bearer ${await tokenWith({ scope, scp })}`;
    const { response, trace } = await call(authorization, { route: { scopes: ['read', 'write'] } });
    expect(response.status).toBe(status);
    if (status === 200) return;
    expect(response.headers.get('WWW-Authenticate')).toBe(
      'Bearer realm="api.test", error="insufficient_scope"',
    );
    expect(trace).toMatchObject({ outcome: 'forbidden', reason: 'scope_missing' });
  });

  test('that asks for scopes has none for anonymous callers', async () => {
    const { call } = appOf(configWith());
    const { response } = await call(undefined, { route: { auth: 'optional', scopes: ['read'] } });
    expect(response.status).toBe(401);
  });
});

describe('a 401', () => {
  test('leaves no sooner than the delay, whatever it is for', async () => {
    const { call } = appOf(configWith({ unauthorizedDelayMs: 60 }));
    const expired = `Bearer ${await tokenWith({ exp: 1 })}`;
    vi.useRealTimers();
    for (const authorization of [undefined, 'Bearer x', 'Bearer a.b.c', expired, expired]) {
      const started = performance.now();
      await call(authorization);
      expect(performance.now() - started).toBeGreaterThanOrEqual(59);
    }
  });
});

describe('in shadow mode', () => {
  const shadow = (rest: Partial<TokenConfig> = {}) => appOf(configWith({ mode: 'shadow', ...rest }));

  test('a token that would be refused goes on as nobody’s, and the log says what would have happened', async () => {
    const { call } = shadow();
    for (const [authorization, reason] of [
      [undefined, 'token_missing'],
      ['Bearer x', 'token_opaque'],
      [`Bearer ${await tokenWith({ exp: 1 })}`, 'token_expired'],
      [`Bearer ${await tokenWith({ sub: undefined })}`, 'subject_unusable'],
    ]) {
      const { response, identity, trace } = await call(authorization);
      expect(response.status).toBe(200);
      expect(identity).toBeUndefined();
      expect(trace).toMatchObject({ outcome: 'unauthorized', reason, shadow: true });
    }
  });

  test('a good token has its identity, though it lacks a scope', async () => {
    const { call } = shadow();
    const authorization = `Bearer ${await tokenWith({ scope: 'read' })}`;
    expect((await call(authorization)).trace).toMatchObject({ outcome: 'forwarded', shadow: false });
    const lacking = await call(authorization, { route: { scopes: ['write'] } });
    expect([lacking.response.status, lacking.identity?.subject]).toEqual([200, 'alice']);
    expect(lacking.trace).toMatchObject({ outcome: 'forbidden', reason: 'scope_missing', shadow: true });
  });

  test('an address that fails too often goes on as well', async () => {
    const { call } = shadow();
    const statuses = new Set<number>();
    for (let i = 0; i < 100; i += 1) {
      const forged = await tokenWith({ jti: String(i) }, {}, 'not-the-secret-of-the-issuer-at-all');
      statuses.add((await call(`Bearer ${forged}`)).response.status);
    }
    expect([...statuses]).toEqual([200]);
  });
});

describe('demands of the operator', () => {
  const demanding = (claims: Issuer['claims']) => appOf(withIssuer({ claims }));

  test.each<[string, Record<string, unknown>, boolean]>([
    ['the value', { azp: 'web' }, true],
    ['the other value', { azp: 'ios' }, true],
    ['an array that holds one', { azp: ['tv', 'ios'] }, true],
    ['another value', { azp: 'tv' }, false],
    ['another case', { azp: 'WEB' }, false],
    ['no such claim', {}, false],
    ['null', { azp: null }, false],
    ['a table', { azp: { web: 'web' } }, false],
    ['an array of an array', { azp: [['web']] }, false],
    ['an empty array', { azp: [] }, false],
  ])('on a claim are met by a token, or not: %s', async (_what, claims, good) => {
    const { call } = demanding([{ claim: ['azp'], values: ['web', 'ios'] }]);
    const { trace } = await call(`Bearer ${await tokenWith(claims)}`);
    expect(trace.reason).toBe(good ? undefined : 'claim_required');
  });

  test('are all to be met, as text, wherever the claim stands', async () => {
    const { refusalOf } = demanding([
      { claim: ['email_verified'], values: ['true'] },
      { claim: ['https://app', 'test/claims', 'level'], values: ['7'] },
    ]);
    const good = { email_verified: true, 'https://app.test/claims': { level: 7 } };
    expect(await refusalOf(`Bearer ${await tokenWith(good)}`)).toBeUndefined();
    expect(await refusalOf(`Bearer ${await tokenWith({ ...good, email_verified: 'true' })}`)).toBeUndefined();
    expect(await refusalOf(`Bearer ${await tokenWith({ ...good, email_verified: false })}`)).toBe(
      'claim_required',
    );
    expect(await refusalOf(`Bearer ${await tokenWith({ email_verified: true })}`)).toBe('claim_required');
  });
});

describe('claims', () => {
  const identityWith = async (config: Config, claims: Record<string, unknown>) =>
    (await appOf(config).call(`Bearer ${await tokenWith(claims)}`)).identity;

  test('are looked up by the first name that holds something', async () => {
    const config = configWith({
      subjectClaims: [['sub'], ['client_id']],
      scopeClaims: [['permissions'], ['realm_access', 'roles'], ['scope']],
    });
    const person = await identityWith(config, { client_id: 'web', scope: 'a', permissions: [] });
    expect([person?.subject, person?.scopes]).toEqual(['alice', new Set(['a'])]);
    const machine = await identityWith(config, {
      sub: '',
      client_id: 'cron',
      realm_access: { roles: ['admin'] },
      scope: 'a',
    });
    expect([machine?.subject, machine?.scopes]).toEqual(['cron', new Set(['admin'])]);
    expect(await identityWith(config, { sub: {}, client_id: 'cron' })).toBeUndefined();
  });

  test.each<[unknown, string | undefined]>([
    ['pro', 'pro'],
    ['gold', 'gold'],
    [['staff', 'pro'], 'pro'],
    [['free', 'pro'], 'pro'],
    [['staff'], undefined],
    [[], undefined],
    [undefined, undefined],
  ])('of a tier name one of ours: %j is %j', async (groups, tier) => {
    const tiers = new Map([
      ['pro', []],
      ['free', []],
    ]);
    const config = configWith({ tierClaim: ['cognito:groups'] });
    const withTiers = { ...config, policies: { ...config.policies, tiers } };
    expect((await identityWith(withTiers, { 'cognito:groups': groups }))?.tier).toBe(tier);
  });

  test('are found inside of claims whose names have dots, the longest name first', async () => {
    const claims = {
      'https://hasura.test/jwt/claims': { 'x-hasura-user-id': '7' },
      'a.b': { c: 'inner' },
      'a.b.c': 'whole',
      a: { b: { c: 'deep', d: 'deep d' } },
    };
    for (const [path, subject] of [
      ['https://hasura.test/jwt/claims.x-hasura-user-id', '7'],
      ['a.b.c', 'whole'],
      ['a.b.d', 'deep d'],
    ] as const) {
      const identity = await identityWith(configWith({ subjectClaims: [path.split('.')] }), claims);
      expect(identity?.subject).toBe(subject);
    }
  });
});

describe('an issuer', () => {
  const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const entra = { issuer: 'https://login.test/{tid}/v2.0', spellings: ['https://sts.test/{tenantid}/'] };

  test('of many tenants keeps their subjects apart, however each is spelled', async () => {
    const { call, refusalOf } = appOf(withIssuer(entra));
    for (const iss of [`https://login.test/${TENANT}/v2.0`, `https://sts.test/${TENANT}/`])
      expect((await call(`Bearer ${await tokenWith({ iss, tid: TENANT })}`)).identity?.partition).toBe(
        `["subject","https://login.test/${TENANT}/v2.0","alice"]`,
      );
    for (const claims of [
      { iss: `https://login.test/${TENANT}/v2.0`, tid: 'other' },
      { iss: `https://login.test/${TENANT}/v2.0` },
      { iss: 'https://login.test/{tid}/v2.0', tid: '{tid}' },
      { iss: 'https://login.test/a/b/v2.0', tid: 'a/b' },
      { iss: 'https://login.test//v2.0', tid: '' },
      { iss: 'https://login.test/7/v2.0', tid: 7 },
    ])
      expect(await refusalOf(`Bearer ${await tokenWith(claims)}`)).toBe('issuer_unknown');
  });

  test('of two spellings has one quota for each subject', async () => {
    const { call } = appOf(withIssuer({ spellings: ['issuer.test', 'https://issuer.test/'] }));
    for (const iss of ['https://issuer.test', 'issuer.test', 'https://issuer.test/'])
      expect((await call(`Bearer ${await tokenWith({ iss })}`)).identity?.issuer).toBe('https://issuer.test');
  });
});

describe('a secret and public keys of one issuer', () => {
  test('each verify their own family of algorithms, and no key the other’s', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const key = await exportSPKI(publicKey);
    const keys = [...issuer.keys, { kind: 'public', key } as const];
    const { call, refusalOf } = appOf(withIssuer({ keys, algorithms: ['HS256', 'ES256'] }));
    expect((await call(`Bearer ${await tokenWith()}`)).response.status).toBe(200);
    const signed = (claims: JWTPayload) =>
      new SignJWT({
        iss: 'https://issuer.test',
        aud: 'https://api.test',
        sub: 'bob',
        exp: now() + 600,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(privateKey);
    expect((await call(`Bearer ${await signed({})}`)).identity?.subject).toBe('bob');
    for (const confused of [key, key.replace(/-----.*?-----|\s/g, '')])
      expect(await refusalOf(`Bearer ${await tokenWith({}, {}, confused)}`)).toBe('signature_invalid');
  });
});
