// One letter for all results, and how it was reckoned. Pure.
import type { Grade, Result, Severity } from './types.ts';

/** Points that a failed check costs: one `high` is a D, one `medium` a B, one `low` still an A. */
const COST: Readonly<Record<Severity, number>> = { high: 35, medium: 10, low: 4 };
const LETTERS = [
  ['A', 95],
  ['B', 85],
  ['C', 70],
  ['D', 55],
  ['E', 40],
] as const;
/** What is not shown does not earn the best grade. */
const CAP_WHEN_UNSEEN = 94;

/** Part of the checks of high severity that must have been answered before a grade praises. */
const SHOWN = 0.5;

/**
 * 100 less the cost of each failed check; at best B where a check of high severity was skipped. No letter without
 * evidence: where nothing was answered, or where nothing of high severity failed and most of it was not answered.
 */
export const gradeOf = (results: readonly Result[], stopped: boolean): Grade => {
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  const unseen = results.filter(
    ({ outcome, severity }) => outcome === 'skipped' && severity === 'high',
  ).length;
  const sum = Math.max(0, 100 - failed.reduce((total, { severity }) => total + COST[severity], 0));
  const score = unseen > 0 ? Math.min(sum, CAP_WHEN_UNSEEN) : sum;
  const gap = stopped ? 'the audit was stopped' : gapIn(results);
  const letter = gap === undefined ? letterOf(score) : undefined;
  return {
    letter,
    score,
    arithmetic: `${arithmetic(failed, sum, score, unseen)}: ${letter ?? `no grade, since ${gap}`}`,
  };
};

/** Why the results are too few to grade by, if they are. */
const gapIn = (results: readonly Result[]): string | undefined => {
  const answered = results.filter(({ outcome }) => outcome !== 'skipped');
  if (answered.length === 0) return 'nothing was measured';
  const high = results.filter(({ severity }) => severity === 'high');
  const shown = answered.filter(({ severity }) => severity === 'high');
  if (shown.length >= SHOWN * high.length || shown.some(({ outcome }) => outcome === 'failed'))
    return undefined;
  return `only ${shown.length} of ${high.length} checks of high severity were answered`;
};

const letterOf = (score: number): Exclude<Grade['letter'], undefined> =>
  LETTERS.find(([, least]) => score >= least)?.[0] ?? 'F';

const arithmetic = (failed: readonly Result[], sum: number, score: number, unseen: number): string => {
  const terms = (['high', 'medium', 'low'] as const).flatMap((severity) => {
    const count = failed.filter((result) => result.severity === severity).length;
    return count === 0 ? [] : [` − ${count} ${severity} × ${COST[severity]}`];
  });
  const cap =
    score < sum ? `, at most ${CAP_WHEN_UNSEEN} with ${unseen} checks of high severity skipped` : '';
  return `100${terms.join('')} = ${sum}${cap}`;
};
