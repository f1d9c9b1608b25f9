// Nothing passes without evidence, whatever a check says.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksNamed } from '../../../tools/audit/checks/index.ts';
import { accepted } from '../../../tools/audit/evidence.ts';
import { failed, measured, passed, skipped, type Verdict } from '../../../tools/audit/types.ts';

const counts = fc.oneof(fc.nat({ max: 100 }), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1));
const evidence = fc.record({ what: fc.string(), count: counts, least: fc.nat({ max: 100 }) });
const verdicts = fc.record<Verdict>({
  outcome: fc.constantFrom('passed', 'failed', 'skipped'),
  sent: fc.string(),
  seen: fc.string(),
  evidence: fc.array(evidence, { maxLength: 4 }),
});

describe('a verdict', () => {
  it('is passed only if something was measured, and each of it enough', () => {
    fc.assert(
      fc.property(verdicts, (verdict) => {
        const shown =
          verdict.evidence.length > 0 &&
          verdict.evidence.every(({ count, least }) => Number.isFinite(count) && count >= least);
        const { outcome } = accepted(verdict);
        expect(outcome).toBe(verdict.outcome === 'passed' && !shown ? 'skipped' : verdict.outcome);
      }),
    );
  });

  it('that was measured, failed or skipped stays as it is', () => {
    for (const verdict of [passed('a', 'b', measured('c', 1)), failed('a', 'b'), skipped('c')])
      expect(accepted(verdict)).toBe(verdict);
  });

  it.each([
    [
      passed('a', '0 admitted where the serial limit is 60', measured('requests admitted', 0, 30)),
      '0, where 30',
    ],
    [passed('a', 'median NaN ms', measured('their median in ms', Number.NaN, 0)), 'NaN, where 0'],
    [passed('a', 'status 500', measured('refusals', 0)), 'refusals: 0'],
  ])('says what was missing: %j', (verdict, text) => {
    expect(accepted(verdict)).toMatchObject({ outcome: 'skipped', seen: expect.stringContaining(text) });
    expect(accepted(verdict).seen).toMatch(/^inconclusive: /);
  });
});

describe('the checks that are named', () => {
  it('are those of the ids and families, and all where none is named', () => {
    expect(checksNamed(['limits.exists', 'leaks']).map(({ id }) => id)).toEqual([
      'leaks.bytes',
      'leaks.error-bodies',
      'leaks.timing',
      'leaks.subjects',
      'limits.exists',
      'leaks.quota-oracle',
    ]);
    expect(checksNamed([]).length).toBeGreaterThan(40);
  });

  it.each([['limit'], ['tokens.'], ['tokens.nine'], ['TOKENS'], ['']])(
    'cannot be %j, and the names there are are told',
    (name) => {
      expect(() => checksNamed(['tokens', name])).toThrow(
        /no check or family is called ".*"; families: tokens, leaks, limits, manners; checks: tokens\.none, /,
      );
    },
  );
});
