// What `--fail-on`, `--min-grade` and `--baseline` make of a report. Pure.
import type { Letter, Report, Result, Severity } from './types.ts';

const RANK: Readonly<Record<Severity, number>> = { high: 3, medium: 2, low: 1 };

/** What an earlier report leaves to compare with. */
export interface Baseline {
  /** Ids that failed then. */
  readonly known: ReadonlySet<string>;
  /** Undefined where that audit gave none. */
  readonly letter: Letter | undefined;
}

export const NO_BASELINE: Baseline = { known: new Set(), letter: undefined };

/** An earlier report (`--format json`). @throws {TypeError} for anything else. */
export const readBaseline = (text: string): Baseline => {
  const report = JSON.parse(text) as Partial<Report>;
  if (report.tool !== 'weir-audit' || !Array.isArray(report.results))
    throw new TypeError('expected a report that was written with --format json');
  const failed = report.results.filter(({ outcome }) => outcome === 'failed');
  return { known: new Set(failed.map(({ id }) => id)), letter: report.grade?.letter };
};

export interface Bar {
  readonly failOn: Severity;
  /** The worst grade that is good enough. */
  readonly minGrade?: Letter | undefined;
  readonly baseline: Baseline;
}

/** Failed checks of at least this severity that the baseline does not know. */
export const newFailures = (report: Report, { failOn, baseline }: Bar): Result[] =>
  report.results.filter(
    ({ id, outcome, severity }) =>
      outcome === 'failed' && RANK[severity] >= RANK[failOn] && !baseline.known.has(id),
  );

/** In a sentence, why the grade is not good enough; undefined if it is, or if there is none. */
export const gradeFault = (
  { grade: { letter } }: Report,
  { minGrade, baseline }: Bar,
): string | undefined => {
  if (letter === undefined) return undefined;
  if (minGrade !== undefined && letter > minGrade)
    return `the grade ${letter} is worse than ${minGrade} (--min-grade)`;
  return baseline.letter !== undefined && letter > baseline.letter
    ? `the grade fell from ${baseline.letter} to ${letter} (--baseline)`
    : undefined;
};

/** 0: nothing new failed; 1: something did, or the grade fell; 2: the audit did not come to its end, or to a grade. */
export const exitCode = (report: Report, bar: Bar): 0 | 1 | 2 => {
  if (newFailures(report, bar).length > 0 || gradeFault(report, bar) !== undefined) return 1;
  const ungraded = bar.minGrade !== undefined && report.grade.letter === undefined;
  return report.stopped === undefined && !ungraded ? 0 : 2;
};
