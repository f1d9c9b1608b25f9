// `npm run simulate`: the ladder past one machine. Isolates in data centres around the earth, by the Worker's own code.
import { parseArgs } from 'node:util';
import { parseLimits } from '../src/config/notation.ts';
import { run, table, UsageError } from '../tools/cli.ts';
import { quantile, sum } from '../tools/statistics.ts';
import { dollars } from './price.ts';
import { ideal, losses, over } from './simulation/judge.ts';
import { type Pattern, patterns } from './simulation/patterns.ts';
import { seeded } from './simulation/random.ts';
import { around, World } from './simulation/world.ts';
import type { Conditions, Named, Simulator } from './virtual/run.ts';

/** Compiled against the types of the Workers runtime, which Node's clash with: so it is loaded by its address. */
const virtual: Simulator = await import(new URL('./virtual/simulate.ts', import.meta.url).href);

const HELP = `Usage: npm run simulate -- [options]

Runs the Worker's own ladder (Ledger, leases) over simulated data centres and prints, with LEASES on and off, calm and
with faults (a deploy halfway; every 10 s a Limiter and an isolate lost): permits passed above the quota in
any window, requests refused that one all-knowing counter would have passed, calls and rows for 1,000 requests, dollars
per million without CPU, and how long requests waited for their decision.

  --isolates <n>  default 32
  --colos <n>     data centres, evenly around the earth (default 8)
  --seconds <n>   simulated, default 90
  --seed <n>      default 1; the same seed gives the same figures
  --only <names>  patterns: ${patterns.map(({ name }) => name).join(', ')};
                  of whole limit steps: ${virtual.patterns.map(({ name }) => name).join(', ')}
  --json          as JSON
  --help          this text

Exit code 1 if more than a quota ever passed, or if leases cost a pattern more than half a point of what passes with
LEASES off, or a whole limit step refuses more than the pattern allows.
`;

const OPTIONS = {
  isolates: { type: 'string', default: '32' },
  colos: { type: 'string' },
  seconds: { type: 'string', default: '90' },
  seed: { type: 'string', default: '1' },
  only: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** 2026-11-21T00:00:00Z. */
const START = 1_795_219_200_000;

/** Data centres, where there are as many isolates. */
const DEFAULT_COLOS = 8;

interface Setup extends Conditions {
  readonly pattern: Pattern | Named;
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const isolates = count('--isolates', values.isolates, 1_000);
  const colos = count('--colos', values.colos ?? String(Math.min(DEFAULT_COLOS, isolates)), isolates);
  const ms = count('--seconds', values.seconds, 3_600) * 1_000;
  const seed = count('--seed', values.seed, 999_999_999);
  const setups = chosen(values.only).flatMap((pattern) =>
    [false, true].flatMap((faults) =>
      [true, false].map((leases) => ({ pattern, leases, faults, isolates, colos, ms, seed })),
    ),
  );
  const results: Result[] = [];
  for (const setup of setups) results.push(await simulate(setup));
  process.stdout.write(values.json ? `${JSON.stringify(results, null, 2)}\n` : `${resultTable(results)}\n`);
  const lost = [...losses(results), ...excesses(results)];
  for (const loss of lost) process.stderr.write(`${loss}\n`);
  return lost.length === 0 && results.every((result) => result.overAdmitted === 0) ? 0 : 1;
};

const count = (name: string, text: string, most: number): number => {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most)
    throw new UsageError(`${name}: expected a whole number from 1 to ${most}, got ${text}`);
  return value;
};

const chosen = (only: string | undefined): readonly (Pattern | Named)[] => {
  const all = [...patterns, ...virtual.patterns];
  const names = only?.split(',') ?? all.map(({ name }) => name);
  return names.map((name) => {
    const pattern = all.find((each) => each.name === name);
    if (pattern === undefined) throw new UsageError(`--only: no pattern is called ${name}`);
    return pattern;
  });
};

interface Result {
  readonly pattern: string;
  readonly what: string;
  readonly limits: string;
  readonly leases: boolean;
  readonly faults: boolean;
  readonly requests: number;
  /** Permits above the quota in the busiest window of any subject. */
  readonly overAdmitted: number;
  /** Share of what one all-knowing counter would have passed. */
  readonly underAdmitted: number;
  /** The most that may be. Absent: it is compared with `LEASES=off` alone. */
  readonly mostUnder?: number;
  readonly callsPer1000: number;
  readonly rowsPer1000: number;
  readonly dollarsPerMillion: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const simulate = (setup: Setup): Result | Promise<Result> =>
  'schedule' in setup.pattern ? simulateLadder(setup, setup.pattern) : simulateSteps(setup);

/** The whole limit step of every isolate, under virtual time. */
const simulateSteps = async (setup: Setup): Promise<Result> => {
  const { pattern, colos, leases, faults } = setup;
  const roundTripMs = (from: number, to: number) => around(from, to, colos);
  const run = await virtual.simulate(pattern.name, { ...setup, start: START, roundTripMs });
  const { calls, rows, waits, ...judged } = run;
  const { name, what, limits } = pattern;
  return { ...{ pattern: name, what, limits, leases, faults }, ...judged, ...costsOf(run, run.requests) };
};

const costsOf = (
  { calls, rows, waits }: { calls: number; rows: number; waits: readonly number[] },
  requests: number,
) => {
  const [callsPer1000, rowsPer1000] = [(calls * 1_000) / requests, (rows * 1_000) / requests];
  return {
    ...{ callsPer1000, rowsPer1000 },
    dollarsPerMillion: dollars({ cpuUs: 0, callsPer1000, rowsPer1000 }),
    p50Ms: quantile(waits, 0.5),
    p99Ms: quantile(waits, 0.99),
  };
};

const simulateLadder = (setup: Setup, pattern: Pattern): Result => {
  const { isolates, ms } = setup;
  const random = seeded(setup.seed);
  const [policy] = parseLimits(pattern.limits, 'default', 'sliding-window').policies;
  if (policy === undefined) throw new Error(`${pattern.limits} is no limit`);
  const world = new World({ ...setup, policy, random, start: START });
  pattern.schedule(world, seeded(setup.seed), isolates, ms);
  if (setup.faults) addFaults(world, setup);
  // A second more for what is still under way.
  world.agenda.runUntil(START + ms + 1_000);
  return resultOf({ ...setup, pattern }, world, policy);
};

const addFaults = (world: World, { ms, isolates, seed }: Setup): void => {
  const random = seeded(seed + 1);
  world.agenda.add(START + ms / 2, () => world.deploy());
  for (let at = 5_500; at < ms; at += 10_000) {
    world.agenda.add(START + at, () => world.crashObject());
    world.agenda.add(START + at, () => world.loseIsolate(random.below(isolates)));
  }
};

const resultOf = (
  { pattern, leases, faults }: Setup,
  { logs, costs, waits }: World,
  { quota, windowMs }: { quota: number; windowMs: number },
): Result => {
  const all = [...logs.values()];
  const requests = sum(all.map(({ arrivals }) => arrivals.length));
  const wanted = sum(all.map((log) => ideal(log, quota, windowMs)));
  const passed = sum(all.map((log) => log.passed.length));
  return {
    pattern: pattern.name,
    what: pattern.what,
    limits: pattern.limits,
    leases,
    faults,
    requests,
    overAdmitted: all.reduce((most, log) => Math.max(most, over(log, quota, windowMs)), 0),
    underAdmitted: 1 - passed / wanted,
    ...costsOf({ ...costs, waits }, requests),
  };
};

/** Where a limit step refuses more than its pattern allows: a line for each run. */
const excesses = (results: readonly Result[]): string[] =>
  results.flatMap(({ pattern, faults, leases, underAdmitted, mostUnder }) => {
    if (mostUnder === undefined || underAdmitted <= mostUnder) return [];
    const [refused, most] = [underAdmitted, mostUnder].map((share) => (share * 100).toFixed(2));
    return `${pattern}${faults ? ' with faults' : ''}, LEASES ${leases ? 'on' : 'off'}: ${refused} % refused, at most ${most}`;
  });

const resultTable = (results: readonly Result[]): string =>
  table(
    [
      'pattern',
      'limits',
      'faults',
      'LEASES',
      'over',
      'under',
      'calls/1000',
      'rows/1000',
      '$/million',
      'p50 ms',
      'p99 ms',
    ],
    results.map((result) => [
      `${result.pattern}: ${result.what}`,
      result.limits,
      result.faults ? 'yes' : 'no',
      result.leases ? 'on' : 'off',
      String(result.overAdmitted),
      `${(result.underAdmitted * 100).toFixed(2)} %`,
      result.callsPer1000.toFixed(1),
      result.rowsPer1000.toFixed(2),
      result.dollarsPerMillion.toFixed(3),
      result.p50Ms.toFixed(1),
      result.p99Ms.toFixed(1),
    ]),
  );

await run(main);
