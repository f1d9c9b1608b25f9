// The way of a request, top to bottom.
import { HonoBase as Hono } from 'hono/hono-base';
import { admin } from './admin/admin.ts';
import { isOurs } from './admin/ours.ts';
import { authenticate } from './auth/authenticate.ts';
import { Examiner } from './auth/examine.ts';
import { type Config, parseConfig } from './config.ts';
import { cors } from './cors.ts';
import type { Bindings, Env } from './env.ts';
import { limit } from './limit/limit.ts';
import { OneRoute } from './one-route.ts';
import { internalError } from './problem.ts';
import { proxy } from './proxy.ts';
import { log } from './report/log.ts';
import { timed } from './report/server-timing.ts';
import { report } from './report.ts';
import { route } from './route.ts';
import { type Handler, inOrder } from './step.ts';

export { Limiter } from './limit/limiter.ts';

const pipeline = (config: Config): Hono<Env> => {
  const examiner = new Examiner(config);
  const steps = [
    cors(config),
    report(config),
    route(config),
    timed(config, 'auth', authenticate(config, examiner)),
    timed(config, 'limit', limit(config, examiner)),
    timed(config, 'origin', proxy(config)),
  ];
  return everyRequest(inOrder(steps));
};

/** `route` reads the path itself: nothing is left to find for Hono's router. */
const everyRequest = (handler: Handler): Hono<Env> =>
  new Hono<Env>({ router: new OneRoute(), getPath: () => '/' }).all('*', handler).onError(internalError);

/** Answers every request until the vars are mended; the log says what is wrong with which. */
const stopped = (error: unknown): Hono<Env> =>
  everyRequest((c) => {
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
