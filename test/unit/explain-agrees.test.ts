// `explain` and the Worker's own steps, asked the same: they must agree on who gets in, and on why not.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { Hono, type MiddlewareHandler } from 'hono';
import { CompactSign, exportJWK, exportSPKI, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/types.ts';
import { explain } from '../../tools/explain/explanation.ts';

/** The Worker's steps, as far as they are needed here: they are typed for Workers, and this file for Node. */
interface Steps {
  readonly Exchange: new (request: Request, env: object, context: object, route: unknown) => Asked;
  readonly route: (config: Config) => MiddlewareHandler;
  readonly authenticate: (config: Config) => MiddlewareHandler;
}

interface Asked {
  readonly trace: { readonly reason: string | undefined };
  readonly identity: { readonly subject: string } | undefined;
}

const load = (file: string): Promise<Partial<Steps>> => import(join(import.meta.dirname, '../../src', file));

const files = ['exchange.ts', 'middleware/route.ts', 'middleware/authenticate.ts'];
const { Exchange, route, authenticate } = Object.assign({}, ...(await Promise.all(files.map(load)))) as Steps;

const SECRET = 'a secret of at least 32 bytes in all';
const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
const spki = await exportSPKI(publicKey);
const strange = await generateKeyPair('ES256');

const server = createServer(async (_request, response) => {
  response.end(JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] }));
});
let jwksUrl = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
});
afterAll(() => server.close());

/** The Worker's answer to a request, and the reason that its log would have. */
const workerSays = async (config: Config, request: Request) => {
  const app = new Hono<{ Variables: { exchange: Asked } }>();
  const work: Promise<unknown>[] = [];
  const context = { waitUntil: (task: Promise<unknown>) => void work.push(task) };
  const bindings = { AUTH_FAILURES: { limit: async () => ({ success: true }) } };
  const exchange = new Exchange(request, bindings, context, config.defaultRoute);
  app.use((c, next) => {
    c.set('exchange', exchange);
    return next();
  });
  app.use(route(config), authenticate(config));
  app.all('*', () => new Response('in'));
  const { status } = await app.fetch(request);
  await Promise.all(work);
  return { status, reason: exchange.trace.reason, subject: exchange.identity?.subject };
};

const explainSays = async (config: Config, url: string, headers: readonly [string, string][]) => {
  const ask = { method: 'GET', url, token: undefined, address: undefined, preflight: false, headers };
  const { refusal, subject } = await explain(config, ask);
  const status = refusal && config.tokens.mode === 'enforce' ? refusal.status : 200;
  return { status, reason: refusal?.reason, subject };
};

/** A value that is mostly the good one, so that many tokens are accepted. */
const mostly = <T>(good: T, ...odd: unknown[]) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant(good as unknown) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );

const now = Math.floor(Date.now() / 1000);

const claims = fc.record({
  iss: mostly('https://issuer.test', undefined, 'https://issuer.test/', 7, 'https://t1.test/v2'),
  tid: fc.constantFrom(undefined, 't1', 'a/b'),
  aud: mostly('api', undefined, ['api', 'web'], 'web', 7, []),
  sub: mostly('alice', undefined, '', 7, {}, 'x'.repeat(2_000)),
  client_id: fc.constantFrom(undefined, 'web', 'ios', ['ios']),
  scope: fc.constantFrom(undefined, 'read', 'read write', ['write'], ''),
  permissions: fc.constantFrom(undefined, ['write'], []),
  exp: mostly(now + 600, undefined, 1, '9999999999', now - 600, 1e300),
  nbf: mostly(undefined, now - 60, now + 600, '0', null),
  iat: mostly(now - 60, undefined, now + 600, 1, 'now'),
});

const header = fc.record({
  alg: mostly('ES256', 'none', 'XX', 'ES384', 7),
  kid: mostly(undefined, 'one', 7),
  typ: mostly('JWT', 'at+jwt', undefined, 7),
  crit: mostly(undefined, ['b64'], []),
});

const vars = fc.record({
  keys: fc.constantFrom('jwks', 'public', 'secret', 'both'),
  JWT_ISSUER: fc.constantFrom('https://issuer.test', '', 'https://{tid}.test/v2'),
  JWT_AUDIENCE: fc.constantFrom('', 'api', 'api, web'),
  JWT_TYP: mostly('', 'at+jwt'),
  MAX_TOKEN_AGE_SECONDS: mostly('', '300'),
  REQUIRED_CLAIMS: mostly('', '{"client_id":["web","ios"]}'),
  SUBJECT_CLAIM: fc.constantFrom('sub', 'client_id, sub'),
  SCOPE_CLAIM: fc.constantFrom('scope, scp', 'permissions, scope'),
  TOKEN_SOURCES: fc.constantFrom(
    'header:Authorization',
    'cookie:session, header:Authorization',
    'query:token, header:X-Token, header:Authorization',
  ),
  AUTH_MODE: mostly('enforce', 'shadow'),
});

/** Where the token is put, and what else the request has. */
const request = fc.record({
  path: fc.constantFrom('/', '/write', '/maybe', '/open'),
  place: fc.constantFrom('authorization', 'lower', 'cookie', 'query', 'x-token', 'nowhere', 'twice'),
  site: fc.constantFrom(undefined, 'same-origin', 'cross-site'),
});

const ROUTES = [
  { name: 'write', match: '/write', scopes: ['write'] },
  { name: 'maybe', match: '/maybe', auth: 'optional' },
  { name: 'open', match: '/open', auth: 'none' },
];

type Drawn<T> = T extends fc.Arbitrary<infer U> ? U : never;

const configOf = ({ keys, ...rest }: Drawn<typeof vars>): Config =>
  parseConfig({
    ...rest,
    ROUTES,
    UNAUTHORIZED_DELAY_MS: 0,
    ...(keys === 'jwks' && { JWKS_URL: jwksUrl }),
    ...((keys === 'public' || keys === 'both') && { JWT_PUBLIC_KEY: spki }),
    ...((keys === 'secret' || keys === 'both') && { JWT_SECRET: SECRET }),
  });

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signed as its issuer would; a header that no one could sign gets some signature. */
const tokenOf = async (payload: object, head: Record<string, unknown>, keys: string, isForged: boolean) => {
  const isSecret = keys === 'secret' && head.alg === 'ES256';
  const full = isSecret ? { ...head, alg: 'HS256' } : head;
  const input = `${encode(full)}.${encode(payload)}`;
  const key = isSecret ? new TextEncoder().encode(SECRET) : isForged ? strange.privateKey : privateKey;
  try {
    const signed = new CompactSign(Buffer.from(JSON.stringify(payload)));
    return await signed.setProtectedHeader(JSON.parse(JSON.stringify(full))).sign(key);
  } catch {
    return `${input}.${'A'.repeat(86)}`;
  }
};

const shapes = fc.oneof(
  { weight: 12, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('null', 'opaque', 'a.b', 'a.b.c.d.e', 'a.b.c', `${'a'.repeat(20_000)}.b.c`),
  },
);

it('explain and the Worker agree on who gets in and why not, whatever the vars, the claims and the request', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      vars,
      claims,
      header,
      request,
      shapes,
      fc.boolean(),
      async (env, payload, head, asked, shape, forged) => {
        const config = configOf(env);
        // Without the keys no one can tell a forgery.
        const isForged = forged && payload.scope === '' && env.keys !== 'jwks';
        const token = shape ?? (await tokenOf(payload, head, env.keys, isForged));
        const { url, headers } = placed(token, asked);
        const worker = await workerSays(config, new Request(url, { headers }));
        expect(await explainSays(config, url, headers)).toEqual(worker);
        const outcome = worker.reason ?? (worker.subject === undefined ? 'anonymous' : 'accepted');
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      },
    ),
    { numRuns: 600 },
  );
  // Else it would show nothing. Of the rarer ones chance may leave out a few.
  expect(seen.get('accepted') ?? 0).toBeGreaterThan(0);
  expect(OUTCOMES.filter((outcome) => seen.has(outcome)).length).toBeGreaterThan(OUTCOMES.length / 2);
});

const OUTCOMES = [
  'anonymous',
  'token_missing',
  'token_malformed',
  'token_expired',
  'issuer_unknown',
  'alg_not_allowed',
  'claim_aud',
  'claim_required',
  'scope_missing',
  'subject_unusable',
  'signature_invalid',
];

const placed = (token: string, { path, place, site }: Drawn<typeof request>) => {
  const headers: [string, string][] = site === undefined ? [] : [['Sec-Fetch-Site', site]];
  const url = `https://api.test${path}`;
  if (place === 'authorization') headers.push(['Authorization', `Bearer ${token}`]);
  if (place === 'lower') headers.push(['Authorization', `bearer   ${token}`]);
  if (place === 'cookie') headers.push(['Cookie', `a=1; session=${token}`]);
  if (place === 'x-token') headers.push(['X-Token', token], ['Authorization', 'Basic YTpi']);
  if (place === 'twice') headers.push(['Authorization', `Bearer ${token}, Bearer ${token}`]);
  return { url: place === 'query' ? `${url}?token=${token}` : url, headers };
};
