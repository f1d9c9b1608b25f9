// Provisional: the proxy helper replaces this file and keeps `proxy(config)`.
import type { Context } from 'hono';
import type { Config } from './config.ts';
import type { Env } from './env.ts';
export const proxy = (config: Config) => async (c: Context<Env>) => {
  const u = new URL(c.req.url);
  const r = await fetch(
    (config.origin.url?.origin ?? '') + u.pathname + u.search,
    new Request(c.req.raw.url, c.req.raw) as unknown as RequestInit,
  );
  return new Response(r.body, r);
};
