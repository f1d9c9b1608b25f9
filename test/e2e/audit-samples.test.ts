// Every check of the audit finds the fault it is for, and finds nothing in APIs without it.
import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { checks } from '../../tools/audit/checks/index.ts';
import type { Report } from '../../tools/audit/types.ts';
import { auditSample, failedIds } from '../fixtures/weak/audited.ts';
import { type Fault, faults, otherSound } from '../fixtures/weak/faults.ts';

/** Audits under way together: most of their time they wait for a window to pass. */
const TOGETHER = 20;
const SECOND_TRIES = 10;
/** Little enough for refusals one after another not to look like a flood to the samples. */
const RATE = 100;

/** Of this sample one question cannot be put, and every other can. */
const UNANSWERABLE = { sample: 'no-retry-after', skips: ['manners.retry-after-true'] };

/** Those that take longest begin first. */
const LONG = [
  'retry-after-too-short',
  'limit-before-validation',
  'by-address',
  'by-forwarded-for',
  'old-fields',
  'unverified-subject',
];

/** Audited by every check there is, as the sound ones are: faults that many checks could mistake for their own. */
const WHOLE = [
  'decodes-only',
  'no-token-needed',
  'no-limit',
  'unverified-subject',
  'limit-before-validation',
];

/**
 * The checks that a fault is looked for by: of the families that it could be mistaken in. How a token is verified changes
 * nothing in how permits are counted, which is what takes the time.
 */
const scopeOf = ({ name, fails }: Fault): readonly string[] => {
  const isAll = (family: RegExp) => fails.length > 0 && fails.every((id) => family.test(id));
  if (WHOLE.includes(name)) return [];
  if (isAll(/^(tokens|leaks)\./)) return ['tokens', 'leaks', 'limits.exists'];
  if (isAll(/^manners\./)) return ['tokens.none', 'manners', 'limits.exists', 'limits.declared'];
  return fails.length === 0 || name.startsWith('sound')
    ? []
    : ['tokens.none', 'limits', 'leaks.quota-oracle', 'manners'];
};

describe('the audit of a sample API', () => {
  const reports = new Map<string, Report>();

  const audit = async (fault: Fault | undefined) => {
    const only = fault === undefined ? [] : scopeOf(fault);
    reports.set(fault?.name ?? 'sound', await auditSample(fault, { rate: RATE, only }));
  };

  const isAsExpected = (fault: Fault | undefined): boolean => {
    const report = reports.get(fault?.name ?? 'sound');
    const fails = (fault?.fails ?? []).toSorted();
    if (report === undefined || !isDeepStrictEqual(failedIds(report).toSorted(), fails)) return false;
    return (
      fault?.name !== UNANSWERABLE.sample || isDeepStrictEqual(skippedOf(fault.name), UNANSWERABLE.skips)
    );
  };

  const skippedOf = (name: string) =>
    reports
      .get(name)
      ?.results.filter(({ outcome }) => outcome === 'skipped')
      .map(({ id }) => id);

  beforeAll(async () => {
    const order = (fault: Fault) => LONG.indexOf(fault.name) >>> 0;
    const all = [...otherSound, ...faults.toSorted((a, b) => order(a) - order(b)), undefined];
    const waiting = [...all];
    const work = async () => {
      while (waiting.length > 0) await audit(waiting.shift());
    };
    await Promise.all(Array.from({ length: TOGETHER }, work));
    // So many at once on a busy machine can blur a time or stretch a spell of requests: a few may be audited again, alone.
    for (const fault of all.filter((one) => !isAsExpected(one)).slice(0, SECOND_TRIES)) await audit(fault);
  }, 400_000);

  it('finds nothing in a sound one, runs every check and grades it A', () => {
    const report = reports.get('sound');
    expect(report?.results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(report?.results).toHaveLength(checks.length);
    expect(report?.grade).toMatchObject({ letter: 'A', score: 100 });
  });

  it.each(otherSound)('finds nothing else in one that does wrong $mistake', ({ name, fails }) => {
    const report = reports.get(name);
    expect(report && failedIds(report)).toEqual(fails);
  });

  it.each(faults)('finds the fault, and only that, in one that $mistake', ({ name, fails }) => {
    const report = reports.get(name);
    const seen = report?.results
      .filter(({ outcome }) => outcome !== 'passed')
      .map((one) => `${one.id}: ${one.seen}`);
    expect(report && failedIds(report).toSorted(), seen?.join('\n')).toEqual(fails.toSorted());
  });

  it('has a sample that fails it for every check there is', () => {
    const found = new Set(faults.flatMap(({ fails }) => fails));
    expect(checks.map(({ id }) => id).filter((id) => !found.has(id))).toEqual([]);
  });

  it('never lets a check pass whose question could not be put', () => {
    expect(skippedOf('no-token-needed')).toContain('tokens.expired');
    expect(skippedOf('no-limit')).toContain('limits.parallel');
    expect(skippedOf(UNANSWERABLE.sample)).toEqual(UNANSWERABLE.skips);
  });
});
