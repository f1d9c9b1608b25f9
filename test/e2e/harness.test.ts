// The built Worker as wrangler itself runs it from `wrangler.toml`: bindings, flags and entry point fit together.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestHarness, type TestHarness } from 'wrangler';
import { workerDir } from '../../tools/build.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { AUDIENCE, bearer, ISSUER, publicKey } from '../fixtures/weir.ts';

const configPath = join(import.meta.dirname, '../../wrangler.toml');

let origin: Origin;
let harness: TestHarness;
let url: URL;

beforeAll(async () => {
  origin = await startOrigin();
  const vars = { ORIGIN_URL: origin.url, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, LIMITS: '2/hour' };
  const secrets = { JWT_PUBLIC_KEY: publicKey };
  harness = createTestHarness({ workers: [{ configPath, prebuiltWorkerDir: workerDir, vars, secrets }] });
  url = (await harness.listen()).url;
});
afterAll(async () => {
  await harness.close();
  await origin.close();
});

test('the main job: a token opens the way, its quota closes it, and without one there is none', async () => {
  const headers = await bearer();
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await fetch(url, { headers })).status);
  expect(statuses).toEqual([200, 200, 429]);
  expect((await fetch(url)).status).toBe(401);
  expect(origin.count).toBe(2);
  expect(await harness.getWorker().listDurableObjectIds('Limiter')).toHaveLength(1);
});

test('what was spent outlives an eviction', async () => {
  const worker = harness.getWorker();
  const [id = ''] = await worker.listDurableObjectIds('Limiter');
  await worker.evictDurableObject('Limiter', { id });
  expect((await fetch(url, { headers: await bearer() })).status).toBe(429);
});
