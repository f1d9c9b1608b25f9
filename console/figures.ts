// The numbers that the console shows, made from the columns that Pulse counts. Pure.
import type { PulseView } from '../src/admin/views.ts';
import { COLUMNS, SOURCES, WAIT_BOUNDS_MS } from '../src/pulse/columns.ts';
import { type Fate, OUTCOMES, type Outcome } from '../src/report/outcomes.ts';

export const FATES: readonly Fate[] = ['passed', 'limited', 'refused', 'failed'];

export const FATE_NAMES: Readonly<Record<Fate, string>> = {
  passed: 'Passed',
  limited: 'Over quota',
  refused: 'Refused',
  failed: 'Failed',
};

const NAMES = Object.keys(OUTCOMES) as Outcome[];

export type Counts = readonly number[];

/** Reads one column. The server may be of another version, so by name. */
export type Read = (row: Counts, column: string) => number;

export const reader = (columns: readonly string[] = COLUMNS): Read => {
  const at = new Map(columns.map((name, i) => [name, i]));
  return (row, column) => row[at.get(column) ?? -1] ?? 0;
};

export const byFate = (read: Read, row: Counts, fate: Fate): number =>
  NAMES.filter((outcome) => OUTCOMES[outcome] === fate).reduce((sum, outcome) => sum + read(row, outcome), 0);

export const all = (read: Read, row: Counts): number =>
  NAMES.reduce((sum, outcome) => sum + read(row, outcome), 0);

/** Of all requests, those that did not pass. */
export const refusedShare = (read: Read, row: Counts): number => {
  const total = all(read, row);
  return total === 0 ? 0 : 1 - byFate(read, row, 'passed') / total;
};

/** Wait that a share `q` of requests stayed below, milliseconds, interpolated within its bucket; undefined without any. */
export const waitQuantile = (read: Read, row: Counts, q: number): number | undefined => {
  const counts = [...WAIT_BOUNDS_MS, 'inf'].map((bound) => read(row, `wait_${bound}`));
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total === 0) return undefined;
  let below = 0;
  for (const [i, each] of counts.entries()) {
    const lower = i === 0 ? 0 : (WAIT_BOUNDS_MS[i - 1] ?? 0);
    const upper = WAIT_BOUNDS_MS[i] ?? lower;
    if (below + each >= q * total) return lower + (upper - lower) * ((q * total - below) / Math.max(1, each));
    below += each;
  }
  return WAIT_BOUNDS_MS.at(-1);
};

/** Requests a Limiter should answer of those that ask it: what the error budget is measured by. */
export const OBJECTIVE = 0.999;

/** Share of the day's error budget that is left; below 0 where it is overspent. */
export const budgetLeft = (read: Read, day: Counts): number => {
  const failed = read(day, 'permits_failed');
  const asked = SOURCES.reduce((sum, source) => sum + read(day, `permits_${source}`), 0);
  return asked === 0 ? 1 : 1 - failed / (asked * (1 - OBJECTIVE));
};

/** Of the requests that needed permits, those the isolate held one for. */
export const heldShare = (read: Read, row: Counts): number => {
  const total = SOURCES.reduce((sum, source) => sum + read(row, `permits_${source}`), 0);
  return total === 0 ? Number.NaN : read(row, 'permits_held') / total;
};

/** A report that is due has come so much later, milliseconds. */
const ARRIVES_MS = 1_000;

/** The points that are over and that every isolate has told of, and when each began. A newer one would look like a drop. */
export const toldOf = ({ points, start, spanMs, at, everyMs }: PulseView): Told => {
  const until = at - everyMs - ARRIVES_MS;
  const rows = points.slice(0, Math.max(0, Math.floor((until - start) / spanMs)));
  return { rows, times: rows.map((_, i) => start + i * spanMs) };
};

export interface Told {
  readonly times: readonly number[];
  readonly rows: readonly Counts[];
}

export const addRows = (rows: readonly Counts[]): number[] =>
  rows.reduce<number[]>((sums, row) => row.map((each, i) => each + (sums[i] ?? 0)), []);
