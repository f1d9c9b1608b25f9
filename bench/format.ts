// Results as tables for a terminal. Pure but for colours.
import { paint, table } from '../tools/cli.ts';
import type { Machine } from './machine.ts';
import { isMissed, type Row, type Target } from './results.ts';
import type { Visited } from './visits.ts';

const HEAD = [
  '',
  'contender',
  'req/s',
  'p50 ms',
  'p99 ms',
  'CPU µs',
  '/ (a)',
  "/ (a')",
  'calls/1000',
  'rows/1000',
  '$/million',
];

/** A ratio to what was not measured has none. */
const ratioCell = (ratio: number | undefined): string => ratio?.toFixed(2) ?? '–';

const cells = (row: Row): string[] => [
  row.requestsPerSecond.toFixed(0),
  row.p50Ms.toFixed(2),
  row.p99Ms.toFixed(2),
  row.cpuUs.toFixed(0),
  ratioCell(row.ratioToA),
  ratioCell(row.ratioToHeaders),
  row.callsPer1000.toFixed(2),
  row.rowsPer1000.toFixed(2),
  row.dollarsPerMillion.toFixed(3),
];

/** Numbers end where their column does. */
const aligned = (rows: readonly string[][]): string[][] =>
  rows.map((row) =>
    row.map((cell, i) =>
      cell.padStart(Math.max(HEAD[i + 2]?.length ?? 0, ...rows.map((other) => other[i]?.length ?? 0))),
    ),
  );

export const resultTable = (rows: readonly Row[]): string => {
  const numbers = aligned(rows.map(cells));
  return table(
    HEAD,
    rows.map(({ id, title }, i) => [`(${id})`, title, ...(numbers[i] ?? [])]),
  );
};

const visitCells = (visit: Visited): string[] => [
  `(${visit.id})`,
  visit.title,
  visit.cpuUs.toFixed(0),
  visit.callsPer1000.toFixed(0),
  visit.rowsPer1000.toFixed(0),
  visit.dollarsPerMillion.toFixed(3),
];

/** What a request of a visit costs; empty where none were measured. */
export const visitTable = (visits: readonly Visited[]): string =>
  visits.length === 0
    ? ''
    : table(['', 'contender', 'CPU µs', 'calls/1000', 'rows/1000', '$/million'], visits.map(visitCells));

export const targetTable = (targets: readonly Target[]): string =>
  table(
    ['', 'target', 'measured', 'at most'],
    targets.map((target) => [
      standing(target),
      target.what,
      target.value?.toFixed(2) ?? 'its base was left out',
      String(target.atMost),
    ]),
  );

const standing = (target: Target): string => {
  if (target.value === undefined) return 'not measured';
  return isMissed(target) ? paint('red', 'missed') : paint('green', 'met');
};

/** The same for a page: between its markers `<!-- bench -->` and `<!-- /bench -->`. */
export const inPage = (page: string, text: string): string =>
  page.replace(
    /(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/,
    (_, open, close) => `${open}${text}\n${close}`,
  );

const PAGE_HEAD = [
  '',
  '',
  'requests/s',
  'p50',
  'p99',
  'CPU',
  'of (a)',
  "of (a')",
  'calls',
  'rows',
  '$ per million',
];

/** Calls and rows are for a thousand requests. */
export const markdown = (rows: readonly Row[], visits: readonly Visited[], machine: Machine): string => {
  const lines = rows.map((row) => [`(${row.id})`, row.title, ...cells(row)]);
  const rule = PAGE_HEAD.map((_, i) => (i < 2 ? '---' : '---:'));
  const { cpu, cores, memoryGb, workerd, load } = machine;
  return [
    ...[PAGE_HEAD, rule, ...lines].map((line) => `| ${line.join(' | ')} |`),
    '',
    ...visitLines(visits),
    `Times in ms, CPU in µs per request, calls and rows written for 1,000 requests. ${cores} cores of ${cpu}, ${memoryGb} GB;`,
    `workerd ${workerd}; load by ${load} on the same machine.`,
  ].join('\n');
};

const VISIT_HEAD = ['', 'Visits: 2,000 callers come back, each to an evicted object, for 1 to 10 requests'];

const visitLines = (visits: readonly Visited[]): string[] => {
  if (visits.length === 0) return [];
  const head = [...VISIT_HEAD, 'CPU', 'calls', 'rows', '$ per million'];
  const rule = head.map((_, i) => (i < 2 ? '---' : '---:'));
  return [...[head, rule, ...visits.map(visitCells)].map((line) => `| ${line.join(' | ')} |`), ''];
};
