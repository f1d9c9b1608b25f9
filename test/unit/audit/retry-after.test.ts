// A Retry-After is judged by waiting as it says, here under a clock of the test's own.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksNamed } from '../../../tools/audit/checks/index.ts';
import { judgeRetryAfter } from '../../../tools/audit/retry-after.ts';
import type { Verdict } from '../../../tools/audit/types.ts';

/** What the audit says of `seconds`, told by an API that admits again after `trueMs`. */
const judged = (seconds: number, trueMs: number, windowMs?: number): Promise<Verdict> => {
  let now = 0;
  return judgeRetryAfter(seconds, {
    ask: async () => ({ status: now >= trueMs ? 200 : 429, headers: [], body: '', ms: 1, at: now }),
    pause: async (ms) => {
      now += ms;
    },
    windowMs,
  });
};

/** A missing tick of either clock, and the time between the denial and what follows it, are nobody's fault. */
const TICK_MS = 150;
const seconds = fc.integer({ min: 1, max: 60 });

describe('a Retry-After', () => {
  it('is true where the API admits within its last second', () =>
    fc.assert(
      fc.asyncProperty(seconds, fc.integer({ min: 1, max: 1000 + TICK_MS }), async (told, withinMs) => {
        const trueMs = 1000 * (told - 1) + withinMs;
        expect(await judged(told, trueMs)).toMatchObject({ outcome: 'passed' });
      }),
    ));

  it('that is up to a second too early is a finding of severity low', () =>
    fc.assert(
      fc.asyncProperty(seconds, fc.integer({ min: TICK_MS + 1, max: 1000 + TICK_MS }), async (told, byMs) => {
        const verdict = await judged(told, 1000 * told + byMs);
        expect(verdict).toMatchObject({ outcome: 'failed', severity: 'low' });
        expect(verdict.seen).toContain('a second later: it was rounded down');
      }),
    ));

  it('that is earlier still is one of the check’s own severity, medium', () =>
    fc.assert(
      fc.asyncProperty(seconds, fc.integer({ min: 1001 + TICK_MS, max: 60_000 }), async (told, byMs) => {
        const verdict = await judged(told, 1000 * told + byMs);
        expect(verdict).toMatchObject({ outcome: 'failed', seen: '429 even after it' });
        expect(verdict.severity).toBeUndefined();
        expect(checksNamed(['manners.retry-after-true'])).toMatchObject([{ severity: 'medium' }]);
      }),
    ));

  it('that is twice as long as it need be, and more, is a finding of the same severity', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (told, part) => {
          const verdict = await judged(told, part * 500 * (told - 1));
          expect(verdict).toMatchObject({
            outcome: 'failed',
            seen: expect.stringMatching(/^allowed after [\d.]+ s already$/),
          });
          expect(verdict.severity).toBeUndefined();
        },
      ),
    ));

  it('that is longer than it need be by a quarter, and by more than seconds and ticks make, is one, too', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 5, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (told, part) => {
          const verdict = await judged(told, part * Math.min(800 * told, 1000 * told - 2500) - 1);
          expect(verdict).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('already') });
        },
      ),
    ));

  it('that is longer than the whole window is found out when that is over', async () => {
    expect(await judged(3600, 4000, 5000)).toMatchObject({
      outcome: 'failed',
      seen: 'allowed after 5.15 s already',
    });
    expect(await judged(10, 9000, 9000)).toMatchObject({ outcome: 'passed' });
    await expect(judged(3600, 3_600_000, 3_600_000)).rejects.toThrow('longer than the audit waits');
  });

  it('that is longer than the audit waits is not judged', () =>
    expect(judged(66, 66_000)).rejects.toThrow('Retry-After of 66 s is longer than the audit waits'));
});
