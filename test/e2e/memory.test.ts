// What an isolate keeps of good tokens is bounded in bytes, however much heavier than a token what it says is.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { heapAfterCollection } from '../fixtures/heap.ts';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';

const TOKENS = scaled(500, 2_048);
const MEGABYTE = 2 ** 20;

/** Of three letters each: about as many as fit into a token of 16 KiB. */
const SCOPES = 2_900;

let origin: Origin;
let weir: Weir;

beforeAll(async () => {
  origin = await startOrigin();
  weir = await startWeir({
    inspectorPort: 0,
    vars: { ORIGIN_URL: origin.url, LIMITS: '1000000/hour' },
  });
});
afterAll(() => Promise.all([weir.close(), origin.close()]));

/** Characters that a scope may have, one byte each. */
const LETTERS = 57;
const letter = (i: number): string => String.fromCharCode(0x23 + (i % LETTERS));

/** Others in each token, so that nothing of one is kept for another. */
const scopes = (token: number): string =>
  Array.from({ length: SCOPES }, (_, i) => letter(i) + letter(i / LETTERS) + letter(token)).join(' ');

const pass = async (token: number): Promise<void> => {
  const headers = await bearer({ jti: String(token), scope: scopes(token) });
  const answer = await weir.fetch('/', { headers });
  await answer.arrayBuffer();
  expect(answer.status).toBe(200);
};

test('good tokens full of scopes take up little more than the cache’s 16 MiB', {
  timeout: SOAK_TIMEOUT_MS,
}, async () => {
  for (let token = 0; token < 8; token++) await pass(token);
  const before = await heapAfterCollection(weir);
  for (let token = 0; token < TOKENS; token++) await pass(token);
  const grown = (await heapAfterCollection(weir)) - before;
  tell(`${TOKENS} tokens of ${SCOPES} scopes: the heap grew by ${(grown / MEGABYTE).toFixed(1)} MiB`);
  expect(grown).toBeLessThan(24 * MEGABYTE);
});
