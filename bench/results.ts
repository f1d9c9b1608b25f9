// Samples -> what is reported of each contender: medians, ratios, dollars. Pure.

import { median } from '../tools/statistics.ts';
import { dollars } from './price.ts';
import type { Measured } from './rounds.ts';
import type { Visited } from './visits.ts';

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the workerd process for each request: Worker, objects and HTTP together. */
  readonly cpuUs: number;
  /** Median over the rounds of the ratio within a round; undefined where (a), (a'), (f) or (b) was not measured. */
  readonly ratioToA: number | undefined;
  readonly ratioToHeaders: number | undefined;
  /** To what people write today, (f). */
  readonly ratioToToday: number | undefined;
  /** To Weir with nothing bound that watches it, (b). */
  readonly ratioToUnwatched: number | undefined;
  readonly callsPer1000: number;
  readonly rowsPer1000: number;
  readonly dollarsPerMillion: number;
}

export const rowsOf = (measured: readonly Measured[]): Row[] => {
  const cpuOf = (id: string) => measured.find(({ contender }) => contender.id === id)?.samples ?? [];
  const bases = { a: cpuOf('a'), headers: cpuOf("a'"), today: cpuOf('f'), unwatched: cpuOf('b') };
  return measured.map((each) => rowOf(each, bases));
};

type Samples = Measured['samples'];

interface Bases {
  readonly a: Samples;
  readonly headers: Samples;
  readonly today: Samples;
  readonly unwatched: Samples;
}

const rowOf = ({ contender, samples, traffic }: Measured, bases: Bases): Row => {
  const cpuUs = median(samples.map((sample) => sample.cpuUs));
  const { callsPer1000, rowsPer1000 } = traffic;
  return {
    id: contender.id,
    title: contender.title,
    requestsPerSecond: median(samples.map((sample) => sample.requestsPerSecond)),
    p50Ms: median(samples.map((sample) => sample.p50Ms)),
    p99Ms: median(samples.map((sample) => sample.p99Ms)),
    cpuUs,
    ratioToA: ratio(samples, bases.a),
    ratioToHeaders: ratio(samples, bases.headers),
    ratioToToday: ratio(samples, bases.today),
    ratioToUnwatched: ratio(samples, bases.unwatched),
    callsPer1000,
    rowsPer1000,
    dollarsPerMillion: dollars({ cpuUs, callsPer1000, rowsPer1000 }),
  };
};

const ratio = (samples: Samples, base: Samples): number | undefined => {
  const ratios = samples.flatMap(({ cpuUs }, round) => {
    const { cpuUs: of } = base[round] ?? {};
    return of === undefined ? [] : [cpuUs / of];
  });
  return ratios.length === 0 ? undefined : median(ratios);
};

/** A promise of the project, and whether this run kept it. */
export interface Target {
  readonly what: string;
  /** Undefined where what it is measured by was left out. */
  readonly value: number | undefined;
  readonly atMost: number;
}

type Figure = Exclude<keyof Row, 'id' | 'title'>;

const TARGETS: readonly [id: string, key: Figure, atMost: number, what: string][] = [
  ['b', 'ratioToHeaders', 1.2, "CPU of (b) over (a')"],
  ['b', 'ratioToToday', 1.15, 'CPU of (b) over (f)'],
  ['d', 'ratioToA', 0.4, 'CPU of (d) over (a)'],
  ['e', 'ratioToA', 0.55, 'CPU of (e) over (a)'],
  ['i', 'ratioToHeaders', 1.2, "CPU of (i) over (a')"],
  ['p', 'ratioToUnwatched', 1.02, 'CPU of (p) over (b)'],
  ['b', 'callsPer1000', 10, 'calls of (b) per 1,000 requests'],
  ['b', 'rowsPer1000', 1, 'rows written by (b) per 1,000 requests'],
  ['i', 'callsPer1000', 10, 'calls of (i) per 1,000 requests'],
  ['i', 'rowsPer1000', 1, 'rows written by (i) per 1,000 requests'],
  ['d', 'callsPer1000', 1, 'calls of (d) per 1,000 requests'],
  ['b', 'dollarsPerMillion', 0.4, 'dollars per million requests of (b)'],
];

export const targetsOf = (rows: readonly Row[], visits: readonly Visited[]): Target[] => [
  ...TARGETS.flatMap(([id, key, atMost, what]) => {
    const row = rows.find((each) => each.id === id);
    return row === undefined ? [] : [{ what, value: row[key], atMost }];
  }),
  ...visitTargets(visits),
];

/** Weir's visits are cheaper than a write a request, in time and in money. */
const visitTargets = (visits: readonly Visited[]): Target[] => {
  const [ours, naive] = ['v', 'w'].map((id) => visits.find((each) => each.id === id));
  if (ours === undefined || naive === undefined) return [];
  return [
    { what: 'CPU of (v) over (w)', value: ours.cpuUs / naive.cpuUs, atMost: 1 },
    { what: 'dollars of (v) over (w)', value: ours.dollarsPerMillion / naive.dollarsPerMillion, atMost: 1 },
  ];
};

/** What was left out of a run misses nothing. */
export const isMissed = ({ value, atMost }: Target): boolean => value !== undefined && !(value <= atMost);
