// A user and its organisation at once: ten users of one organisation at full speed over four isolates never pass more than
// either quota in any window, and use the smaller one up; also where the runtime is killed meanwhile, its storage kept.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Arrivals, untilKilled } from '../fixtures/arrivals.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';
import { busiestFor } from '../fixtures/windows.ts';

const USER_QUOTA = 100;
const ORG_QUOTA = 300;
const WINDOW_MS = 60_000;
const USERS = 10;
const ISOLATES = 4;
const CLIENTS = 20;
const KILLS = 8;

const persist = mkdtempSync(join(tmpdir(), 'weir-keys-'));
const arrivals = new Arrivals();
let ORIGIN_URL: string;

beforeAll(async () => {
  ORIGIN_URL = await arrivals.start();
});
beforeEach(() => {
  arrivals.all.length = 0;
});
afterAll(() => {
  arrivals.close();
  rmSync(persist, { recursive: true });
});

const start = (storage?: string): Promise<Weir> =>
  startWeir({
    vars: {
      ORIGIN_URL,
      LIMITS: `${USER_QUOTA}/minute; ${ORG_QUOTA}/minute by org.id`,
    },
    isolates: ISOLATES,
    ...(storage === undefined ? {} : { persist: storage }),
  });

/** Every client asks again as soon as it is answered, as another user each, until so many are answered. */
const load = async ({ urls }: Weir, answers: number, end = () => {}): Promise<number> => {
  const users = await Promise.all(
    Array.from({ length: USERS }, async (_, i) => ({
      ...(await bearer({ sub: `user ${i}`, org: { id: 'acme' } })),
      'X-User': String(i),
    })),
  );
  let [answered, sent] = [0, 0];
  const client = async (_: unknown, index: number): Promise<void> => {
    while (answered < answers) {
      const status = await arrivals.send(urls[index % ISOLATES] ?? '', users[sent++ % USERS] ?? {});
      expect([0, 200, 429]).toContain(status);
      if (status !== 0 && ++answered === answers) end();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return answered;
};

const busiest = (): { org: number; user: number } => ({
  org: busiestFor(arrivals.all, WINDOW_MS),
  user: Math.max(
    ...[...Map.groupBy(arrivals.all, ({ headers }) => headers['x-user']).values()].map((all) =>
      busiestFor(all, WINDOW_MS),
    ),
  ),
});

test('never over either, and at least 95 % of the smaller is used', {
  timeout: SOAK_TIMEOUT_MS,
}, async () => {
  const weir = await start();
  const began = Date.now();
  await load(weir, 700);
  await weir.close();
  const { org, user } = busiest();
  tell(
    `${arrivals.all.length} of ${ORG_QUOTA} passed in ${Date.now() - began} ms; ${user} of one user at most`,
  );
  expect(org).toBeLessThanOrEqual(ORG_QUOTA);
  expect(user).toBeLessThanOrEqual(USER_QUOTA);
  expect(arrivals.all.length).toBeGreaterThanOrEqual(0.95 * ORG_QUOTA);
});

test.runIf(scaled(0, KILLS) > 0)(
  'never over either where the runtime is killed',
  { timeout: SOAK_TIMEOUT_MS },
  async () => {
    for (let life = 0; life < KILLS; life++) {
      const weir = await start(persist);
      await untilKilled(weir, (kill) => load(weir, Math.ceil(60 + 200 * Math.random()), kill));
    }
    const { org, user } = busiest();
    tell(`${KILLS} kills: ${org} of ${ORG_QUOTA} in a window, ${user} of one user at most`);
    expect(org).toBeLessThanOrEqual(ORG_QUOTA);
    expect(user).toBeLessThanOrEqual(USER_QUOTA);
  },
);
