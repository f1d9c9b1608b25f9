// What the dearest paths cost the built Worker, in processor time, beside a plain one. In the soak alone.
import { Agent, get } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { cpuMicroseconds } from '../../bench/cpu.ts';
import { seeded } from '../../bench/simulation/random.ts';
import { isOurs } from '../../src/admin/ours.ts';
import { parseConfig } from '../../src/config/config.ts';
import { routeOf } from '../../src/routing/route-of.ts';
import { COUNTS, dearest, SITES } from '../fixtures/dear-paths.ts';
import { pidListeningOn } from '../fixtures/process.ts';
import { SOAK_TIMEOUT_MS, tell } from '../fixtures/scale.ts';
import { startWeir } from '../fixtures/weir.ts';

const TRIES = 400;
/** Of a path, whose shortest time counts: nothing else ran meanwhile. */
const RUNS = 6;
/** Sites measured for each number of routes: those that were the dearest in the search. */
const MEASURED = 2;
const ROUNDS = 10;
const REQUESTS = 400;
const AT_ONCE = 8;
/** A plain request and two more. */
const MOST = 3;
const PLAIN = '/items/5';

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
afterAll(() => agent.destroy());

const routesOf = (site: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    name: `r${i}`,
    match: SITES[site]?.(i) ?? '/*',
    scopes: [`s${i}`],
  }));

/** What the Worker does with a path before it looks at a token: milliseconds. */
const timer = (ROUTES: ReturnType<typeof routesOf>) => {
  const find = routeOf(parseConfig({ JWT_ISSUER: 'https://issuer.example', ROUTES }));
  return (path: string): number => {
    const request = { method: 'GET', url: `https://api.example${path}` };
    const times = Array.from({ length: RUNS }, () => {
      const started = performance.now();
      if (!isOurs(request.url)) find(request);
      return performance.now() - started;
    });
    return Math.min(...times);
  };
};

/** Asked for without a token, so that nothing follows. */
const ask = (url: string, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const options = { agent, path: Buffer.from(path).toString('latin1') };
    get(url, options, (response) => response.resume().on('end', resolve)).on('error', reject);
  });

/** Microseconds of the processor for one request. */
const costOf = async (url: string, path: string): Promise<number> => {
  const pid = pidListeningOn(Number(new URL(url).port)) ?? 0;
  const before = cpuMicroseconds(pid);
  let sent = 0;
  const sender = async (): Promise<void> => {
    while (sent++ < REQUESTS) await ask(url, path);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return (cpuMicroseconds(pid) - before) / REQUESTS;
};

/** Of a dear path and a plain one, in turn. */
const costs = async (ROUTES: ReturnType<typeof routesOf>, dear: string): Promise<[number, number]> => {
  const weir = await startWeir({ vars: { ROUTES, UNAUTHORIZED_DELAY_MS: '0' } });
  const sums: [number, number] = [0, 0];
  for (let round = -1; round < ROUNDS; round++)
    for (const [i, path] of [dear, PLAIN].entries()) {
      const cost = await costOf(weir.url, path);
      // The first round warms up.
      if (round >= 0) sums[i as 0 | 1] += cost / ROUNDS;
    }
  await weir.close();
  return sums;
};

test.runIf(process.env.SOAK === '1').each(COUNTS)(
  'the dearest path beside %i routes takes at most three times as much of the processor as a plain one',
  { timeout: SOAK_TIMEOUT_MS },
  async (count) => {
    const found = Object.keys(SITES).map((site) => {
      const routes = routesOf(site, count);
      return { site, routes, ...dearest(timer(routes), seeded(count), TRIES) };
    });
    const dear = found.toSorted((a, b) => b.cost - a.cost).slice(0, MEASURED);
    for (const { site, routes, path } of dear) {
      const [most, plain] = await costs(routes, path);
      tell(
        `work: ${site} × ${count}: ${most.toFixed(0)} µs, plain ${plain.toFixed(0)} µs, ${(most / plain).toFixed(2)} times: ${path.slice(0, 60)}`,
      );
      expect(most / plain, path.slice(0, 200)).toBeLessThanOrEqual(MOST);
    }
  },
);
