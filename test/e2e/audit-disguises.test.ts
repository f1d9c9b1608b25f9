// The audit finds a fault in whatever form it comes, and is not taken in by what only looks like one.
import { describe, expect, it } from 'vitest';
import type { Report } from '../../tools/audit/types.ts';
import { auditSample, failedIds } from '../fixtures/weak/audited.ts';
import { type Disguise, disguises, innocents } from '../fixtures/weak/disguises.ts';

const audit = async (disguise: Disguise): Promise<Report> =>
  auditSample(disguise, {
    only: [...disguise.fails, ...(disguise.passes ?? []), ...(disguise.also ?? [])],
    rate: 100,
    credentials: (await disguise.credentials?.()) ?? {},
  });

const seenBy = ({ results }: Report): string =>
  results.map(({ id, outcome, seen }) => `${id} ${outcome}: ${seen}`).join('\n');

const passedOf = ({ results }: Report): string[] =>
  results.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id);

// Nearly all of their time they wait for a window to pass.
describe.concurrent('the audit', () => {
  it.each(disguises)('finds the fault in one that $mistake', { timeout: 60_000 }, async (disguise) => {
    const report = await audit(disguise);
    expect(failedIds(report).toSorted(), seenBy(report)).toEqual(disguise.fails.toSorted());
    expect(passedOf(report), seenBy(report)).toEqual(expect.arrayContaining([...(disguise.passes ?? [])]));
  });

  it.each(innocents)(
    'finds nothing in one that does wrong $mistake',
    { timeout: 60_000 },
    async (disguise) => {
      const report = await audit(disguise);
      expect(failedIds(report), seenBy(report)).toEqual([]);
      expect(passedOf(report), seenBy(report)).toEqual(expect.arrayContaining([...(disguise.passes ?? [])]));
      expect(report.results.every(({ seen }) => !/undefined|NaN/.test(seen))).toBe(true);
    },
  );
});
