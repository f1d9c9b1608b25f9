// `npm start`: Weir in the local Workers runtime, in front of a demo origin, with a demo issuer of tokens.
import { parseArgs } from 'node:util';
import { buildWorker } from './build.ts';
import { paint, run, UsageError } from './cli.ts';
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
};

const main = async (): Promise<number> => {
  const wanted = readPort();
  const stop = stopped();
  await buildWorker();
  const weir = await startAll(await freePort(wanted));
  await welcome(weir.urls[0] ?? '', wanted);
  await stop;
  await weir.close();
  process.exit(0);
};

const readPort = (): number => {
  const { values } = parseArgs({ options: { port: { type: 'string', default: String(DEFAULT_PORT) } } });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError('--port: expected 1 to 65535');
  return port;
};

/** Resolves when somebody asks for the end, or npm or whoever reads the output went away. */
const stopped = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
    process.stdout.on('error', () => resolve());
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && resolve(), 500).unref();
  });

const startAll = async (port: number): Promise<Runtime> => {
  const issuer = await serve(await startIssuer());
  const ORIGIN_URL = await serve(demoOrigin());
  const vars = { ...VARS, JWKS_URL: `${issuer}/jwks.json`, ORIGIN_URL };
  return startRuntime({ port, vars, onLog: ({ message }) => console.log(paint('dim', message)) });
};

const welcome = async (url: string, wanted: number): Promise<void> => {
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

Another token:  npm run -s token -- --sub bob --tier pro --ttl 1h
Ctrl-C stops it all. Weir's log follows, a line for each refusal.
`);
};

await run(main);
