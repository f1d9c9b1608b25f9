// Samples -> what is reported of each contender: medians, ratios, dollars. Pure.

import { median } from '../tools/statistics.ts';
import { dollars } from './price.ts';
import type { Measured } from './rounds.ts';

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the workerd process for each request: Worker, objects and HTTP together. */
  readonly cpuUs: number;
  /** Median over the rounds of the ratio within a round. */
  readonly ratioToA: number;
  readonly ratioToHeaders: number;
  readonly callsPer1000: number;
  readonly rowsPer1000: number;
  readonly dollarsPerMillion: number;
}

export const rowsOf = (measured: readonly Measured[]): Row[] => {
  const cpuOf = (id: string) => measured.find(({ contender }) => contender.id === id)?.samples ?? [];
  return measured.map((each) => rowOf(each, cpuOf('a'), cpuOf("a'")));
};

type Samples = Measured['samples'];

const rowOf = ({ contender, samples, traffic }: Measured, proxy: Samples, headers: Samples): Row => {
  const cpuUs = median(samples.map((sample) => sample.cpuUs));
  const { callsPer1000, rowsPer1000 } = traffic;
  return {
    id: contender.id,
    title: contender.title,
    requestsPerSecond: median(samples.map((sample) => sample.requestsPerSecond)),
    p50Ms: median(samples.map((sample) => sample.p50Ms)),
    p99Ms: median(samples.map((sample) => sample.p99Ms)),
    cpuUs,
    ratioToA: ratio(samples, proxy),
    ratioToHeaders: ratio(samples, headers),
    callsPer1000,
    rowsPer1000,
    dollarsPerMillion: dollars({ cpuUs, callsPer1000, rowsPer1000 }),
  };
};

const ratio = (samples: Samples, base: Samples): number =>
  median(samples.map(({ cpuUs }, round) => cpuUs / (base[round]?.cpuUs ?? Number.NaN)));

/** A promise of the project, and whether this run kept it. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly atMost: number;
}

const TARGETS: readonly [id: string, key: keyof Row, atMost: number, what: string][] = [
  ['b', 'ratioToHeaders', 1.1, "CPU of (b) over (a')"],
  ['b', 'ratioToA', 1.3, 'CPU of (b) over (a)'],
  ['d', 'ratioToA', 0.5, 'CPU of (d) over (a)'],
  ['e', 'ratioToA', 0.5, 'CPU of (e) over (a)'],
  ['b', 'callsPer1000', 30, 'calls of (b) per 1,000 requests'],
  ['b', 'rowsPer1000', 2, 'rows written by (b) per 1,000 requests'],
  ['d', 'callsPer1000', 1, 'calls of (d) per 1,000 requests'],
  ['b', 'dollarsPerMillion', 0.4, 'dollars per million requests of (b)'],
];

export const targetsOf = (rows: readonly Row[]): Target[] =>
  TARGETS.flatMap(([id, key, atMost, what]) => {
    const row = rows.find((each) => each.id === id);
    return row === undefined ? [] : [{ what, value: Number(row[key]), atMost }];
  });

export const isMet = ({ value, atMost }: Target): boolean => value <= atMost;
