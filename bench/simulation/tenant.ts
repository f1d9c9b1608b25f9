// A tenant whose callers are everywhere: one counter by everyone, asked by more and more isolates.
import { parseLimits } from '../../src/config/notation.ts';
import { quantile } from '../../tools/statistics.ts';
import { colos, roundTripMs } from './colos.ts';
import { ideal, over } from './judge.ts';
import { seeded } from './random.ts';
import { World } from './world.ts';

const PER_SECOND = 50_000;

/** From cold; then the measured part, which is a sample of the minute in which a deploy replaces everybody. */
const WARM_MS = 2_000;
const MEASURED_MS = 2_000;

/** A deploy replaces all isolates and Limiters within so long. */
export const DEPLOY_MS = 60_000;

/** Cost of one counter that all isolates share. */
export interface Shared {
  readonly limits: string;
  readonly isolates: number;
  readonly overAdmitted: number;
  /** Share of what one all-knowing counter would have passed. */
  readonly underAdmitted: number;
  readonly callsPerSecond: number;
  readonly callsPer1000: number;
  readonly rowsPer1000: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** @param isolates spread over the data centres in turn. */
export const tenant = (limits: string, isolates: number, seed: number, start: number): Shared => {
  const random = seeded(seed);
  const [policy] = parseLimits(limits, 'default', 'sliding-window').policies;
  if (policy === undefined) throw new Error(`${limits} is no limit`);
  const world = new World({
    ...{ policy, isolates, colos: colos.length, leases: true, random, start },
    roundTripMs: between,
  });
  const { agenda, costs, waits } = world;
  schedule(world, isolates, seed, start);
  agenda.runUntil(start + WARM_MS);
  const before = { ...costs, requests: waits.length };
  agenda.runUntil(start + WARM_MS + MEASURED_MS);
  const requests = waits.length - before.requests;
  const [calls, rows] = [costs.calls - before.calls, costs.rows - before.rows];
  agenda.runUntil(start + WARM_MS + MEASURED_MS + 1_000);
  const log = world.logs.get(0) ?? { arrivals: [], passed: [] };
  return {
    limits,
    isolates,
    overAdmitted: over(log, policy.quota, policy.windowMs),
    underAdmitted: 1 - log.passed.length / ideal(log, policy.quota, policy.windowMs),
    callsPerSecond: (calls * 1_000) / MEASURED_MS,
    callsPer1000: (calls * 1_000) / requests,
    rowsPer1000: (rows * 1_000) / requests,
    p50Ms: quantile(waits.slice(before.requests), 0.5),
    p99Ms: quantile(waits.slice(before.requests), 0.99),
  };
};

const schedule = (world: World, isolates: number, seed: number, start: number): void => {
  const [arrivals, deploy] = [seeded(seed + 1), seeded(seed + 2)];
  const end = start + WARM_MS + MEASURED_MS;
  const arrive = (): void => {
    world.request(0, arrivals.below(isolates));
    const next = world.agenda.now + arrivals.gapMs(PER_SECOND);
    if (next < end) world.agenda.add(next, arrive);
  };
  world.agenda.add(start, arrive);
  for (let isolate = 0; isolate < isolates; isolate++)
    world.agenda.add(start + WARM_MS + deploy.unit() * DEPLOY_MS, () => world.loseIsolate(isolate));
  world.agenda.add(start + WARM_MS + deploy.unit() * DEPLOY_MS, () => world.crashObjects());
};

/** A round trip between the data centres of these numbers; milliseconds. */
export const between = (from: number, to: number): number => {
  const [a, b] = [colos[from], colos[to]];
  if (a === undefined || b === undefined) throw new Error('there is no such data centre');
  return roundTripMs(a, b);
};
