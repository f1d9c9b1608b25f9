// The runtime killed outright under load, again and again, its storage kept: at a real origin no window of time ever holds
// more than the quota. Requests that the client never heard of count as well.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Arrivals, untilKilled } from '../fixtures/arrivals.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';
import { busiestFor } from '../fixtures/windows.ts';

const QUOTA = scaled(100, 600);
const WINDOW_MS = 60_000;
const KILLS = scaled(3, 24);
const ISOLATES = 2;
/** Clients that ask again as soon as they are answered. */
const CLIENTS = 16;
/** A life ends with the answer of this number, or up to twice that. */
const LEAST_ANSWERS = QUOTA / 4;

const persist = mkdtempSync(join(tmpdir(), 'weir-killed-'));
const arrivals = new Arrivals();
let ORIGIN_URL: string;

beforeAll(async () => {
  ORIGIN_URL = await arrivals.start();
});

afterAll(() => {
  arrivals.close();
  rmSync(persist, { recursive: true });
});

/** Keeps all isolates busy until so many requests are answered; says how many were denied. */
const load = async (
  { urls }: Weir,
  headers: Record<string, string>,
  answers: number,
  end: () => void,
): Promise<number> => {
  let [answered, denied] = [0, 0];
  const client = async (_: unknown, index: number): Promise<void> => {
    while (answered < answers) {
      const status = await arrivals.send(urls[index % ISOLATES] ?? '', headers);
      expect([0, 200, 429]).toContain(status);
      if (status === 429) denied++;
      if (status !== 0 && ++answered === answers) end();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return denied;
};

/** One life of the runtime, which ends under load; says how many requests were denied. */
const liveAndDie = async (vars: Record<string, string>, answers: number): Promise<number> => {
  const weir = await startWeir({ vars, persist, isolates: ISOLATES });
  const headers = await bearer();
  return untilKilled(weir, (kill) => load(weir, headers, answers, kill));
};

test(`killed ${KILLS} times, at most the quota passes in any window`, {
  timeout: SOAK_TIMEOUT_MS,
}, async () => {
  const vars = { ORIGIN_URL, LIMITS: `${QUOTA}/minute` };
  let denied = 0;
  for (let kill = 0; kill < KILLS; kill++)
    denied += await liveAndDie(vars, Math.ceil(LEAST_ANSWERS * (1 + Math.random())));
  const busiest = busiestFor(arrivals.all, WINDOW_MS);
  tell(`${KILLS} kills: at most ${busiest} of ${QUOTA} in a window, ${denied} denied`);
  expect(busiest).toBeLessThanOrEqual(QUOTA);
  // Less would say nothing of the quota.
  expect(busiest).toBeGreaterThan(QUOTA / 2);
});
