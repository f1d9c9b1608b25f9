// The way of a request, top to bottom.
import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import { admin } from './admin/admin.ts';
import { isOurs } from './admin/ours.ts';
import { authenticate } from './auth/authenticate.ts';
import { Examiner } from './auth/examine.ts';
import { type Config, parseConfig } from './config.ts';
import { cors } from './cors.ts';
import type { Bindings, Env } from './env.ts';
import { limit } from './limit/limit.ts';
import { badRequest, internalError } from './problem.ts';
import { proxy } from './proxy.ts';
import { log } from './report/log.ts';
import { timed } from './report/server-timing.ts';
import { report } from './report.ts';
import { route } from './route.ts';

export { Limiter } from './limit/limiter.ts';

const pipeline = (config: Config): Hono<Env> => {
  const examiner = new Examiner(config);
  return new Hono<Env>({ getPath: everyPath })
    .use(report(config))
    .use(cors(config))
    .use(route(config))
    .use(timed(config, 'auth', authenticate(config, examiner)))
    .use(timed(config, 'limit', limit(config, examiner)))
    .all('*', timed(config, 'origin', proxy(config)))
    .onError(unforeseen);
};

/** Every step is for every path, and `route` reads it itself: the router need not take it out of the URL. */
const everyPath = (): string => '/';

/** A `Host` that no URL can be made of is the client's doing. All else is ours; the answer says nothing of it. */
const unforeseen = (error: Error, c: Context<Env>): Response => {
  if (!URL.canParse(c.req.url)) return badRequest();
  const trace = c.get('trace');
  trace.outcome = 'internal_error';
  trace.reason = String(error).slice(0, 200);
  return internalError();
};

/** Answers every request until the vars are mended; the log says what is wrong with which. */
const stopped = (error: unknown): Hono<Env> =>
  new Hono<Env>().all('*', (c) => {
    log(
      () => ({ outcome: 'misconfigured', reason: String(error) }),
      (work) => c.executionCtx.waitUntil(work),
    );
    return internalError();
  });

interface Weir {
  readonly pipeline: Hono<Env>;
  readonly admin: ReturnType<typeof admin>;
}

const start = (env: Bindings): Weir => {
  try {
    const config = parseConfig(env);
    return { pipeline: pipeline(config), admin: admin(config) };
  } catch (error) {
    return { pipeline: stopped(error), admin: admin(undefined) };
  }
};

/** Made once per isolate, from the first request's vars: they cannot change while it lives. */
let weir: Weir | undefined;

export default {
  fetch(request: Request, env: Bindings, ctx: ExecutionContext): Response | Promise<Response> {
    weir ??= start(env);
    return isOurs(request.url) ? weir.admin(request, env, ctx) : weir.pipeline.fetch(request, env, ctx);
  },
};
