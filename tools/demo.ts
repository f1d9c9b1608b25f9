// `npm start`: Weir in the local Workers runtime, in front of a demo origin, with a demo issuer of tokens.
import { randomBytes } from 'node:crypto';
import { buildWorker } from './build.ts';
import { command, paint, whole } from './cli.ts';
import { AUDIENCE, ISSUER, mint, startIssuer } from './demo/issuer.ts';
import { demoOrigin } from './demo/origin.ts';
import { freePort, serve } from './demo/ports.ts';
import { type Runtime, startRuntime } from './runtime.ts';

const DEFAULT_PORT = 8787;
const DAY = 86_400;
/** Small and short, so that a loop runs into the 429 and out of it within seconds. */
const VARS = {
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
  TIER_CLAIM: 'tier',
  CORS_ORIGINS: '*',
  LIMITS: '5 / 5 seconds',
  TIERS: { pro: '20 / 5 seconds' },
  ROUTES: [
    {
      name: 'teams',
      match: '/teams/:team/*',
      limits: '30 / 5 seconds by :team; 60 / 5 seconds by org.id; 1000/minute by everyone',
    },
  ],
};

const secret = (): string => randomBytes(32).toString('base64url');

/** Resolves on a signal to stop, or when npm or the reader of the output has gone away. */
const stopped = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
    process.stdout.on('error', () => resolve());
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && resolve(), 500).unref();
  });

/** The console has an isolate and a port of its own, as it has a host of its own in production. */
const startAll = async (
  port: number,
  consolePort: number,
  secrets: Record<string, string>,
): Promise<Runtime> => {
  const issuer = await serve(await startIssuer());
  const ORIGIN_URL = await serve(demoOrigin());
  const CONSOLE_HOST = `127.0.0.1:${consolePort}`;
  const vars = { ...VARS, JWKS_URL: `${issuer}/jwks.json`, ORIGIN_URL, CONSOLE_HOST };
  return startRuntime({
    isolates: 2,
    port: [port, consolePort],
    vars,
    secrets,
    directory: true,
    pulse: true,
    onLog: ({ message }) => console.log(paint('dim', message)),
  });
};

const welcome = async (
  [url = '', pages = '']: readonly string[],
  wanted: number,
  adminToken: string,
): Promise<void> => {
  const token = await mint('alice', DAY);
  const authorization = '-H "Authorization: Bearer $TOKEN"';
  const taken = url.endsWith(`:${wanted}`) ? '' : ` (port ${wanted} is taken)`;
  console.log(`
${paint('bold', `Weir listens on ${url}`)}${taken}, in front of a demo origin.
Each caller may make 5 requests in any 5 seconds; one whose token says "tier": "pro", 20.

A token of alice's, good for a day:
  TOKEN=${token}

An allowed call; its RateLimit fields say what is left:
  curl -i ${authorization} ${url}/hello

A refused one, without a token:
  curl -i ${url}/hello

A call every half second, until the quota is spent and after it has recovered:
  for i in $(seq 16); do curl -s -o /dev/null -w '%{http_code}\\n' ${authorization} ${url}/hello; sleep 0.5; done

Another token:
  npx weir-edge token --sub bob --tier pro --ttl 1h

What alice has left, and whatever else docs/operate.md tells, in another terminal:
  export WEIR_URL=${url} WEIR_ADMIN_TOKEN=${adminToken}
  npx weir-edge subject alice

The console, live; sign in with the token of the line above:
  ${pages}
and callers for it to show:
  npm run traffic -- --url ${url}

Ctrl-C stops it all. Weir's log follows, a line for each refusal.
`);
};

await command({
  name: 'start',
  about:
    'Runs Weir on this machine, in front of a demo origin, with a demo issuer of tokens. Ctrl-C ends it.',
  options: {
    port: whole(
      { min: 1, max: 65_535 },
      'where it listens, or the next free one; default 8787',
      DEFAULT_PORT,
    ),
  },
  async run({ port }) {
    const stop = stopped();
    await buildWorker();
    const adminToken = secret();
    const apiPort = await freePort(port);
    const weir = await startAll(apiPort, await freePort(apiPort + 1), {
      ADMIN_TOKEN: adminToken,
      PARTITION_SECRET: secret(),
    });
    await welcome(weir.urls, port, adminToken);
    await stop;
    await weir.close();
    process.exit(0);
  },
});
