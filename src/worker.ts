// The way of a request, top to bottom.
import { admin } from './admin/admin.ts';
import { isOurs } from './admin/ours.ts';
import { Examiner } from './auth/examine.ts';
import type { Bindings } from './bindings.ts';
import { parseConfig } from './config/config.ts';
import type { Config } from './config/types.ts';
import { Exchange } from './exchange.ts';
import { authenticate } from './middleware/authenticate.ts';
import { cors } from './middleware/cors.ts';
import { limit } from './middleware/limit.ts';
import { proxy } from './middleware/proxy.ts';
import { report } from './middleware/report.ts';
import { route } from './middleware/route.ts';
import { timed } from './middleware/server-timing.ts';
import { internalError } from './problem.ts';
import { log } from './report/log.ts';
import { inOrder } from './step.ts';

export { Limiter } from './limiter/limiter.ts';
export { Pulse } from './pulse/pulse.ts';

type Fetch = (request: Request, env: Bindings, ctx: ExecutionContext) => Response | Promise<Response>;

const pipeline = (config: Config): Fetch => {
  const examiner = new Examiner(config);
  const answer = inOrder([
    cors(config),
    report(config),
    route(config),
    timed(config, 'auth', authenticate(config, examiner)),
    timed(config, 'limit', limit(config, examiner)),
    timed(config, 'origin', proxy(config)),
  ]);
  return (request, env, ctx) => answer(new Exchange(request, env, ctx, config.defaultRoute));
};

/** Answers every request until the vars are mended; the log says what is wrong with which. */
const stopped =
  (error: unknown): Fetch =>
  (_request, _env, ctx) => {
    log(() => ({ outcome: 'misconfigured', reason: String(error) }), ctx);
    return internalError();
  };

interface Weir {
  readonly pipeline: Fetch;
  readonly admin: Fetch;
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
  fetch(request, env, ctx) {
    weir ??= start(env);
    return isOurs(request.url) ? weir.admin(request, env, ctx) : weir.pipeline(request, env, ctx);
  },
} satisfies ExportedHandler<Bindings>;
