// Bytes that are hardly HTTP: whatever comes, nothing is thrown, and no answer says that it was our fault.
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Origin, startOrigin } from '../fixtures/origin.ts';
import { rawRequests } from '../fixtures/raw-requests.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { mint, startWeir, type Weir, zoneOrigin } from '../fixtures/weir.ts';

const REQUESTS = scaled(400, 20_000);
const AT_ONCE = 40;
/** How long an answer is waited for: whoever sent half a request gets none. */
const SILENCE_MS = 1_000;
const SEED = 20_160;

let origin: Origin;
let weirs: Weir[];

beforeAll(async () => {
  origin = await startOrigin();
  const vars = {
    LIMITS: '100000000/minute',
    ANONYMOUS_LIMITS: '100000000/minute',
    PREFLIGHT_LIMITS: '100000000/minute',
    UNAUTHORIZED_DELAY_MS: '0',
    CORS_ORIGINS: 'https://app.test',
    TOKEN_SOURCES: 'header:Authorization, cookie:a, query:access_token',
    ROUTES: [
      { name: 'open', match: '/open/*', auth: 'none' },
      { name: 'delete', match: '/items/:id', methods: ['DELETE'], scopes: ['delete'] },
    ],
  };
  weirs = await Promise.all([
    startWeir({ ...zoneOrigin(origin.address), vars }),
    startWeir({ vars: { ...vars, ORIGIN_URL: `${origin.url}/base` } }),
  ]);
});
afterAll(async () => {
  await Promise.all(weirs.map((weir) => weir.close()));
  await origin.close();
});

/** The statuses of all that comes back. */
const statusesOf = (url: string, bytes: Buffer): Promise<number[]> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    let answer = '';
    const socket = connect(Number(port), hostname);
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('close', () =>
      resolve([...answer.matchAll(/^HTTP\/1\.\d (\d{3})/gm)].map(([, status]) => Number(status))),
    );
    socket.write(bytes);
  });

/** 501 is our word for an upgrade that is not served. The origin answers all that it gets, so no 502 is its fault. */
const isFault = (status: number): boolean => status >= 500 && status !== 501;

test('no bytes whatever are answered with a 500, and nothing is thrown', {
  timeout: SOAK_TIMEOUT_MS,
}, async () => {
  const next = rawRequests(SEED, await mint());
  const counts: Record<number, number> = {};
  const faults: string[] = [];
  let sent = 0;
  const sender = async (): Promise<void> => {
    while (sent < REQUESTS) {
      const weir = weirs[sent++ % weirs.length];
      const bytes = next();
      const statuses = await statusesOf(weir?.url ?? '', bytes);
      for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
      if (statuses.some(isFault))
        faults.push(JSON.stringify([statuses, bytes.toString('latin1').slice(0, 2_000)]));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  tell(`fuzz of raw bytes: ${sent} requests, answers by status: ${JSON.stringify(counts)}`);
  expect(faults).toEqual([]);
  const lines = weirs.flatMap((weir) => weir.logs());
  expect(
    lines.filter(({ level, message }) => level === 'error' || /internal_error|uncaught/i.test(message)),
  ).toEqual([]);
  for (const status of [400, 401]) expect(counts[status], String(status)).toBeGreaterThan(0);
  for (const weir of weirs) expect((await weir.fetch('/open/x')).status).toBe(200);
});
