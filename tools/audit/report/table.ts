// The report for a terminal.
import type { Outcome, Report, Result } from '../types.ts';

/** Wraps text in a colour, or leaves it. */
export type Paint = (outcome: Outcome, text: string) => string;

const MARK: Readonly<Record<Outcome, string>> = { passed: '✓', failed: '✗', skipped: '–' };

export const toTable = (report: Report, paint: Paint = (_, text) => text): string =>
  [
    `Audit of ${report.url}`,
    '',
    ...report.results.flatMap((result) => rows(result, paint)),
    '',
    summary(report),
    `Grade: ${report.grade.arithmetic}`,
    ...(report.stopped === undefined ? [] : [`Stopped early: ${report.stopped}`]),
    '',
  ].join('\n');

const rows = (result: Result, paint: Paint): string[] => {
  const head = `${MARK[result.outcome]} ${result.id.padEnd(26)} ${result.severity.padEnd(6)} ${result.title}`;
  const seen = `    ${result.seen}`;
  if (result.outcome !== 'failed') return [paint(result.outcome, head), seen];
  return [
    paint('failed', head),
    `    sent: ${result.sent}`,
    `    seen: ${result.seen}`,
    `    why:  ${result.why} (OWASP ${result.owasp}; ${result.rfc})`,
    `    fix:  ${result.fix}`,
  ];
};

const summary = ({ results, requests, seconds }: Report): string => {
  const count = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length;
  return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped; ${requests} requests in ${seconds} s`;
};
