// The grade, and what makes the command fail.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  exitCode,
  gradeFault,
  NO_BASELINE,
  newFailures,
  readBaseline,
} from '../../../tools/audit/baseline.ts';
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
  evidence: [],
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

  it('is not given to half an audit, nor to one that measured nothing', () => {
    expect(gradeOf([result('x.a', 'high', 'passed')], true).letter).toBeUndefined();
    for (const results of [[], [result('x.a', 'high', 'skipped'), result('x.b', 'low', 'skipped')]])
      expect(gradeOf(results, false)).toMatchObject({
        letter: undefined,
        arithmetic: expect.stringMatching(/no grade, since nothing was measured$/),
      });
  });

  it('praises only where half the checks of high severity were answered', () => {
    const [shown, unseen] = [result('x.a', 'high', 'passed'), result('x.b', 'high', 'skipped')];
    expect(gradeOf([shown, unseen, unseen], false)).toMatchObject({
      letter: undefined,
      arithmetic: expect.stringContaining('only 1 of 3 checks of high severity were answered'),
    });
    expect(gradeOf([result('x.c', 'high', 'failed'), unseen, unseen, unseen], false).letter).toBe('D');
  });

  it('is never a letter without a check that was answered, whatever the results', () => {
    const outcomes = fc.constantFrom<Outcome>('passed', 'failed', 'skipped');
    const severities = fc.constantFrom<Severity>('high', 'medium', 'low');
    fc.assert(
      fc.property(fc.array(fc.tuple(severities, outcomes)), (all) => {
        const { letter } = gradeOf(
          all.map(([severity, outcome], i) => result(`x.${i}`, severity, outcome)),
          false,
        );
        if (all.every(([, outcome]) => outcome === 'skipped')) expect(letter).toBeUndefined();
        const high = all.filter(([severity]) => severity === 'high');
        const unseen = high.filter(([, outcome]) => outcome === 'skipped').length;
        if (letter === 'A') expect(unseen).toBe(0);
        if (letter === 'B') expect(unseen).toBeLessThanOrEqual(high.length / 2);
      }),
    );
  });
});

describe('the exit code', () => {
  const report = reportOf([result('x.high', 'high', 'failed'), result('x.low', 'low', 'failed')]);
  const bar = { failOn: 'low', baseline: NO_BASELINE } as const;

  it('is 1 if a check of that severity or above failed', () => {
    expect(exitCode(report, { ...bar, failOn: 'high' })).toBe(1);
    expect(exitCode(reportOf([result('x.low', 'low', 'failed')]), { ...bar, failOn: 'medium' })).toBe(0);
  });

  it('is 0 if the baseline knows all that failed', () => {
    const baseline = readBaseline(toJson(report));
    expect(exitCode(report, { ...bar, baseline })).toBe(0);
    const worse = reportOf([...report.results, result('x.new', 'low', 'failed')]);
    expect(newFailures(worse, { ...bar, baseline }).map(({ id }) => id)).toEqual(['x.new']);
    expect(exitCode(worse, { ...bar, baseline })).toBe(1);
  });

  it('is 1 if the grade is worse than --min-grade, or than the baseline’s', () => {
    const graded = reportOf([result('x.a', 'high', 'passed'), result('x.b', 'medium', 'failed')]);
    expect(graded.grade.letter).toBe('B');
    const lenient = { ...bar, failOn: 'high' } as const;
    expect(exitCode(graded, { ...lenient, minGrade: 'B' })).toBe(0);
    expect(exitCode(graded, { ...lenient, minGrade: 'A' })).toBe(1);
    const baseline = { known: new Set<string>(), letter: 'A' } as const;
    expect(exitCode(graded, { ...lenient, baseline })).toBe(1);
    expect(gradeFault(graded, { ...lenient, baseline })).toBe('the grade fell from A to B (--baseline)');
    expect(exitCode(graded, { ...lenient, baseline: { ...baseline, letter: 'C' } })).toBe(0);
  });

  it('is 2 if the audit was stopped with nothing found, or came to no grade where one is asked for', () => {
    expect(exitCode(reportOf([], 'interrupted'), bar)).toBe(2);
    expect(exitCode(reportOf([result('x.a', 'high', 'skipped')]), { ...bar, minGrade: 'F' })).toBe(2);
  });

  it('takes no baseline but a report', () => {
    expect(() => readBaseline('{"results":[]}')).toThrow('--format json');
  });
});
