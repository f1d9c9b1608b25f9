// The formats of a report.
import type { Report } from '../types.ts';
import { toJson } from './json.ts';
import { toJunit } from './junit.ts';
import { toMarkdown } from './markdown.ts';
import { toSarif } from './sarif.ts';
import { type Paint, toTable } from './table.ts';

export const FORMATS = ['table', 'json', 'sarif', 'junit', 'markdown'] as const;
export type Format = (typeof FORMATS)[number];

/** @param paint colours, for a table on a terminal. */
export const render = (report: Report, format: Format, paint?: Paint): string =>
  WRITERS[format](report, paint);

const WRITERS: Readonly<Record<Format, (report: Report, paint?: Paint) => string>> = {
  table: toTable,
  json: toJson,
  sarif: toSarif,
  junit: toJunit,
  markdown: toMarkdown,
};
