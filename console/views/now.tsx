// What is happening: how much, what became of it, how long it took, and where.

import type { PulseView } from '../../src/admin/views.ts';
import { OUTCOMES, type Outcome } from '../../src/report/outcomes.ts';
import {
  addRows,
  all,
  budgetLeft,
  byFate,
  FATE_NAMES,
  FATES,
  heldShare,
  OBJECTIVE,
  type Read,
  reader,
  refusedShare,
  waitQuantile,
} from '../figures.ts';
import { count, milliseconds, percent, rate } from '../format.ts';
import type { Page } from '../page.ts';
import { BarList, Card, Tile } from '../parts/parts.tsx';
import { SeriesCard } from '../parts/series.tsx';

export const NowPage = ({ live: { view }, scheme, range, minutes }: Page) => {
  if (view === undefined) return <p class="empty">Waiting for the first counts…</p>;
  const read = reader(view.columns);
  const seconds = view.spanMs / 1_000;
  const shown = { view, scheme, range };
  return (
    <div class="page">
      <h1 class="unseen">Now</h1>
      <Tiles view={view} read={read} />
      <SeriesCard
        {...shown}
        title="Requests a second"
        measures={FATES.map((fate) => ({
          label: FATE_NAMES[fate],
          colour: `--${fate}`,
          of: (row) => byFate(read, row, fate) / seconds,
        }))}
        beside={({ of }) => rate(((of(view.now) ?? 0) * seconds) / 10)}
        stacked
        wide
        height={270}
        format={rate}
      />
      <SeriesCard
        {...shown}
        title="Weir’s own wait"
        measures={[
          { label: 'p50', colour: '--passed', of: (row) => waitQuantile(read, row, 0.5) },
          { label: 'p99', colour: '--limited', of: (row) => waitQuantile(read, row, 0.99) },
        ]}
        height={190}
        format={milliseconds}
      />
      <Card title="Where" aside={<small>last {minutes} min</small>}>
        <BarList rows={placesOf(view)} empty="Nothing came in the last minutes." />
      </Card>
      <Card title="What became of them" aside={<small>last {range}</small>}>
        <BarList rows={outcomesOf(read, view)} empty="Nothing came." />
      </Card>
    </div>
  );
};

const Tiles = ({ view, read }: { readonly view: PulseView; readonly read: Read }) => {
  const share = refusedShare(read, view.now);
  const budget = budgetLeft(read, view.day);
  return (
    <dl class="tiles">
      <Tile label="Requests a second" value={rate(all(read, view.now) / 10)} note="over 10 s" />
      <Tile
        label="Not served"
        value={percent(share)}
        note="over 10 s"
        tone={share > 0.5 ? 'bad' : share > 0.2 ? 'warn' : undefined}
      />
      <Tile label="Own wait, p50" value={milliseconds(waitQuantile(read, view.now, 0.5))} note="over 10 s" />
      <Tile label="Own wait, p99" value={milliseconds(waitQuantile(read, view.now, 0.99))} note="over 10 s" />
      <Tile
        label="Error budget"
        value={percent(budget)}
        note={`left of ${percent(1 - OBJECTIVE)} a day`}
        tone={budget <= 0 ? 'bad' : budget < 0.5 ? 'warn' : 'good'}
      />
      <Tile label="Held permits" value={percent(heldShare(read, view.now))} note="decided in the isolate" />
      <Tile
        label="Isolates"
        value={count(view.isolates)}
        note={view.shards > 1 ? `${view.shards} objects` : 'reporting'}
      />
    </dl>
  );
};

/** By data centre; the share that was not served stands behind the number. */
const placesOf = ({ series }: PulseView) => {
  const places = new Map<string, { all: number; passed: number }>();
  for (const [[colo = '', outcome = ''], n] of series.colo_requests) {
    const place = places.get(colo) ?? { all: 0, passed: 0 };
    const passed = OUTCOMES[outcome as Outcome] === 'passed' ? n : 0;
    places.set(colo, { all: place.all + n, passed: place.passed + passed });
  }
  return [...places]
    .toSorted(([, a], [, b]) => b.all - a.all)
    .slice(0, 8)
    .map(([colo, { all: total, passed }]) => ({
      key: colo,
      label: colo || 'this machine',
      value: total,
      text: `${count(total)} · ${percent(1 - passed / total)} not served`,
    }));
};

const outcomesOf = (read: Read, view: PulseView) => {
  const sums = addRows(view.points);
  return (Object.keys(OUTCOMES) as Outcome[])
    .map((outcome) => ({
      key: outcome,
      label: outcome.replaceAll('_', ' '),
      value: read(sums, outcome),
      colour: `--${OUTCOMES[outcome]}`,
    }))
    .filter(({ value }) => value > 0)
    .toSorted((a, b) => b.value - a.value);
};
