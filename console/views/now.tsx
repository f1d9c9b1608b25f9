// What is happening: how much, what became of it, how long it took, and where.

import type { PulseView } from '../../src/admin/views.ts';
import { OUTCOMES, type Outcome } from '../../src/report/outcomes.ts';
import { Chart, type Line } from '../chart.tsx';
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

export const NowPage = ({ live: { view }, scheme, range, minutes }: Page) => {
  if (view === undefined) return <p class="empty">Waiting for the first counts…</p>;
  const read = reader(view.columns);
  const times = view.points.map((_, i) => view.start + i * view.spanMs);
  const seconds = view.spanMs / 1_000;
  const fates: Line[] = FATES.map((fate) => ({
    label: FATE_NAMES[fate],
    colour: `--${fate}`,
    values: view.points.map((row) => byFate(read, row, fate) / seconds),
  }));
  const waits: Line[] = [0.5, 0.99].map((q) => ({
    label: q === 0.5 ? 'p50' : 'p99',
    colour: q === 0.5 ? '--passed' : '--limited',
    values: view.points.map((row) => waitQuantile(read, row, q)),
  }));
  return (
    <div class="page">
      <h1 class="unseen">Now</h1>
      <Tiles view={view} read={read} />
      <Card title="Requests a second" wide aside={<Legend read={read} view={view} />}>
        <Chart
          title={`Requests a second, ${range}`}
          times={times}
          lines={fates}
          stacked
          height={270}
          format={rate}
          scheme={scheme}
        />
      </Card>
      <Card title="Weir’s own wait" aside={<Key lines={waits} />}>
        <Chart
          title={`Own wait, ${range}`}
          times={times}
          lines={waits}
          height={190}
          format={milliseconds}
          scheme={scheme}
        />
      </Card>
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
      <Tile label="Requests a second" value={rate(all(read, view.now) / 10)} note="last 10 s" />
      <Tile
        label="Not served"
        value={percent(share)}
        note="last 10 s"
        tone={share > 0.5 ? 'bad' : share > 0.2 ? 'warn' : undefined}
      />
      <Tile label="Own wait, p50" value={milliseconds(waitQuantile(read, view.now, 0.5))} note="last 10 s" />
      <Tile label="Own wait, p99" value={milliseconds(waitQuantile(read, view.now, 0.99))} note="last 10 s" />
      <Tile
        label="Limiter’s error budget"
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

const Legend = ({ read, view }: { readonly read: Read; readonly view: PulseView }) => (
  <ul class="legend">
    {FATES.map((fate) => (
      <li key={fate} class={fate}>
        {FATE_NAMES[fate]} <b>{rate(byFate(read, view.now, fate) / 10)}</b>
      </li>
    ))}
  </ul>
);

const Key = ({ lines }: { readonly lines: readonly Line[] }) => (
  <ul class="legend">
    {lines.map(({ label, colour }) => (
      <li key={label} class={colour.slice(2)}>
        {label}
      </li>
    ))}
  </ul>
);

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
