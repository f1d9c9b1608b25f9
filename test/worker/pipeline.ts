// The pipeline inside workerd without its ends: the route is given and the origin answers at once.
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { SignJWT } from 'jose';
import { vi } from 'vitest';
import { Examiner } from '../../src/auth/examine.ts';
import type { Config, Route } from '../../src/config/types.ts';
import { Exchange } from '../../src/exchange.ts';
import { authenticate } from '../../src/middleware/authenticate.ts';
import { limit } from '../../src/middleware/limit.ts';
import { report } from '../../src/middleware/report.ts';
import { timed } from '../../src/middleware/server-timing.ts';
import { inOrder, type WeirEnv } from '../../src/middleware/step.ts';
import { configWith, limitsOf, route } from '../fixtures/config.ts';

const SECRET = new TextEncoder().encode('a-secret-of-thirty-two-characters');

let subjects = 0;
export const newSubject = () => `subject ${subjects++} ${crypto.randomUUID()}`;

export const tokenOf = (sub: string, claims: Record<string, unknown> = {}) =>
  new SignJWT({ iss: 'https://issuer.test', aud: 'https://api.test', sub, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(SECRET);

export const policiesOf = (limits: string) => ({
  ...configWith().policies,
  default: limitsOf(limits),
});

/** Keeps what it logs and its data points; `bindings` of a call are laid over the real ones. */
export const pipelineOf = (rest: Partial<Config>, onRoute: Partial<Route> = {}) => {
  const config = configWith({}, { policies: policiesOf('3/minute'), ...rest });
  const examiner = new Examiner(config);
  const given = { ...route, ...onRoute };
  const points: AnalyticsEngineDataPoint[] = [];
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
  const app = new Hono<WeirEnv>();
  app.use(async (c, next) => {
    c.set('exchange', new Exchange(c.req.raw, c.env, c.executionCtx, given));
    await next();
  });
  app.use(
    inOrder(
      report(config),
      timed(config, 'auth', authenticate(config, examiner)),
      timed(config, 'limit', limit(config, examiner)),
      timed(config, 'origin', (_c, next) => next()),
    ),
  );
  app.all('*', () => new Response('from the origin'));
  const ANALYTICS = { writeDataPoint: (point: AnalyticsEngineDataPoint) => void points.push(point) };
  const call = async (
    token: string | undefined,
    headers: Record<string, string> = {},
    bindings = {},
    path = '/',
  ) => {
    const ctx = createExecutionContext();
    const request = new Request(`https://api.test${path}`, {
      headers: { ...headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) },
    });
    const response = await app.fetch(request, { ...env, ANALYTICS, ...bindings } as never, ctx);
    await response.clone().text();
    await waitOnExecutionContext(ctx);
    return response;
  };
  return { call, points, lines: () => lines.map((line) => JSON.parse(line)), raw: lines };
};
