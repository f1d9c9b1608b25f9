// The authenticate step in a bare Hono app: real keys, real tokens, no runtime of Cloudflare's.
import { Hono } from 'hono';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { authenticate } from '../../src/auth/authenticate.ts';
import type { Config, Route } from '../../src/config.ts';
import type { Env, Identity, Trace } from '../../src/env.ts';
import { configWith, issuer, route } from '../fixtures/config.ts';

const SECRET = new TextEncoder().encode('a-secret-of-thirty-two-characters');

const tokenFor = (claims: Record<string, unknown> = {}): Promise<string> =>
  new SignJWT({
    iss: 'https://issuer.test',
    aud: 'https://api.test',
    sub: 'alice',
    exp: now() + 60,
    ...claims,
  })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(SECRET);

const now = (): number => Math.floor(Date.now() / 1000);

interface Seen {
  readonly response: Response;
  readonly identity: Identity | undefined;
  readonly trace: Trace;
}

/** An app of this one step, which remembers what the step left behind. */
const appOf = (config: Config, on: Route = route, preflight = false) => {
  const step = authenticate(config);
  const limits = { charged: 0, allowed: 60 };
  const limit = async () => ({ success: ++limits.charged <= limits.allowed });
  const call = async (authorization?: string, address = '192.0.2.1'): Promise<Seen> => {
    const trace: Trace = { arrived: Date.now(), id: 'x', outcome: 'forwarded' };
    let identity: Identity | undefined;
    const app = new Hono<Env>();
    app.use(async (c, next) => {
      c.set('trace', trace);
      c.set('route', on);
      c.set('preflight', preflight);
      await next();
    });
    app.use(step);
    app.all('*', (c) => {
      identity = c.get('identity');
      return c.text('in');
    });
    const headers: Record<string, string> = { 'CF-Connecting-IP': address };
    if (authorization !== undefined) headers.Authorization = authorization;
    const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const env = { AUTH_FAILURES: { limit } } as unknown as Env['Bindings'];
    const response = await app.fetch(new Request('https://api.test/', { headers }), env, context as never);
    return { response, identity, trace };
  };
  return { call, limits };
};

describe('authenticate', () => {
  test('lets a good token in and names its subject', async () => {
    const { call } = appOf(configWith());
    const token = await tokenFor();
    for (const authorization of [`Bearer ${token}`, `Bearer ${token}`, `bearer  ${token}`]) {
      const { response, identity } = await call(authorization);
      expect(response.status).toBe(200);
      expect(identity).toMatchObject({ issuer: 'https://issuer.test', subject: 'alice' });
      expect(identity?.headers).toEqual([['X-Auth-Subject', 'alice']]);
    }
  });

  test('refuses a token of another issuer', async () => {
    const { call } = appOf(configWith({ issuers: [issuer] }));
    const { response, trace } = await call(`Bearer ${await tokenFor({ iss: 'https://other.test' })}`);
    expect(response.status).toBe(401);
    expect(trace).toMatchObject({ outcome: 'unauthorized', reason: 'issuer_unknown' });
  });
});
