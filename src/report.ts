// The outermost step: follows a request through, and after the response says what became of it.
import type { MiddlewareHandler } from 'hono';
import type { Config } from './config.ts';
import type { Env } from './env.ts';

export const report = (_config: Config): MiddlewareHandler<Env> =>
  async function report(c, next) {
    const id = c.req.header('cf-ray') ?? crypto.randomUUID();
    c.set('trace', { arrived: Date.now(), id, outcome: 'forwarded' });
    await next();
  };
