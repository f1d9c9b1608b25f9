// JUnit XML: one suite per family, one case per check.
import type { Report, Result } from '../types.ts';

export const toJunit = (report: Report): string => {
  const suites = Map.groupBy(report.results, ({ id }) => id.slice(0, id.indexOf('.')));
  const lines = [...suites].flatMap(([family, results]) => suite(report, family, results));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="weir-audit">',
    ...lines,
    '</testsuites>',
    '',
  ].join('\n');
};

const suite = (report: Report, family: string, results: readonly Result[]): string[] => {
  const count = (outcome: Result['outcome']) => results.filter((result) => result.outcome === outcome).length;
  const counts = `tests="${results.length}" failures="${count('failed')}" errors="0" skipped="${count('skipped')}"`;
  return [
    `  <testsuite name="${family}" ${counts} timestamp="${report.started.slice(0, 19)}" hostname="${xml(new URL(report.url).hostname)}">`,
    ...results.map((result) => testcase(family, result)),
    '  </testsuite>',
  ];
};

const testcase = (family: string, result: Result): string => {
  const open = `    <testcase name="${xml(`${result.id}: ${result.title}`)}" classname="weir-audit.${family}" time="0"`;
  if (result.outcome === 'passed') return `${open}/>`;
  if (result.outcome === 'skipped') return `${open}><skipped>${xml(result.seen)}</skipped></testcase>`;
  const text = `${result.why} ${result.fix} (${result.rfc}; OWASP ${result.owasp}) Sent: ${result.sent}.`;
  return `${open}><failure type="${result.severity}" message="${xml(result.seen)}">${xml(text)}</failure></testcase>`;
};

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Escaped, and without what XML 1.0 cannot hold. */
const xml = (text: string): string =>
  text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
