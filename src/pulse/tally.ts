// What an isolate has counted since its last report. Counters only: this is all that Pulse adds to a request's way.
import { COLUMNS, indexOf, newRow, type Row, waitIndex } from './columns.ts';
import {
  FAMILIES,
  FAMILY_NAMES,
  type FamilyName,
  perFamily,
  perRanking,
  RANKING_NAMES,
  RANKINGS,
} from './families.ts';
import type { Finished } from './finished.ts';
import type { Batch, Caller } from './messages.ts';
import { type Labelled, Series } from './series.ts';
import { type Ranked, Sketch } from './sketch.ts';

/** Seconds told apart; a longer pause between reports counts its rest in the last one. */
const MAX_SECONDS = 64;
/** Pairs of labels of one family. */
const MAX_LABELS = 256;
/** Partitions of one ranking. */
const RANKED = 64;

const WAIT_MS = indexOf('wait_ms');
const ORIGIN = indexOf('origin');

export class Tally {
  readonly #rows = new Map<number, Row>();
  readonly #series = perFamily(() => new Series(MAX_LABELS));
  readonly #rankings = perRanking(() => new Sketch(RANKED));
  /** The row that was counted in last, which is nearly always the next one's too. */
  #second = 0;
  #row: Row | undefined;

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  add(finished: Finished): void {
    addTo(this.#rowOf(Math.floor(finished.at / 1_000)), finished);
    for (const name of FAMILY_NAMES) this.#addSeries(name, finished);
    for (const name of RANKING_NAMES)
      if (RANKINGS[name](finished)) this.#rankings[name].add(finished.partition);
  }

  /** @param callerOf the name of a partition; undefined where partitions have none. */
  async batch(number: number, callerOf: (partition: string) => Promise<Caller | undefined>): Promise<Batch> {
    const tops = perRanking((name) => this.#rankings[name].top(RANKED));
    const partitions = new Set(RANKING_NAMES.flatMap((name) => tops[name].map(([partition]) => partition)));
    const named = await Promise.all([...partitions].map(async (key) => [key, await callerOf(key)] as const));
    const callers = new Map(named);
    return {
      number,
      columns: COLUMNS,
      rows: [...this.#rows],
      series: this.#labelled(),
      rankings: perRanking((name) => tops[name].flatMap((ranked) => renamed(ranked, callers))),
      callers: [...callers.values()].filter((caller) => caller !== undefined),
    };
  }

  #addSeries(name: FamilyName, finished: Finished): void {
    const labels = FAMILIES[name].of(finished);
    if (labels !== undefined) this.#series[name].add(...labels);
  }

  #labelled(): Record<FamilyName, readonly Labelled[]> {
    return perFamily((name) => this.#series[name].all());
  }

  #rowOf(second: number): Row {
    if (second === this.#second && this.#row !== undefined) return this.#row;
    if (this.#row !== undefined && this.#rows.size >= MAX_SECONDS) return this.#row;
    const row = this.#rows.get(second) ?? newRow();
    this.#rows.set(second, row);
    this.#second = second;
    this.#row = row;
    return row;
  }
}

const addTo = (row: Row, { outcome, waitMs, source, forwarded }: Finished): void => {
  increase(row, indexOf(outcome), 1);
  increase(row, waitIndex(waitMs), 1);
  increase(row, WAIT_MS, Math.max(0, waitMs));
  if (source !== undefined) increase(row, indexOf(`permits_${source}`), 1);
  if (forwarded) increase(row, ORIGIN, 1);
};

const increase = (row: Row, index: number, by: number): void => {
  row[index] = (row[index] ?? 0) + by;
};

const renamed = (
  [partition, count, error]: Ranked,
  callers: ReadonlyMap<string, Caller | undefined>,
): Ranked[] => {
  const name = callers.get(partition)?.name;
  return name === undefined ? [] : [[name, count, error]];
};
