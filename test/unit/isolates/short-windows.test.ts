// Under windows too short to lend by number: few calls, nobody refused who is below the quota, never over it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SOAK_TIMEOUT_MS, scaled } from '../../fixtures/scale.ts';
import { busiestFor } from '../../fixtures/windows.ts';
import { inVirtualTime, measure, paced, sendAll } from './traffic.ts';

const MINUTE = 60_000;

describe('a caller at one isolate, 60 ms from its Limiter', () => {
  it('at 8 of 10 a second asks for less than a sixth of its requests and waits for hardly any', async () => {
    const setup = { limits: '10/second; 1000/hour', delays: [30] };
    const { refused, callsPerThousand, medianWaitMs } = await measure(
      setup,
      paced(8, MINUTE, () => 0),
    );
    expect(refused).toBe(0);
    expect(callsPerThousand).toBeLessThanOrEqual(170);
    expect(medianWaitMs).toBe(0);
  });

  it('at 900 of 1,000 a second asks for less than one in a hundred', async () => {
    const setup = { limits: '1000/second', delays: [30] };
    const { refused, callsPerThousand } = await measure(
      setup,
      paced(900, MINUTE / 3, () => 0),
    );
    expect(callsPerThousand).toBeLessThanOrEqual(10);
    // While its requests cease to wait, more are decided in a second than come.
    expect(refused).toBeLessThanOrEqual(60);
  });
});

describe('a caller at 0.9 of its quota over several isolates', () => {
  it.each([
    ['8 a second here and 1 there', '10/second', [2, 60], (i: number) => (i % 9 === 8 ? 1 : 0), 9],
    ['8 a second far away and 1 near', '10/second', [100, 2], (i: number) => (i % 9 === 8 ? 1 : 0), 9],
    ['5 a second here and 4 there', '10/second', [2, 60], (i: number) => (i % 9 < 5 ? 0 : 1), 9],
    ['5 and 4 a second, both far away', '10/second', [100, 60], (i: number) => (i % 9 < 5 ? 0 : 1), 9],
    ['in turn over four', '100/second', [2, 2, 20, 20], (i: number) => i % 4, 90],
    ['three of four at one', '100/second', [2, 20], (i: number) => (i % 4 === 3 ? 1 : 0), 90],
    ['in turn over eight', '10/second', Array<number>(8).fill(2), (i: number) => i % 8, 9],
  ])('is not refused: %s', async (_, limits, delays, isolateOf, perSecond) => {
    const { refused } = await measure({ limits, delays }, paced(perSecond, MINUTE, isolateOf));
    expect(refused).toBe(0);
  });

  it('that moves from one isolate to another every five seconds is hardly refused', async () => {
    const sent = paced(9, 5 * MINUTE, (i) => Math.floor(i / 45) % 2);
    const { refused } = await measure({ limits: '10/second', delays: [2, 60] }, sent);
    expect(refused).toBeLessThanOrEqual(sent.length * 0.01);
  });

  it('is lent shares all the same where there is room for them', async () => {
    const setup = { limits: '100/second', delays: [2, 2, 20, 20] };
    const { callsPerThousand } = await measure(
      setup,
      paced(90, MINUTE / 2, (i) => i % 4),
    );
    expect(callsPerThousand).toBeLessThanOrEqual(150);
  });
});

const anyLimits = fc.constantFrom(
  { limits: '10/second', quota: 10, windowMs: 1_000 },
  { limits: '50/2 seconds', quota: 50, windowMs: 2_000 },
  { limits: '20/5 seconds', quota: 20, windowMs: 5_000 },
  { limits: '30/second; 1000/hour', quota: 30, windowMs: 1_000 },
);

/** Some seconds each with so many requests, spread evenly or all at once, at some isolate. */
const anyTraffic = (isolates: number) =>
  fc.array(
    fc.record({
      ms: fc.integer({ min: 50, max: 3_000 }),
      requests: fc.integer({ min: 0, max: 60 }),
      atOnce: fc.boolean(),
      isolate: fc.nat(isolates - 1),
    }),
    { minLength: 1, maxLength: 12 },
  );

type Traffic = ReturnType<typeof anyTraffic> extends fc.Arbitrary<infer T> ? T : never;

const sentBy = (traffic: Traffic) => {
  let start = 0;
  return traffic.flatMap(({ ms, requests, atOnce, isolate }) => {
    const from = start;
    start += ms;
    const gap = atOnce ? 0 : ms / Math.max(1, requests);
    return Array.from({ length: requests }, (_, i) => ({ at: from + i * gap, isolate }));
  });
};

const anyDelay = fc.constantFrom(0, 2, 30, 120);

const BESIDE = { limits: '30/second; 1000/hour', quota: 30, windowMs: 1_000 };
const FIVE_SECONDS = { limits: '20/5 seconds', quota: 20, windowMs: 5_000 };

const evenly = (ms: number, requests: number) => ({ ms, requests, atOnce: false, isolate: 0 });

/** Traffic after which callers were told to come back too early. */
const known: [typeof BESIDE, number, Traffic][] = [
  // A share took over a single permit, and had nothing else.
  [FIVE_SECONDS, 120, [evenly(491, 1), evenly(2_030, 0), evenly(50, 20)]],
  // Uses of a share were told to the Limiter as a slice later than they were.
  [FIVE_SECONDS, 0, [evenly(1_841, 29), evenly(2_979, 0), evenly(1_884, 28), evenly(344, 14)]],
  [FIVE_SECONDS, 30, [evenly(2_143, 21), evenly(1_887, 0), evenly(1_260, 14), evenly(1_738, 16)]],
  // A share took singles over when it was renewed, after it was said when they drain.
  [
    { limits: '50/2 seconds', quota: 50, windowMs: 2_000 },
    30,
    [evenly(203, 25), evenly(1_857, 0), evenly(66, 33), { ...evenly(50, 6), atOnce: true }, evenly(945, 18)],
  ],
  // A share was free again, but nothing was left beside it, and nobody asked.
  [
    BESIDE,
    2,
    [
      { ...evenly(1_009, 13), atOnce: true },
      ...[
        [1_267, 53],
        [52, 3],
        [1_340, 41],
        [50, 1],
      ].map(([ms = 0, n = 0]) => evenly(ms, n)),
    ],
  ],
];

describe('whatever a caller did before', { timeout: SOAK_TIMEOUT_MS }, () => {
  it('it passes once `Retry-After` is over, and so do as many at once as remain', async () => {
    await fc.assert(
      fc.asyncProperty(anyLimits, anyDelay, anyTraffic(1), async ({ limits, quota }, delay, traffic) => {
        await inVirtualTime({ limits, delays: [delay] }, async (isolates, time) => {
          await sendAll(isolates, time, sentBy(traffic));
          const flood = await Promise.all(Array.from({ length: quota + 20 }, () => isolates.send(0)));
          const refused = flood.findLast(({ passed }) => !passed);
          if (refused === undefined) return;
          await time.wait(Math.ceil(refused.retryAfterMs / 1_000) * 1_000);
          const { passed, remaining } = await isolates.send(0);
          expect(passed).toBe(true);
          const again = await Promise.all(Array.from({ length: remaining }, () => isolates.send(0)));
          expect(again.filter((answer) => !answer.passed)).toEqual([]);
        });
      }),
      { numRuns: scaled(150, 3_000), examples: known },
    );
  });

  it('no window holds more than the quota, whatever is lent, used and lost', async () => {
    const anyCrashes = fc.array(fc.integer({ min: 100, max: 8_000 }), { maxLength: 3 });
    const anyDelays = fc.array(anyDelay, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        anyLimits,
        anyDelays,
        anyTraffic(3),
        anyCrashes,
        async (limit, delays, traffic, crashes) => {
          const { limits, quota, windowMs } = limit;
          await inVirtualTime({ limits, delays }, async (isolates, time) => {
            const crashing = crashes.map((ms) => time.wait(ms).then(() => isolates.crash()));
            await Promise.all([...crashing, sendAll(isolates, time, sentBy(traffic))]);
            const passed = isolates.answers.filter((answer) => answer.passed);
            const moments = passed.map(({ cameAt, decidedAt }) => ({ from: cameAt, to: decidedAt }));
            expect(busiestFor(moments, windowMs)).toBeLessThanOrEqual(quota);
          });
        },
      ),
      { numRuns: scaled(150, 3_000) },
    );
  });
});
