// Merges what several Pulse objects answer. Pure.
import { COLUMNS } from './columns.ts';
import { perFamily, perRanking } from './families.ts';
import { MINUTES, mergeWindows } from './recent.ts';
import { Series } from './series.ts';
import { addRows, type CallerView, type Totals, type View } from './state.ts';

interface Sharded {
  readonly shards: number;
}

const most = (readings: readonly Sharded[]): number => Math.max(...readings.map(({ shards }) => shards));

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

/** @param views of the same spans, one or more. */
export const mergeViews = (views: readonly (View & Sharded)[]): View & Sharded => {
  const [first] = views;
  if (first !== undefined && views.length === 1) return first;
  const points = first?.points ?? [];
  return {
    ...mergeWindows(views),
    columns: COLUMNS,
    points: points.map((_, i) => addRows(views.map((view) => view.points[i] ?? []))),
    now: addRows(views.map(({ now }) => now)),
    day: addRows(views.map(({ day }) => day)),
    callers: [...new Map(views.flatMap(({ callers }) => callers.map((each) => [each.name, each]))).values()],
    isolates: sum(views.map(({ isolates }) => isolates)),
    everyMs: Math.max(...views.map(({ everyMs }) => everyMs)),
    shards: most(views),
  };
};

type AllTotals = Totals & Sharded & { readonly isolates: number };

export const mergeTotals = (totals: readonly AllTotals[]): AllTotals => ({
  columns: COLUMNS,
  sums: addRows(totals.map(({ sums }) => sums)),
  series: perFamily((name) => {
    const merged = new Series(Number.POSITIVE_INFINITY);
    for (const { series } of totals) merged.addAll(series[name] ?? []);
    return merged.all();
  }),
  reports: sum(totals.map(({ reports }) => reports)),
  isolates: sum(totals.map(({ isolates }) => isolates)),
  shards: most(totals),
});

export const mergeCallers = (views: readonly (CallerView & Sharded)[]): CallerView & Sharded => ({
  caller: views.find(({ caller }) => caller !== undefined)?.caller,
  history: Array.from({ length: MINUTES }, (_, i) => ({
    minute: views[0]?.history[i]?.minute ?? 0,
    counts: perRanking((name) => sum(views.map(({ history }) => history[i]?.counts[name] ?? 0))),
  })),
  shards: most(views),
});
