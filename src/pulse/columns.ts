// What is counted of every second: one whole number a column. The order is local; names are what is stored and spoken.
import { OUTCOMES, type Outcome } from '../report/outcomes.ts';

/** Upper bounds of the histogram of Weir's own wait, in milliseconds; one more bucket holds the rest. */
export const WAIT_BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000] as const;

/** How a request came by its permits: held by the isolate, asked of a Limiter, or by the failure policy. */
export const SOURCES = ['held', 'asked', 'failed'] as const;

export type Source = (typeof SOURCES)[number];

const outcomes = Object.keys(OUTCOMES) as Outcome[];

const waits = [...WAIT_BOUNDS_MS, 'inf'].map((bound) => `wait_${bound}`);

/** Also `wait_ms`, the milliseconds of all waits together, and `origin`, the answers that were the origin's. */
export const COLUMNS: readonly string[] = [
  ...outcomes,
  ...waits,
  ...SOURCES.map((source) => `permits_${source}`),
  'wait_ms',
  'origin',
];

const indexes: Readonly<Record<string, number>> = Object.fromEntries(COLUMNS.map((name, i) => [name, i]));

/** Where a column stands in a row; -1 for a name that this version does not know. */
export const indexOf = (column: string): number => indexes[column] ?? -1;

/** Where the wait of so many milliseconds is counted. */
export const waitIndex = (ms: number): number => {
  const bucket = WAIT_BOUNDS_MS.findIndex((bound) => ms <= bound);
  return outcomes.length + (bucket < 0 ? WAIT_BOUNDS_MS.length : bucket);
};

/** Counts of one second, in the order of `COLUMNS`. */
export type Row = number[];

export const newRow = (): Row => new Array<number>(COLUMNS.length).fill(0);
