// Eight isolates, one subject, three times its quota: no window of time ever holds more than the quota allows, and
// little of it is lost. A request is decided after it is sent and before it arrives at the origin, all on one clock.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';
import { type Between, busiestFor } from '../fixtures/windows.ts';

const ISOLATES = 8;
const QUOTA = scaled(60, 600);
const WINDOW_MS = scaled(2_000, 60_000);
const LIMITS = `${QUOTA}/${WINDOW_MS / 1_000} seconds`;
/** A window at the quota's own pace, so that its permits come free evenly; then the load. */
const LOAD_MS = scaled(4_000, 150_000);
const FACTOR = 3;
const EVICT_EVERY_MS = scaled(700, 7_000);

/** When each request reached the origin, by the name it carries. */
const arrivals = new Map<string, number>();
const origin: Server = createServer((request, response) => {
  arrivals.set(String(request.headers['x-name']), Date.now());
  response.end();
});
let ORIGIN_URL: string;

beforeAll(async () => {
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  ORIGIN_URL = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
});

afterAll(() => {
  origin.closeAllConnections();
  origin.close();
});

/** One request; undefined if it was denied. */
const pass = async (
  url: string,
  name: string,
  headers: Record<string, string>,
): Promise<Between | undefined> => {
  const from = Date.now();
  const { status, body } = await fetch(url, { headers: { ...headers, 'X-Name': name } });
  await body?.cancel();
  expect([200, 429]).toContain(status);
  return status === 200 ? { from, to: arrivals.get(name) ?? Number.NaN } : undefined;
};

/** Requests at a steady pace from all isolates in turn. */
const load = async (weir: Weir, perSecond: number, ms: number): Promise<Between[]> => {
  const headers = await bearer();
  const started = Date.now();
  const pending: Promise<Between | undefined>[] = [];
  for (let due = 0; due < ms; due += 1_000 / perSecond) {
    await sleep(Math.max(0, started + due - Date.now()));
    const url = weir.urls[pending.length % ISOLATES] ?? weir.url;
    pending.push(pass(url, crypto.randomUUID(), headers));
  }
  return (await Promise.all(pending)).filter((each) => each !== undefined);
};

/** Drops the Limiter's memory again and again until the load is over. */
const evictDuring = async (weir: Weir, loading: Promise<unknown>): Promise<number> => {
  let over = false;
  const ended = loading.finally(() => {
    over = true;
  });
  for (let evictions = 0; ; evictions++) {
    await Promise.race([ended, sleep(EVICT_EVERY_MS)]);
    if (over) return evictions;
    await weir.evictLimiters();
  }
};

const PER_SECOND = (QUOTA * 1_000) / WINDOW_MS;

const soak = async (leases: 'on' | 'off', evict: boolean) => {
  const weir = await startWeir({ vars: { ORIGIN_URL, LIMITS, LEASES: leases }, isolates: ISOLATES });
  try {
    await weir.prepareEvictions();
    const before = await load(weir, PER_SECOND, WINDOW_MS);
    const loading = load(weir, PER_SECOND * FACTOR, LOAD_MS);
    const evictions = evict ? await evictDuring(weir, loading) : 0;
    const passed = await loading;
    const busiest = busiestFor([...before, ...passed], WINDOW_MS);
    const share = passed.length / ((PER_SECOND * LOAD_MS) / 1_000);
    tell(
      `leases ${leases}, ${evictions} evictions: at most ${busiest} of ${QUOTA} in a window, ${(share * 100).toFixed(1)} % used`,
    );
    return { busiest, share, evictions };
  } finally {
    await weir.close();
  }
};

describe.concurrent(`eight isolates at three times ${LIMITS}`, { timeout: SOAK_TIMEOUT_MS }, () => {
  test('never exceed the quota and use nearly all of it, asking for each request', async () => {
    const { busiest, share } = await soak('off', false);
    expect(busiest).toBeLessThanOrEqual(QUOTA);
    expect(share).toBeGreaterThanOrEqual(scaled(0.95, 0.99));
  });

  test('never exceed the quota while the Limiter is evicted, asking for each request', async () => {
    const { busiest, evictions } = await soak('off', true);
    expect(evictions).toBeGreaterThan(2);
    expect(busiest).toBeLessThanOrEqual(QUOTA);
  });
});

describe.concurrent('with leases', { timeout: SOAK_TIMEOUT_MS }, () => {
  test('they never exceed it and use nearly all of it', async () => {
    const { busiest, share } = await soak('on', false);
    expect(busiest).toBeLessThanOrEqual(QUOTA);
    expect(share).toBeGreaterThanOrEqual(scaled(0.9, 0.96));
  });

  test('they never exceed it while the Limiter is evicted', async () => {
    const { busiest, evictions } = await soak('on', true);
    expect(evictions).toBeGreaterThan(2);
    expect(busiest).toBeLessThanOrEqual(QUOTA);
  });
});
