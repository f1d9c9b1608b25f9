// Ten million people by Zipf's law, a sample of them, for a day: sessions with bursts and pauses, and nights.
import { parseLimits } from '../../src/config/notation.ts';
import { quantile, sum } from '../../tools/statistics.ts';
import { colos } from './colos.ts';
import { ideal, over } from './judge.ts';
import { type Random, seeded } from './random.ts';
import { between, DEPLOY_MS } from './tenant.ts';
import { World } from './world.ts';

export const SUBJECTS = 10_000_000;
/** One of so many ranks is simulated. */
export const SAMPLED = 2_000;

const LIMITS = '60/minute';
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Requests a day: of the subject of rank `r`, this by `r`, and no more than a person makes. */
const MOST_BY_RANK = 2e7;
const MOST_A_DAY = 2_000;

/** A session has so many pages on average, each a burst of up to so many requests; then the reader reads. */
const PAGES = 8;
const BURST = 10;
const BURST_MS = 500;
const PAUSE_MS = 20_000;

/** Most pages come in where the session began, at any isolate there. */
const AT_HOME = 0.95;

/** Deploys of a day, by the hour, UTC. */
const DEPLOYS = [9, 13, 17];

/** Cost of many counters, each of one person. */
export interface Crowd {
  readonly limits: string;
  readonly sample: number;
  readonly requests: number;
  readonly overAdmitted: number;
  readonly underAdmitted: number;
  readonly callsPer1000: number;
  readonly rowsPer1000: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** @param perColo isolates of each data centre. */
export const people = (perColo: number, seed: number, start: number): Crowd => {
  const random = seeded(seed);
  const [policy] = parseLimits(LIMITS, 'default', 'sliding-window').policies;
  if (policy === undefined) throw new Error(`${LIMITS} is no limit`);
  const isolates = perColo * colos.length;
  const options = { policy, isolates, colos: colos.length, leases: true, random, start };
  const world = new World({ ...options, roundTripMs: between });
  const sample = SUBJECTS / SAMPLED;
  for (let subject = 0; subject < sample; subject++)
    live(world, seeded(seed + subject + 1), subject, perColo, start);
  for (const hour of DEPLOYS) deploy(world, random, isolates, start + hour * HOUR_MS);
  world.agenda.runUntil(start + DAY_MS + HOUR_MS);
  const { costs, waits } = world;
  const logs = [...world.logs.values()];
  const { quota, windowMs } = policy;
  const passed = sum(logs.map((log) => log.passed.length));
  return {
    limits: LIMITS,
    sample,
    requests: waits.length,
    overAdmitted: logs.reduce((most, log) => Math.max(most, over(log, quota, windowMs)), 0),
    underAdmitted: 1 - passed / sum(logs.map((log) => ideal(log, quota, windowMs))),
    callsPer1000: (costs.calls * 1_000) / waits.length,
    rowsPer1000: (costs.rows * 1_000) / waits.length,
    p50Ms: quantile(waits, 0.5),
    p99Ms: quantile(waits, 0.99),
  };
};

/** A person's day, from the night before on. */
const live = (world: World, random: Random, subject: number, perColo: number, start: number): void => {
  const home = random.below(colos.length);
  const rank = subject * SAMPLED + random.below(SAMPLED) + 1;
  const requests = Math.min(MOST_A_DAY, MOST_BY_RANK / rank);
  const sessions = requests / ((PAGES * (BURST + 1)) / 2);
  for (let at = nextSession(random, sessions); at < DAY_MS; at += nextSession(random, sessions))
    if (isAwake(random, at, colos[home]?.longitude ?? 0))
      world.agenda.add(start + at, () => browse(world, random, subject, home, perColo));
};

/** Twice as many as there are, of which `isAwake` takes half. */
const nextSession = (random: Random, sessions: number): number => random.gapMs((sessions * 2_000) / DAY_MS);

/** By the sun, nobody at four in the morning and everybody at four in the afternoon. */
const isAwake = (random: Random, at: number, longitude: number): boolean => {
  const hour = at / HOUR_MS + longitude / 15;
  return random.unit() < (1 - Math.cos(((hour - 4) / 24) * 2 * Math.PI)) / 2;
};

const browse = (world: World, random: Random, subject: number, home: number, perColo: number): void => {
  const colo = random.unit() < AT_HOME ? home : random.below(colos.length);
  const isolate = random.below(perColo) * colos.length + colo;
  for (let i = random.below(BURST); i >= 0; i--)
    world.agenda.add(world.agenda.now + random.unit() * BURST_MS, () => world.request(subject, isolate));
  if (random.unit() < 1 / PAGES) return;
  const pause = random.gapMs(1_000 / PAUSE_MS);
  world.agenda.add(world.agenda.now + pause, () => browse(world, random, subject, home, perColo));
};

const deploy = (world: World, random: Random, isolates: number, start: number): void => {
  for (let isolate = 0; isolate < isolates; isolate++)
    world.agenda.add(start + random.unit() * DEPLOY_MS, () => world.loseIsolate(isolate));
  world.agenda.add(start + random.unit() * DEPLOY_MS, () => world.crashObjects());
};
