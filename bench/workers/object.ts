// Contender (g): what people write today with a Durable Object: the token is verified on every request, and every
// request is one call of an object and one row written.
import { DurableObject } from 'cloudflare:workers';
import { importSPKI, jwtVerify } from 'jose';

interface Env {
  readonly ORIGIN_URL: string;
  readonly JWT_PUBLIC_KEY: string;
  readonly JWT_ISSUER: string;
  readonly JWT_AUDIENCE: string;
  readonly LIMITER: DurableObjectNamespace<Limiter>;
}

const QUOTA = 10_000_000;
const WINDOW_MS = 60_000;

/** A counter by calendar window. */
export class Limiter extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql.exec('CREATE TABLE IF NOT EXISTS hits (id INTEGER PRIMARY KEY, window INTEGER, count INTEGER)');
  }

  hit(): boolean {
    const window = Math.floor(Date.now() / WINDOW_MS);
    const { count } = this.#sql
      .exec<{ count: number }>(
        `INSERT INTO hits VALUES (1, ?1, 1) ON CONFLICT DO UPDATE SET
        count = CASE window WHEN ?1 THEN count + 1 ELSE 1 END, window = ?1 RETURNING count`,
        window,
      )
      .one();
    return count <= QUOTA;
  }
}

let key: CryptoKey | undefined;

/** The subject of a good token. */
const subjectOf = async (request: Request, env: Env): Promise<string | undefined> => {
  const token = request.headers.get('Authorization')?.slice('Bearer '.length) ?? '';
  key ??= await importSPKI(env.JWT_PUBLIC_KEY, 'ES256');
  try {
    const options = { issuer: env.JWT_ISSUER, audience: env.JWT_AUDIENCE };
    return (await jwtVerify(token, key, options)).payload.sub;
  } catch {
    return undefined;
  }
};

export default {
  async fetch(request, env) {
    const subject = await subjectOf(request, env);
    if (subject === undefined) return new Response('Unauthorized', { status: 401 });
    const limiter = env.LIMITER.get(env.LIMITER.idFromName(subject));
    if (!(await limiter.hit())) return new Response('Too Many Requests', { status: 429 });
    const { pathname, search } = new URL(request.url);
    return fetch(new Request(env.ORIGIN_URL + pathname + search, request));
  },
} satisfies ExportedHandler<Env>;
