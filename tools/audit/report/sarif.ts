// SARIF 2.1.0, as GitHub code scanning reads it.
import { createHash } from 'node:crypto';
import type { Report, Result, Severity } from '../types.ts';

/** GitHub's scale for `security-severity`, 0 to 10. */
const SCORE: Readonly<Record<Severity, string>> = { high: '8.5', medium: '5.5', low: '3.0' };
const LEVEL: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  high: 'error',
  medium: 'warning',
  low: 'note',
};
const KIND = { passed: 'pass', failed: 'fail', skipped: 'notApplicable' } as const;

export const toSarif = (report: Report): string => {
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0-rtm.5.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'weir-audit', rules: report.results.map(rule) } },
        invocations: [{ executionSuccessful: report.stopped === undefined, startTimeUtc: report.started }],
        properties: {
          grade: report.grade.letter ?? '',
          arithmetic: report.grade.arithmetic,
          requests: report.requests,
        },
        results: report.results.map((result, i) => sarifResult(report, result, i)),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
};

const rule = ({ id, severity, title, owasp, rfc, why, fix }: Result) => ({
  id,
  shortDescription: { text: title },
  fullDescription: { text: why },
  help: { text: `${fix} (${rfc}; OWASP ${owasp})` },
  defaultConfiguration: { level: LEVEL[severity] },
  properties: { 'security-severity': SCORE[severity], tags: ['security', owasp] },
});

const sarifResult = (report: Report, result: Result, ruleIndex: number) => ({
  ruleId: result.id,
  ruleIndex,
  kind: KIND[result.outcome],
  level: result.outcome === 'failed' ? LEVEL[result.severity] : 'none',
  message: { text: `${result.title}. Sent: ${result.sent}. Seen: ${result.seen}.` },
  locations: [location(report.url)],
  partialFingerprints: {
    'weirAudit/v1': createHash('sha256').update(`${result.id}\n${report.url}`).digest('hex'),
  },
});

/** Code scanning takes relative addresses only, so host and path stand in for a file. */
const location = (url: string) => {
  const { host, pathname } = new URL(url);
  const uri = encodeURI(`${host}${pathname}`.replace(/[:[\]]/g, '_').replace(/\/$/, ''));
  return { physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } } };
};
