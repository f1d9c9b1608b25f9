// `npm run scale`: the ladder at the size of the internet, by the Worker's own code. What one object is asked, and what
// millions of people cost.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run, table } from '../tools/cli.ts';
import { dollars } from './price.ts';
import { lineChart } from './scale-chart.ts';
import { colos } from './simulation/colos.ts';
import { type Crowd, people, SAMPLED, SUBJECTS } from './simulation/people.ts';
import { type Shared, tenant } from './simulation/tenant.ts';

const HELP = `Usage: npm run scale -- [options]

Runs the Worker's own ladder (Ledger, leases) over ${colos.length} data centres with their real distances:
- a tenant at 50,000 requests a second under one limit by everyone, over more and more isolates, from cold and through a
  part of a deploy: 4 seconds of it are simulated;
- ${SUBJECTS.toLocaleString('en')} people by Zipf's law, of whom one in ${SAMPLED} is simulated, for a day with three deploys:
  sessions of bursts and pauses by their local time.

  --seed <n>   default 1; the same seed gives the same figures
  --json       as JSON
  --write      also write docs/scale.svg
  --help       this text

Exit code 1 if more than a quota ever passed, or if more than 1 % was refused that one all-knowing counter would have
passed. Takes up to five minutes.
`;

const OPTIONS = {
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** 2026-11-21T00:00:00Z. */
const START = 1_795_219_200_000;

/** The tenant's limits, and over how many isolates: the platform's soft limit is passed by the last of each. */
const TENANTS: readonly (readonly [limits: string, isolates: readonly number[]])[] = [
  ['100000/second', [5, 10, 20, 50, 100]],
  ['6000000/minute', [10, 50, 100, 200, 300, 600]],
];

/** Isolates of each data centre that people meet. */
const PER_COLO = [1, 50];

/** Asked more often than this a second, an object is half as busy as it should ever be. */
const BUSY = 500;

const MOST_UNDER = 0.01;

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const seed = Number(values.seed);
  const tenants = TENANTS.flatMap(([limits, sizes]) =>
    sizes.map((isolates) => tenant(limits, isolates, seed, START)),
  );
  const crowds = PER_COLO.map((perColo) => ({ perColo, ...people(perColo, seed, START) }));
  if (values.write)
    await writeFile(join(import.meta.dirname, '../docs/scale.svg'), lineChart(seriesOf(tenants)));
  process.stdout.write(
    values.json ? `${JSON.stringify({ tenants, crowds }, null, 2)}\n` : report(tenants, crowds),
  );
  return [...tenants, ...crowds].every(
    ({ overAdmitted, underAdmitted }) => overAdmitted === 0 && underAdmitted <= MOST_UNDER,
  )
    ? 0
    : 1;
};

type PerColo = Crowd & { readonly perColo: number };

const report = (tenants: readonly Shared[], crowds: readonly PerColo[]): string =>
  [
    table(
      ['tenant at 50,000/s', 'isolates', 'calls/s', ...COSTS],
      tenants.map((row) => [row.limits, String(row.isolates), row.callsPerSecond.toFixed(0), ...costs(row)]),
    ),
    table(
      [`people, 1 in ${SAMPLED}`, 'isolates', 'requests', ...COSTS],
      crowds.map((row) => [
        row.limits,
        String(row.perColo * colos.length),
        String(row.requests),
        ...costs(row),
      ]),
    ),
    TENANTS.map(([limits]) => busyFrom(limits, tenants)).join('\n'),
    '',
  ].join('\n\n');

const COSTS = ['over', 'under', 'calls/1000', 'rows/1000', '$/million', 'p50 ms', 'p99 ms'];

const costs = (row: Shared | Crowd): string[] => [
  String(row.overAdmitted),
  `${(row.underAdmitted * 100).toFixed(2)} %`,
  row.callsPer1000.toFixed(1),
  row.rowsPer1000.toFixed(2),
  dollars({ cpuUs: 0, ...row }).toFixed(3),
  row.p50Ms.toFixed(1),
  row.p99Ms.toFixed(1),
];

/** A few isolates beside the object may ask it more often than many that are far away: what counts is where it stays busy. */
const busyFrom = (limits: string, tenants: readonly Shared[]): string => {
  const rows = tenants.filter((row) => row.limits === limits);
  const busy = rows[rows.findLastIndex(({ callsPerSecond }) => callsPerSecond <= BUSY) + 1];
  return busy === undefined
    ? `${limits}: at no more than ${BUSY} calls a second with as many isolates as were tried`
    : `${limits}: from ${busy.isolates} isolates on the object is asked more than ${BUSY} times a second`;
};

const seriesOf = (tenants: readonly Shared[]) =>
  TENANTS.map(([limits]) => ({
    name: limits,
    points: tenants
      .filter((row) => row.limits === limits)
      .map(({ isolates, callsPerSecond }) => [isolates, callsPerSecond] as const),
  }));

await run(main);
