// The deployed Worker, top to bottom: the admin API, the console, the guard, the way to the origin.
import { Hono } from 'hono';
import { admin } from './admin/admin.ts';
import type { Bindings } from './bindings.ts';
import { consolePages } from './middleware/console.ts';
import { proxy } from './middleware/proxy.ts';
import { weir } from './middleware/weir.ts';
import { uncaughtError } from './problem.ts';
import { sentPath } from './routing/sent-path.ts';

// Hono's own would decode every path, which takes milliseconds where thousands of escapes are none.
const app = new Hono<{ Bindings: Bindings }>({ getPath: ({ url }) => sentPath(url) });

app.route('/.weir', admin({ env: true }));
app.use(consolePages({ env: true }));
app.use(weir({ env: true }));
app.all('*', proxy({ env: true }));
app.onError((_error, c) => uncaughtError(c.req.url));

export default app;
export { Directory } from './directory/directory.ts';
export { Limiter } from './limiter/limiter.ts';
export { Pulse } from './pulse/pulse.ts';
