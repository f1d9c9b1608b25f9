// What `--fail-on` and `--baseline` make of a report. Pure.
import type { Report, Result, Severity } from './types.ts';

const RANK: Readonly<Record<Severity, number>> = { high: 3, medium: 2, low: 1 };

/** Ids that failed in an earlier report (`--format json`). @throws {TypeError} for anything else. */
export const readBaseline = (text: string): ReadonlySet<string> => {
  const report = JSON.parse(text) as Partial<Report>;
  if (report.tool !== 'weir-audit' || !Array.isArray(report.results))
    throw new TypeError('expected a report that was written with --format json');
  return new Set(report.results.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id));
};

/** Failed checks of at least this severity that the baseline does not know. */
export const newFailures = (report: Report, failOn: Severity, known: ReadonlySet<string>): Result[] =>
  report.results.filter(
    ({ id, outcome, severity }) => outcome === 'failed' && RANK[severity] >= RANK[failOn] && !known.has(id),
  );

/** 0: nothing new failed; 1: something did; 2: the audit did not reach its end. */
export const exitCode = (report: Report, failOn: Severity, known: ReadonlySet<string>): 0 | 1 | 2 => {
  if (newFailures(report, failOn, known).length > 0) return 1;
  return report.stopped === undefined ? 0 : 2;
};
