// Unusual use, by the minute: what is usual is learned, and what is far above it is noticed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addUse, calmsInMs, isUnusual, type Usage } from '../../src/limiter/usage.ts';
import { EPOCH } from './policies.ts';

const MINUTE = 60_000;
const FACTOR = 5;

/** Use of `perMinute` requests in each of `minutes` minutes, evenly, up to `now`. */
const steady = (perMinute: number, minutes: number, from = EPOCH): { usage: Usage; now: number } => {
  let usage: Usage | undefined;
  for (let i = 0; i < minutes * perMinute; i++)
    usage = addUse(usage, from + Math.floor((i * MINUTE) / perMinute), 1, FACTOR);
  if (usage === undefined) throw new Error('no use');
  return { usage, now: from + minutes * MINUTE };
};

/** Requests at once until use is unusual. */
const untilUnusual = (usage: Usage, now: number, factor = FACTOR): number => {
  let used = usage;
  for (let n = 1; n <= 100_000; n++) {
    used = addUse(used, now, 1, factor);
    if (isUnusual(used, now, factor)) return n;
  }
  return Number.POSITIVE_INFINITY;
};

describe('use', () => {
  it('is unusual at the factor times the moving average, the last 60 s counted', () => {
    const { usage, now } = steady(20, 120);
    // The minute that has just ended counts in full: 20 of the 100.
    expect(untilUnusual(usage, now)).toBe(80);
    expect(untilUnusual(usage, now + MINUTE / 2)).toBe(90);
    expect(untilUnusual(usage, now + 5 * MINUTE)).toBe(100);
  });

  it('is never unusual below 30 requests, whatever the average', () => {
    const { usage, now } = steady(1, 60);
    expect(untilUnusual(usage, now + 5 * MINUTE)).toBe(30);
  });

  it('is not judged before ten busy minutes', () => {
    const { usage, now } = steady(2, 9);
    expect(untilUnusual(usage, now + MINUTE / 2, 2)).toBe(Number.POSITIVE_INFINITY);
    const later = steady(2, 10);
    expect(untilUnusual(later.usage, later.now)).toBe(28);
  });

  it('that is steady is never unusual, however long it goes on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: MINUTE }), (rate, offset) => {
        const { usage, now } = steady(rate, 30, EPOCH + offset);
        expect(isUnusual(usage, now, 2)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('once an hour is judged by its own bursts: idle minutes do not make it unusual', () => {
    let usage: Usage | undefined;
    for (let hour = 0; hour < 48; hour++) {
      const now = EPOCH + hour * 60 * MINUTE;
      usage = addUse(usage, now, 100, FACTOR);
      expect(isUnusual(usage, now, FACTOR)).toBe(false);
    }
  });

  it('that stays ten times higher becomes usual within hours, not within minutes', () => {
    let { usage, now } = steady(20, 120);
    let minutes = 0;
    do {
      now += MINUTE;
      minutes++;
      usage = addUse(usage, now, 200, FACTOR);
    } while (isUnusual(usage, now, FACTOR));
    expect(minutes).toBeGreaterThan(15);
    expect(minutes).toBeLessThan(240);
  });

  it('is forgotten after twelve hours without any', () => {
    const { usage, now } = steady(20, 120);
    const later = addUse(usage, now + 12 * 60 * MINUTE, 5_000, FACTOR);
    expect(isUnusual(later, now + 12 * 60 * MINUTE, FACTOR)).toBe(false);
  });

  it('calms when it says, to the millisecond, if no more requests come', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 2_000 }),
        fc.integer({ min: 0, max: MINUTE - 1 }),
        (rate, burst, at) => {
          const { usage, now } = steady(rate, 20);
          const used = addUse(usage, now + at, burst, FACTOR);
          fc.pre(isUnusual(used, now + at, FACTOR));
          const calm = now + at + calmsInMs(used, now + at, FACTOR);
          expect(isUnusual(turn(used, calm), calm, FACTOR)).toBe(false);
          expect(isUnusual(turn(used, calm - 2), calm - 2, FACTOR)).toBe(true);
        },
      ),
    );
  });
});

/** The same at a later time, with the average as it was: what it is judged against moves with each minute. */
const turn = (usage: Usage, now: number): Usage => {
  const later = addUse(usage, now, 0, FACTOR);
  return { ...later, average: usage.average };
};
