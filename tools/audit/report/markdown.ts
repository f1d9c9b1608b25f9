// Markdown: for a pull request, a wiki, an issue.
import type { Report, Result } from '../types.ts';

const MARK = { passed: '✓ passed', failed: '**✗ failed**', skipped: '– skipped' } as const;

export const toMarkdown = (report: Report): string =>
  [
    `# Audit of ${cell(report.url)}: ${report.grade.letter ?? 'stopped'}`,
    '',
    `${report.grade.arithmetic}. ${report.requests} requests in ${report.seconds} s, ${report.started}.`,
    ...(report.stopped === undefined ? [] : ['', `Stopped early: ${cell(report.stopped)}.`]),
    '',
    '| check | severity | | seen |',
    '| --- | --- | --- | --- |',
    ...report.results.map(
      ({ id, severity, outcome, seen }) => `| \`${id}\` | ${severity} | ${MARK[outcome]} | ${cell(seen)} |`,
    ),
    ...report.results.filter(({ outcome }) => outcome === 'failed').flatMap(finding),
    '',
  ].join('\n');

const finding = (result: Result): string[] => [
  '',
  `## ${result.title}: no (${result.severity})`,
  '',
  `- Sent: ${cell(result.sent)}`,
  `- Seen: ${cell(result.seen)}`,
  `- Why it matters: ${result.why} (OWASP ${result.owasp}; ${result.rfc})`,
  `- Fix: ${result.fix}`,
];

/** Safe inside a table and free of markup that the API could have sent. */
const cell = (text: string): string => text.replace(/\s+/g, ' ').replace(/[\\`*_|<>[\]]/g, '\\$&');
