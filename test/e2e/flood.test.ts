// A flood of forged tokens from one address: it costs little, and no good caller notices.
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quantile } from '../../tools/statistics.ts';
import type { FloodOrder, FloodResult } from '../fixtures/flood-client.ts';
import { heapAfterCollection } from '../fixtures/heap.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { mint, startWeir, type Weir } from '../fixtures/weir.ts';

const FORGED = scaled(4_000, 20_000);
const PER_SECOND = 1_000;
/** Good calls beside it. */
const CALLS_PER_SECOND = 50;
/** Subjects of the new tokens. */
const NEWCOMERS = 10;
const FLOODER = '203.0.113.66';
const MEGABYTE = 2 ** 20;

let origin: Origin;
let weir: Weir;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({
    inspectorPort: 0,
    vars: { ORIGIN_URL: `${origin.url}/echo`, LIMITS: '1000000/hour' },
  });
});
afterAll(async () => {
  agent.destroy();
  await Promise.all([weir.close(), origin.close()]);
});

interface GoodCall {
  readonly token: string;
  readonly address: string;
}

/** The status, and the milliseconds until the answer's end. */
const call = ({ token, address }: GoodCall): Promise<[status: number, ms: number]> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const headers = { Authorization: `Bearer ${token}`, 'CF-Connecting-IP': address };
    get(weir.url, { agent, headers }, (response) => {
      response.resume().on('end', () => resolve([response.statusCode ?? 0, performance.now() - started]));
    }).on('error', reject);
  });

/** In turn: a known token from the flooder's own address, one from elsewhere, and a new one from elsewhere. */
const goodCalls = async (count: number, known: string): Promise<GoodCall[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, i) => {
      if (i % 3 === 0) return { token: known, address: FLOODER };
      if (i % 3 === 1) return { token: known, address: '198.51.100.1' };
      return {
        token: await mint({ sub: `newcomer ${i % NEWCOMERS}`, jti: crypto.randomUUID() }),
        address: `198.51.100.${i % 250}`,
      };
    }),
  );

/** Makes the calls one by one, evenly spread, and returns how long each took; every one must pass. */
const pace = async (calls: readonly GoodCall[]): Promise<number[]> => {
  const started = performance.now();
  const times: number[] = [];
  for (const [i, good] of calls.entries()) {
    const due = started + (i / CALLS_PER_SECOND) * 1000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    const [status, ms] = await call(good);
    expect(status).toBe(200);
    times.push(ms);
  }
  return times;
};

const flood = async (order: FloodOrder): Promise<FloodResult> => {
  const thread = new Worker(new URL('../fixtures/flood-client.ts', import.meta.url), { workerData: order });
  const [result] = (await once(thread, 'message')) as [FloodResult];
  await thread.terminate();
  return result;
};

test('a flood of forged tokens is bounded in crypto and memory, and no good call fails', {
  timeout: SOAK_TIMEOUT_MS,
}, async () => {
  const known = await mint();
  const count = (FORGED / PER_SECOND) * CALLS_PER_SECOND;
  await pace(await goodCalls(30, known));
  const quiet = await pace(await goodCalls(count, known));
  const [head, payload] = (await mint({ sub: 'mallory' })).split('.');
  const before = await heapAfterCollection(weir);
  const forwarded = origin.count;

  const calls = await goodCalls(count, known);
  const order = {
    url: weir.url,
    address: FLOODER,
    signingInput: `${head}.${payload}`,
    count: FORGED,
    perSecond: PER_SECOND,
  };
  const [{ statuses, seconds }, beside] = await Promise.all([flood(order), pace(calls)]);

  const grown = (await heapAfterCollection(weir)) - before;
  const checked = statuses[401] ?? 0;
  tell(
    `flood: ${FORGED} forged tokens in ${seconds.toFixed(1)} s, ${beside.length} good calls beside them, all answered 200`,
  );
  tell(
    `  p99 of good calls ${quantile(beside, 0.99).toFixed(1)} ms, without the flood ${quantile(quiet, 0.99).toFixed(1)} ms`,
  );
  tell(`  median ${quantile(beside, 0.5).toFixed(2)} ms, without ${quantile(quiet, 0.5).toFixed(2)} ms`);
  tell(
    `  signatures checked ${checked}, answers ${JSON.stringify(statuses)}; heap grew ${(grown / MEGABYTE).toFixed(1)} MB`,
  );

  // 60 that the binding lets go, those under way meanwhile, and the shared 20 of each second.
  expect(checked).toBeLessThanOrEqual(60 + 100 + 20 * Math.ceil(seconds + 1));
  expect(checked + (statuses[429] ?? 0)).toBe(FORGED);
  expect(grown).toBeLessThan(20 * MEGABYTE);
  expect(origin.count - forwarded).toBe(calls.length);
  expect(origin.seen.some(({ headers }) => headers['x-auth-subject'] === 'mallory')).toBe(false);
  expect(await weir.limiterIds()).toHaveLength(1 + NEWCOMERS);
});

test('a new good token from the flooded address passes as soon as the flood pauses', async () => {
  const latecomer = { token: await mint({ sub: 'latecomer' }), address: FLOODER };
  // The flood's last second may have used up what is shared of it; the next one has 20 more.
  await expect.poll(async () => (await call(latecomer))[0], { timeout: 2_000 }).toBe(200);
});
