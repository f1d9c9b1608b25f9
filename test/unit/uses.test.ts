import fc from 'fast-check';
import { expect, test } from 'vitest';
import { add, live, type Slices, sliceOf, subtract, total } from '../../src/limiter/algorithms/slices.ts';
import { slidingShare } from '../../src/limiter/algorithms/sliding-share.ts';
import { newUses, slicesOf, unuse, use, used } from '../../src/limiter/algorithms/uses.ts';

const policy = { quota: 100, windowMs: 1_000, count: 1, unit: 'second' } as const;

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('use', 'unuse', 'look'),
    /** How much time passes before it. */
    ms: fc.nat(400),
    /** How long ago it was that something was used. */
    ago: fc.nat(600),
    permits: fc.integer({ min: 1, max: 5 }),
  }),
  { maxLength: 60 },
);

test('uses add up to what slices do, whatever is used, taken back and looked at', () => {
  fc.assert(
    fc.property(steps, (events) => {
      const uses = newUses();
      let slices: Slices = [];
      let now = 1_000_000;
      for (const { kind, ms, ago, permits } of events) {
        now += ms;
        const at = now - ago;
        if (kind === 'use') {
          use(uses, at, policy, permits);
          slices = add(slices, sliceOf(at, policy), permits);
        } else if (kind === 'unuse') {
          unuse(uses, at, policy, permits);
          slices = subtract(slices, sliceOf(at, policy), permits);
        } else {
          slices = live(slices, now, policy);
          expect(used(uses, now, policy)).toBe(total(slices));
        }
      }
      slices = live(slices, now, policy);
      expect(slicesOf(uses, now, policy)).toEqual(slices);
      expect(used(uses, now, policy)).toBe(total(slices));
    }),
    { numRuns: 500 },
  );
});

test('what is told at once of a share is told in the slice it was used in', () => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.nat(400), (ms, later) => {
      const at = 1_000_000 + ms;
      const uses = newUses();
      use(uses, at, policy, 1);
      const [[age, permits] = [Number.NaN, 0]] = slidingShare.ages(uses, at + 3 + later, policy);
      expect(sliceOf(at + 3 + later - age, policy)).toBe(sliceOf(at, policy));
      expect(permits).toBe(1);
    }),
  );
});
