// What Pulse counts, as a screen of text: the console for a terminal.

import {
  all,
  budgetLeft,
  byFate,
  FATE_NAMES,
  FATES,
  heldShare,
  reader,
  refusedShare,
  waitQuantile,
} from '../../console/figures.ts';
import type { PulseView } from '../../src/admin/views.ts';
import type { RankingName } from '../../src/pulse/families.ts';
import { paint, printable, table } from '../cli.ts';

/** Seconds that the newest numbers are of. */
const SECONDS = 10;

const rate = (count: number): string => (count / SECONDS).toFixed(1);

const percent = (share: number): string => (Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : '-');

const wait = (ms: number | undefined): string => (ms === undefined ? '-' : `${ms.toFixed(0)} ms`);

const LISTS: readonly (readonly [RankingName, string])[] = [
  ['requests', 'TOP CALLERS'],
  ['denied', 'DENIED MOST'],
  ['unauthorized', 'FAILING AUTHENTICATION'],
];

/** @param rows of each list. */
export const liveText = (view: PulseView, rows: number): string => {
  const read = reader(view.columns);
  const { now, day } = view;
  const head = [
    `${paint('bold', rate(all(read, now)))} a second`,
    ...FATES.map((fate) => `${FATE_NAMES[fate].toLowerCase()} ${rate(byFate(read, now, fate))}`),
    `not served ${percent(refusedShare(read, now))}`,
  ];
  const own = [
    `own wait p50 ${wait(waitQuantile(read, now, 0.5))}, p99 ${wait(waitQuantile(read, now, 0.99))}`,
    `held permits ${percent(heldShare(read, now))}`,
    `error budget left ${percent(budgetLeft(read, day))}`,
    `isolates ${view.isolates}`,
  ];
  const lists = LISTS.map(([ranking, title]) => listText(view, ranking, title, rows));
  return [head.join('  '), own.join('  '), ...lists, reasonsText(view, rows)].join('\n\n').concat('\n');
};

const listText = (
  { rankings, callers }: PulseView,
  ranking: RankingName,
  title: string,
  rows: number,
): string => {
  const kinds = new Map(callers.map(({ name, kind }) => [name, kind]));
  const cells = rankings[ranking]
    .slice(0, rows)
    .map(([name, count]) => [String(count), printable(kinds.get(name) ?? ''), printable(name)]);
  return table([title, '', ''], cells.length === 0 ? [['nobody']] : cells);
};

const reasonsText = ({ series }: PulseView, rows: number): string => {
  const cells = series.refusals
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, rows)
    .map(([[outcome = '', reason = ''], count]) => [String(count), printable(outcome), printable(reason)]);
  return table(['REFUSED', '', ''], cells.length === 0 ? [['nothing']] : cells);
};
