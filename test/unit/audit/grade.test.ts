// The grade, and what makes the command fail.
import { describe, expect, it } from 'vitest';
import { exitCode, newFailures, readBaseline } from '../../../tools/audit/baseline.ts';
import { gradeOf } from '../../../tools/audit/grade.ts';
import { toJson } from '../../../tools/audit/report/json.ts';
import type { Outcome, Report, Result, Severity } from '../../../tools/audit/types.ts';

const result = (id: string, severity: Severity, outcome: Outcome): Result => ({
  id,
  severity,
  outcome,
  title: '',
  owasp: '',
  rfc: '',
  why: '',
  fix: '',
  sent: '',
  seen: '',
});

const reportOf = (results: readonly Result[], stopped?: string): Report => ({
  tool: 'weir-audit',
  version: 1,
  url: 'http://127.0.0.1/',
  started: '2026-01-02T03:04:05.678Z',
  seconds: 1,
  requests: 1,
  grade: gradeOf(results, stopped !== undefined),
  results,
  stopped,
});

describe('the grade', () => {
  it.each([
    [[], 'A', '100 = 100: A'],
    [['low'], 'A', '100 − 1 low × 4 = 96: A'],
    [['low', 'low'], 'B', '100 − 2 low × 4 = 92: B'],
    [['medium'], 'B', '100 − 1 medium × 10 = 90: B'],
    [['medium', 'medium', 'low'], 'C', '100 − 2 medium × 10 − 1 low × 4 = 76: C'],
    [['high'], 'D', '100 − 1 high × 35 = 65: D'],
    [['high', 'medium', 'medium'], 'E', '100 − 1 high × 35 − 2 medium × 10 = 45: E'],
    [['high', 'high'], 'F', '100 − 2 high × 35 = 30: F'],
    [['high', 'high', 'high'], 'F', '100 − 3 high × 35 = 0: F'],
  ] as const)('of %j is %s, and shows how', (severities, letter, arithmetic) => {
    const grade = gradeOf(
      severities.map((severity, i) => result(`x.${i}`, severity, 'failed')),
      false,
    );
    expect(grade).toMatchObject({ letter, arithmetic });
  });

  it('is at best B where a check of high severity was skipped', () => {
    const grade = gradeOf([result('x.a', 'high', 'skipped'), result('x.b', 'high', 'passed')], false);
    expect(grade).toMatchObject({ letter: 'B', score: 94 });
    expect(grade.arithmetic).toBe('100 = 100, at most 94 with 1 checks of high severity skipped: B');
  });

  it('is not given to half an audit', () => {
    expect(gradeOf([], true).letter).toBeUndefined();
  });
});

describe('the exit code', () => {
  const report = reportOf([result('x.high', 'high', 'failed'), result('x.low', 'low', 'failed')]);

  it('is 1 if a check of that severity or above failed', () => {
    expect(exitCode(report, 'high', new Set())).toBe(1);
    expect(exitCode(reportOf([result('x.low', 'low', 'failed')]), 'medium', new Set())).toBe(0);
  });

  it('is 0 if the baseline knows all that failed', () => {
    const known = readBaseline(toJson(report));
    expect(exitCode(report, 'low', known)).toBe(0);
    const worse = reportOf([...report.results, result('x.new', 'low', 'failed')]);
    expect(newFailures(worse, 'low', known).map(({ id }) => id)).toEqual(['x.new']);
    expect(exitCode(worse, 'low', known)).toBe(1);
  });

  it('is 2 if the audit was stopped with nothing found', () => {
    expect(exitCode(reportOf([], 'interrupted'), 'low', new Set())).toBe(2);
  });

  it('takes no baseline but a report', () => {
    expect(() => readBaseline('{"results":[]}')).toThrow('--format json');
  });
});
