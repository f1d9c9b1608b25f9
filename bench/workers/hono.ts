// Contender (f): what people write today: `hono/jwt`, and `hono-rate-limiter` over the platform's own binding.
import { Hono } from 'hono';
import { jwt } from 'hono/jwt';
import { rateLimiter } from 'hono-rate-limiter';

interface Bindings {
  readonly ORIGIN_URL: string;
  readonly JWT_SECRET: string;
}

type Env = { Bindings: Bindings; Variables: { jwtPayload: { sub: string } } };

/** Answers at once. The local emulation of the binding is a SQLite object, far slower than the real one. */
const binding = { limit: async () => ({ success: true }) };

const app = new Hono<Env>();

app.use((c, next) => jwt({ secret: c.env.JWT_SECRET, alg: 'HS256' })(c, next));

app.use(rateLimiter<Env>({ binding, keyGenerator: (c) => c.get('jwtPayload').sub }));

app.all('*', (c) => {
  const { pathname, search } = new URL(c.req.url);
  return fetch(new Request(c.env.ORIGIN_URL + pathname + search, c.req.raw));
});

export default app;
