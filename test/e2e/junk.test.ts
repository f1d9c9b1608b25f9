// Junk of every kind from an address that others share: their fresh tokens still pass, and the junk costs little.
import { randomBytes } from 'node:crypto';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cpuMicroseconds } from '../../bench/cpu.ts';
import { IdentityProvider } from '../fixtures/identity-provider.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { pidListeningOn } from '../fixtures/process.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { startWeir, type Weir } from '../fixtures/weir.ts';

const SECONDS = scaled(4, 20);
const JUNK_PER_SECOND = 300;
const GOOD_PER_SECOND = 5;
/** Of fresh good tokens, at the first or second try. */
const LEAST_PASSED = 0.95;
/** Between the two tries, so that both are within a second. */
const RETRY_MS = 500;
/** Of a core, beyond what a Worker takes for as many requests that does nothing but refuse. Measured in the soak alone. */
const MOST_CPU = 0.15;
const SHARED = '203.0.113.66';

const BARE = `
  export * from './index.js';
  const headers = { 'WWW-Authenticate': 'Bearer', 'Cache-Control': 'no-store' };
  export default { fetch: () => new Response('{"status":401}', { status: 401, headers }) };
`;

let provider: IdentityProvider;
let origin: Origin;
let weir: Weir;
/** Answers every request with a 401 at once. */
let bare: Weir;
const agent = new Agent({ keepAlive: true, maxSockets: 32 });

beforeAll(async () => {
  [provider, origin] = await Promise.all([IdentityProvider.start(), startOrigin()]);
  weir = await startWeir({
    vars: {
      ORIGIN_URL: `${origin.url}/echo`,
      ...provider.vars,
      LIMITS: '1000000/hour',
    },
  });
  bare = await startWeir({ wrapper: BARE });
});
afterAll(async () => {
  agent.destroy();
  await Promise.all([weir.close(), bare.close(), provider.stop(), origin.close()]);
});

const statusOf = (token: string, { url } = weir): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, 'CF-Connecting-IP': SHARED };
    get(url, { agent, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    }).on('error', reject);
  });

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const random = (bytes: number): string => randomBytes(bytes).toString('base64url');

/** Each new, as those of a flood are. */
const junkKinds = async (): Promise<Record<string, () => string>> => {
  const [key] = provider.publicKeys;
  const claims = provider.goodClaims();
  const head = { alg: 'RS256', typ: 'at+jwt', kid: key?.kid };
  const made = (header: object, payload: object) => `${encoded(header)}.${encoded(payload)}.${random(256)}`;
  const expired = await Promise.all(
    Array.from({ length: (SECONDS * JUNK_PER_SECOND) / 2 }, () =>
      provider.sign({ ...claims, jti: random(9), exp: Math.floor(Date.now() / 1_000) - 600 }),
    ),
  );
  return {
    'wrong shape': () => `${random(30)}.${random(30)}`,
    'wrong algorithm': () => made({ ...head, alg: 'HS256' }, { ...claims, jti: random(9) }),
    'unknown kid': () => made({ ...head, kid: random(9) }, { ...claims, jti: random(9) }),
    expired: () => expired.pop() ?? '',
    'bad signature': () => made(head, { ...claims, jti: random(9) }),
  };
};

/** Calls `ask` so often a second, evenly, and waits for all that comes of it. */
const pace = async <T>(perSecond: number, ask: (i: number) => Promise<T>): Promise<T[]> => {
  const started = performance.now();
  const all: Promise<T>[] = [];
  for (let i = 0; i < SECONDS * perSecond; i++) {
    await sleep(Math.max(0, started + (i / perSecond) * 1_000 - performance.now()));
    all.push(ask(i));
  }
  return Promise.all(all);
};

/** Whether a token that nobody has seen passes at the first or second try. */
const passes = async (): Promise<boolean> => {
  const token = await provider.sign({ ...provider.goodClaims(), jti: random(9) });
  if ((await statusOf(token)) === 200) return true;
  await sleep(RETRY_MS);
  return (await statusOf(token)) === 200;
};

/** Seconds of the processor that a runtime takes while `work` is done. */
const cpuOf = async ({ url }: Weir, work: () => Promise<unknown>): Promise<number> => {
  const pid = pidListeningOn(Number(new URL(url).port)) ?? 0;
  const before = cpuMicroseconds(pid);
  await work();
  return (cpuMicroseconds(pid) - before) / 1e6;
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

test('fresh good tokens of an address that floods with junk pass, and the junk costs little', {
  timeout: SOAK_TIMEOUT_MS,
}, async () => {
  expect(await passes()).toBe(true);
  const kinds = Object.values(await junkKinds());
  const junkFor = (target: Weir, statuses: Record<number, number>) => async (i: number) => {
    const status = await statusOf(kinds[i % kinds.length]?.() ?? '', target);
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const statuses: Record<number, number> = {};
  let good: boolean[] = [];
  const quiet = await cpuOf(weir, () => pace(GOOD_PER_SECOND, passes));
  const loud = await cpuOf(weir, async () => {
    [good] = await Promise.all([
      pace(GOOD_PER_SECOND, passes),
      pace(JUNK_PER_SECOND, junkFor(weir, statuses)),
    ]);
  });
  const floor = await cpuOf(bare, () => pace(JUNK_PER_SECOND, junkFor(bare, {})));
  const passed = good.filter(Boolean).length;
  const [all, least] = [loud - quiet, floor].map((seconds) => seconds / SECONDS) as [number, number];
  tell(
    `junk: ${JUNK_PER_SECOND} a second for ${SECONDS} s, answers ${JSON.stringify(statuses)}; ${passed} of ${good.length} fresh good tokens passed; ${percent(all)} of a core, of which a Worker that only refuses takes ${percent(least)}`,
  );
  expect(passed / good.length).toBeGreaterThanOrEqual(LEAST_PASSED);
  expect(statuses[200]).toBeUndefined();
  if (process.env.SOAK === '1') expect(all - least).toBeLessThan(MOST_CPU);
});
