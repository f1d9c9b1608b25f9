// The last minutes by label and by partition: what the console ranks, and a caller's history.
import {
  FAMILY_NAMES,
  type FamilyName,
  perFamily,
  perRanking,
  RANKING_NAMES,
  type RankingName,
} from './families.ts';
import type { Batch } from './messages.ts';
import { type Labelled, Series } from './series.ts';
import { type Ranked, Sketch } from './sketch.ts';

/** Minutes kept. */
export const MINUTES = 15;
/** Pairs of labels of one family in a minute. */
const MAX_LABELS = 128;
/** Partitions of one ranking in a minute; twice as many are held. */
const RANKED = 64;

interface Minute {
  readonly series: Readonly<Record<FamilyName, Series>>;
  readonly rankings: Readonly<Record<RankingName, Sketch>>;
}

/** As stored: everything by name, since versions differ in what they count. */
export interface StoredMinute {
  readonly minute: number;
  readonly series: Readonly<Partial<Record<FamilyName, readonly Labelled[]>>>;
  readonly rankings: Readonly<Partial<Record<RankingName, readonly Ranked[]>>>;
}

/** What was counted in some minutes. */
export interface Window {
  readonly series: Readonly<Record<FamilyName, readonly Labelled[]>>;
  readonly rankings: Readonly<Record<RankingName, readonly Ranked[]>>;
}

/** A partition's counts in one minute. */
export interface CallerMinute {
  /** Of the epoch. */
  readonly minute: number;
  readonly counts: Readonly<Record<RankingName, number>>;
}

const newMinute = (): Minute => ({
  series: perFamily(() => new Series(MAX_LABELS)),
  rankings: perRanking(() => new Sketch(RANKED)),
});

export class Recent {
  readonly #minutes = new Map<number, Minute>();

  constructor(stored: readonly StoredMinute[] = []) {
    for (const { minute, series, rankings } of stored) this.#add(minute, series, rankings);
  }

  /** @param at when the batch ended, milliseconds since the epoch. */
  add(at: number, { series, rankings }: Batch, now: number): void {
    const oldest = minuteOf(now) - MINUTES;
    for (const minute of this.#minutes.keys()) if (minute <= oldest) this.#minutes.delete(minute);
    if (minuteOf(at) > oldest) this.#add(minuteOf(at), series, rankings);
  }

  /** The last `minutes`, the one that is running among them. */
  window(now: number, minutes: number): Window {
    const all = [...this.#minutes].filter(([minute]) => minute > minuteOf(now) - minutes);
    const merged = newMinute();
    for (const [, minute] of all) merge(merged, labelsOf(minute), ranksOf(minute));
    return { series: labelsOf(merged), rankings: ranksOf(merged) };
  }

  historyOf(name: string, now: number): CallerMinute[] {
    return Array.from({ length: MINUTES }, (_, i) => {
      const minute = minuteOf(now) - MINUTES + 1 + i;
      const rankings = this.#minutes.get(minute)?.rankings;
      return { minute, counts: perRanking((ranking) => rankings?.[ranking].get(name)?.count ?? 0) };
    });
  }

  store(): StoredMinute[] {
    return [...this.#minutes].map(([minute, kept]) => ({
      minute,
      series: labelsOf(kept),
      rankings: ranksOf(kept),
    }));
  }

  #add(minute: number, series: StoredMinute['series'], rankings: StoredMinute['rankings']): void {
    const kept = this.#minutes.get(minute) ?? newMinute();
    this.#minutes.set(minute, kept);
    merge(kept, series, rankings);
  }
}

const minuteOf = (at: number): number => Math.floor(at / 60_000);

const merge = (into: Minute, series: StoredMinute['series'], rankings: StoredMinute['rankings']): void => {
  for (const name of FAMILY_NAMES) into.series[name].addAll(series[name] ?? []);
  for (const name of RANKING_NAMES)
    for (const [key, count, error] of rankings[name] ?? []) into.rankings[name].add(key, count, error);
};

const labelsOf = ({ series }: Minute) => perFamily((name): readonly Labelled[] => series[name].all());

const ranksOf = ({ rankings }: Minute) => perRanking((name): readonly Ranked[] => rankings[name].top());

/** What several objects counted in the same minutes. */
export const mergeWindows = (windows: readonly Window[]): Window => {
  const merged = newMinute();
  for (const { series, rankings } of windows) merge(merged, series, rankings);
  return { series: labelsOf(merged), rankings: ranksOf(merged) };
};
