// Contender (s): Stoma, the nearest open peer, with its `jwtAuth` and its `rateLimit` over its own Durable Object store.
import { DurableObject } from 'cloudflare:workers';
// Its `exports` name sources that the package does not have, so its build is imported by path.
import {
  DurableObjectRateLimitStore,
  RateLimiterDO,
} from '../../node_modules/@homegrower-club/stoma/dist/adapters/durable-object.js';
import { createGateway, jwtAuth, rateLimit } from '../../node_modules/@homegrower-club/stoma/dist/index.js';

interface Env {
  readonly ORIGIN_URL: string;
  readonly JWT_SECRET: string;
  readonly LIMITER: DurableObjectNamespace;
}

/** Its class, under the name and in the shape that the bench counts calls and rows by. */
export class Limiter extends DurableObject<Env> {
  readonly #theirs = new RateLimiterDO(this.ctx);

  override fetch(request: Request): Promise<Response> {
    return this.#theirs.fetch(request);
  }

  override alarm(): Promise<void> {
    return this.#theirs.alarm();
  }
}

const QUOTA = 10_000_000;

const gatewayOf = ({ ORIGIN_URL, JWT_SECRET, LIMITER }: Env) =>
  createGateway({
    routes: [
      {
        path: '/*',
        pipeline: {
          policies: [
            jwtAuth({ secret: JWT_SECRET, forwardClaims: { sub: 'X-Auth-Subject' } }),
            rateLimit({
              max: QUOTA,
              windowSeconds: 60,
              store: new DurableObjectRateLimitStore(LIMITER),
              keyBy: (c) => c.req.header('X-Auth-Subject') ?? '',
            }),
          ],
          upstream: { type: 'url', target: ORIGIN_URL },
        },
      },
    ],
  });

let gateway: ReturnType<typeof gatewayOf> | undefined;

export default {
  fetch(request, env, ctx) {
    gateway ??= gatewayOf(env);
    return gateway.app.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
