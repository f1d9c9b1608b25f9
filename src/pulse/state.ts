// All that a Pulse object knows: an hour by seconds, a day by minutes, totals, the last minutes in detail. No clock, no I/O.
import { BoundedMap } from '../lib/bounded-map.ts';
import { COLUMNS, indexOf, newRow, type Row } from './columns.ts';
import { FAMILY_NAMES, type FamilyName, perFamily, RANKING_NAMES } from './families.ts';
import { Isolates, type StoredIsolate } from './isolates.ts';
import type { Batch, Caller, Report } from './messages.ts';
import { everyMs } from './pace.ts';
import { type CallerMinute, Recent, type StoredMinute, type Window } from './recent.ts';
import { Ring, type StoredRing } from './ring.ts';
import { type Labelled, Series } from './series.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_SECONDS = 3_600;
const DAY_MINUTES = 1_440;
/** Pairs of labels of one family, ever. */
const MAX_LABELS = 1_024;
/** Partitions whose Limiter is known by their name. */
const MAX_CALLERS = 1_024;
/** Most batches of one report that are added. */
const MAX_BATCHES = 64;
/** A report that is due has been added so much later. */
const ARRIVES_MS = 1_000;
/** How far an isolate's clock may be ahead. */
const AHEAD_MS = 5_000;

/** Charts by how far they look back. `spanMs` is what one point sums up. */
export const RANGES = {
  '15m': { spanMs: 5_000, points: 180 },
  '1h': { spanMs: 15_000, points: 240 },
  '24h': { spanMs: 300_000, points: 288 },
} as const;

export type Range = keyof typeof RANGES;

/** Everything since the object was first asked; only ever grows. */
export interface Totals {
  readonly columns: readonly string[];
  readonly sums: readonly number[];
  readonly series: Readonly<Partial<Record<FamilyName, readonly Labelled[]>>>;
  readonly reports: number;
}

export interface StoredState {
  readonly seconds: StoredRing;
  readonly minutes: StoredRing;
  readonly totals: Totals;
  readonly recent: readonly StoredMinute[];
  readonly callers: readonly Caller[];
  readonly isolates: readonly StoredIsolate[];
}

/** What the console draws. */
export interface View extends Window {
  readonly columns: readonly string[];
  /** One row for each point, oldest first; the last is still running. */
  readonly points: readonly (readonly number[])[];
  /** The last ten whole seconds that every isolate has told of. */
  readonly now: readonly number[];
  /** How often each isolate reports, milliseconds: counts that are younger are not complete. */
  readonly everyMs: number;
  /** Whole day, for error budgets. */
  readonly day: readonly number[];
  /** Of the partitions that are ranked. */
  readonly callers: readonly Caller[];
  readonly isolates: number;
}

export interface CallerView {
  readonly caller: Caller | undefined;
  readonly history: readonly CallerMinute[];
}

export class PulseState {
  readonly #seconds: Ring;
  readonly #minutes: Ring;
  readonly #sums: Row;
  readonly #series = perFamily(() => new Series(MAX_LABELS));
  readonly #recent: Recent;
  readonly #callers = new BoundedMap<string, Caller>(MAX_CALLERS);
  readonly #isolates: Isolates;
  #reports: number;

  constructor(stored?: StoredState) {
    this.#seconds = new Ring(SECOND_MS, HOUR_SECONDS, stored?.seconds);
    this.#minutes = new Ring(MINUTE_MS, DAY_MINUTES, stored?.minutes);
    this.#sums = inOrder(stored?.totals.columns ?? [], stored?.totals.sums ?? []);
    for (const name of FAMILY_NAMES) this.#series[name].addAll(stored?.totals.series[name] ?? []);
    this.#recent = new Recent(stored?.recent);
    for (const caller of stored?.callers ?? []) this.#callers.set(caller.name, caller);
    this.#isolates = new Isolates(stored?.isolates);
    this.#reports = stored?.totals.reports ?? 0;
  }

  /** Adds what is new in a report, each batch once and in order. @returns the last batches that were added and stored. */
  take(
    now: number,
    { isolate, batches, whole }: Report,
  ): { readonly added: number; readonly stored: number } {
    const known = this.#isolates.see(isolate, now);
    const fresh = batches.filter(({ number }) => number > known.added).slice(0, MAX_BATCHES);
    const [first] = fresh;
    // A gap is what an evicted object had in memory alone: the isolate still has it.
    if (first === undefined || (first.number > known.added + 1 && !whole)) return known;
    for (const batch of fresh) this.#add(now, batch);
    known.added = fresh.at(-1)?.number ?? known.added;
    this.#reports++;
    return known;
  }

  /** @param minutes how far labels and rankings look back. */
  view(now: number, range: Range, minutes: number): View {
    const { spanMs, points } = RANGES[range];
    const ring = spanMs < MINUTE_MS ? this.#seconds : this.#minutes;
    const window = this.#recent.window(now, minutes);
    const isolates = this.#isolates.alive(now);
    const every = everyMs(isolates);
    const names = new Set(RANKING_NAMES.flatMap((name) => window.rankings[name].map(([key]) => key)));
    return {
      ...window,
      columns: COLUMNS,
      points: ring.read(now, spanMs, points),
      now: sumOf(this.#seconds.read(now - every - ARRIVES_MS, SECOND_MS, 10)),
      everyMs: every,
      day: sumOf(this.#minutes.read(now, MINUTE_MS, DAY_MINUTES)),
      callers: [...names].flatMap((name) => this.#callers.get(name) ?? []),
      isolates,
    };
  }

  caller(now: number, name: string): CallerView {
    return { caller: this.#callers.get(name), history: this.#recent.historyOf(name, now) };
  }

  alive(now: number): number {
    return this.#isolates.alive(now);
  }

  totals(): Totals {
    return {
      columns: COLUMNS,
      sums: this.#sums,
      series: perFamily((name) => this.#series[name].all()),
      reports: this.#reports,
    };
  }

  /** What to write; from then on all batches count as stored. */
  store(): StoredState {
    const callers = [...this.#callers.values()];
    return {
      seconds: this.#seconds.store(),
      minutes: this.#minutes.store(),
      totals: this.totals(),
      recent: this.#recent.store(),
      callers,
      isolates: this.#isolates.store(),
    };
  }

  #add(now: number, batch: Batch): void {
    for (const [second, counts] of batch.rows) {
      const row = inOrder(batch.columns, counts);
      const at = Math.min(second * SECOND_MS, now + AHEAD_MS);
      this.#seconds.add(at, row);
      this.#minutes.add(at, row);
      addInto(this.#sums, row);
    }
    for (const name of FAMILY_NAMES) this.#series[name].addAll(batch.series[name] ?? []);
    const end = Math.min((batch.rows.at(-1)?.[0] ?? 0) * SECOND_MS, now);
    this.#recent.add(end, batch, now);
    for (const caller of batch.callers) this.#callers.set(caller.name, caller);
  }
}

/** A row in this version's columns, made from a row that may have other columns. */
const inOrder = (columns: readonly string[], counts: readonly number[]): Row => {
  const row = newRow();
  for (const [i, name] of columns.entries()) {
    const at = indexOf(name);
    if (at >= 0) row[at] = counts[i] ?? 0;
  }
  return row;
};

const addInto = (sums: number[], row: readonly number[]): void => {
  for (const [i, count] of row.entries()) sums[i] = (sums[i] ?? 0) + count;
};

const sumOf = (rows: readonly (readonly number[])[]): number[] => {
  const sums: number[] = newRow();
  for (const row of rows) addInto(sums, row);
  return sums;
};

/** What several objects counted of the same spans. */
export const addRows = (rows: readonly (readonly number[])[]): number[] => sumOf(rows);
