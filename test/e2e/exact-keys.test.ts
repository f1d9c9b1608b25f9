// A user and its organisation at once: ten users of one organisation at full speed over four isolates never pass more than
// either quota in any window, and use the smaller one up; also where the runtime is killed meanwhile, its storage kept.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { pidListeningOn } from '../fixtures/process.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { bearer, startWeir, type Weir } from '../fixtures/weir.ts';
import { type Between, busiestFor } from '../fixtures/windows.ts';

const USER_QUOTA = 100;
const ORG_QUOTA = 300;
const WINDOW_MS = 60_000;
const USERS = 10;
const ISOLATES = 4;
const CLIENTS = 20;
const KILLS = 8;

interface Arrival extends Between {
  readonly user: string;
}

const persist = mkdtempSync(join(tmpdir(), 'weir-keys-'));
const sentAt = new Map<string, number>();
let arrived: Arrival[] = [];
const origin = createServer((request, response) => {
  const { 'x-name': name, 'x-user': user } = request.headers;
  arrived.push({ user: String(user), from: sentAt.get(String(name)) ?? Number.NaN, to: Date.now() });
  response.end();
});

beforeAll(async () => {
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
});
beforeEach(() => {
  arrived = [];
});
afterAll(() => {
  origin.closeAllConnections();
  origin.close();
  rmSync(persist, { recursive: true });
});

const start = (storage?: string): Promise<Weir> =>
  startWeir({
    vars: {
      ORIGIN_URL: `http://127.0.0.1:${(origin.address() as AddressInfo).port}`,
      LIMITS: `${USER_QUOTA}/minute; ${ORG_QUOTA}/minute by org.id`,
    },
    isolates: ISOLATES,
    ...(storage === undefined ? {} : { persist: storage }),
  });

/** 0: no answer. */
const statusOf = async (url: string, headers: Record<string, string>): Promise<number> => {
  const name = crypto.randomUUID();
  sentAt.set(name, Date.now());
  try {
    const { status, body } = await fetch(url, {
      headers: { ...headers, 'X-Name': name },
      signal: AbortSignal.timeout(5_000),
    });
    await body?.cancel();
    return status;
  } catch {
    return 0;
  }
};

/** Every client asks again as soon as it is answered, as another user each, until so many are answered. */
const load = async ({ urls }: Weir, answers: number, end = () => {}): Promise<void> => {
  const users = await Promise.all(
    Array.from({ length: USERS }, async (_, i) => ({
      ...(await bearer({ sub: `user ${i}`, org: { id: 'acme' } })),
      'X-User': String(i),
    })),
  );
  let [answered, sent] = [0, 0];
  const client = async (_: unknown, index: number): Promise<void> => {
    while (answered < answers) {
      const status = await statusOf(urls[index % ISOLATES] ?? '', users[sent++ % USERS] ?? {});
      expect([0, 200, 429]).toContain(status);
      if (status !== 0 && ++answered === answers) end();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
};

const busiest = (): { org: number; user: number } => ({
  org: busiestFor(arrived, WINDOW_MS),
  user: Math.max(
    ...[...Map.groupBy(arrived, ({ user }) => user).values()].map((all) => busiestFor(all, WINDOW_MS)),
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
  tell(`${arrived.length} of ${ORG_QUOTA} passed in ${Date.now() - began} ms; ${user} of one user at most`);
  expect(org).toBeLessThanOrEqual(ORG_QUOTA);
  expect(user).toBeLessThanOrEqual(USER_QUOTA);
  expect(arrived.length).toBeGreaterThanOrEqual(0.95 * ORG_QUOTA);
});

test.runIf(scaled(0, KILLS) > 0)(
  'never over either where the runtime is killed',
  { timeout: SOAK_TIMEOUT_MS },
  async () => {
    for (let life = 0; life < KILLS; life++) {
      const weir = await start(persist);
      const pid = pidListeningOn(Number(new URL(weir.url).port));
      if (pid === undefined) throw new Error('no process listens where the runtime should');
      await load(weir, Math.ceil(60 + 200 * Math.random()), () => process.kill(pid, 'SIGKILL'));
      await weir.close().catch(() => {});
    }
    const { org, user } = busiest();
    tell(`${KILLS} kills: ${org} of ${ORG_QUOTA} in a window, ${user} of one user at most`);
    expect(org).toBeLessThanOrEqual(ORG_QUOTA);
    expect(user).toBeLessThanOrEqual(USER_QUOTA);
  },
);
