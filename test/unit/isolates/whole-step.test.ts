// The whole limit step at several isolates: limits by several keys, limits of which the answer tells the cost, and limits of requests
// in flight, each against one counter that knows all. Never over, whatever is lost; nobody refused who keeps to them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ideal, type Limits, over } from '../../../bench/virtual/judge.ts';
import { type Answer, configOf, type Visit, World } from '../../../bench/virtual/world.ts';
import { SOAK_TIMEOUT_MS, scaled } from '../../fixtures/scale.ts';
import { EPOCH } from '../policies.ts';
import { VirtualTime } from './virtual-time.ts';

const ISOLATES = 3;

/** A round trip to the Limiter, milliseconds. */
const LONGEST_TRIP_MS = 120;

/** A request's message has arrived after so long, and a request without others in its way is decided. */
const NEWS_MS = LONGEST_TRIP_MS;
const DECIDED_MS = 4 * LONGEST_TRIP_MS;

interface Kind {
  readonly limits: string;
  readonly route?: Readonly<Record<string, unknown>>;
  readonly judged: Limits;
  /** Whether a request comes to limits that those before it leave room in, in whatever order near ones are decided. */
  readonly keeps: (before: readonly Coming[], one: Coming) => boolean;
}

type Coming = Pick<Answer, 'visit' | 'cameAt'>;

const bySubject = ({ subject }: Visit): string => `subject ${subject}`;
const byOrganisation = ({ claims }: Visit): string => `org ${claims?.['org.id']}`;

/** A window that is lent by rate, and one that is lent by number. */
const anyWindow = fc.constantFrom(
  { written: '3 seconds', windowMs: 3_000 },
  { written: 'minute', windowMs: 60_000 },
);

const byKeys: fc.Arbitrary<Kind> = fc
  .record({ window: anyWindow, own: fc.integer({ min: 1, max: 6 }), shared: fc.integer({ min: 1, max: 12 }) })
  .map(({ window: { written, windowMs }, own, shared }) => {
    const judged = (moreMs: number): Limits => ({
      quotas: [
        { quota: own, windowMs: windowMs + moreMs, partition: bySubject },
        { quota: shared, windowMs: windowMs + moreMs, partition: byOrganisation },
      ],
    });
    return {
      limits: `${own}/${written}; ${shared}/${written} by org.id`,
      judged: judged(0),
      keeps: (before, one) => ideal([...before, one], judged(DECIDED_MS)) > before.length,
    };
  });

/** Whoever waits for what others may give back is decided by then. */
const WAITED_MS = 25_000;

const byTold = (route: NonNullable<Kind['route']>, spent: NonNullable<Limits['spent']>): fc.Arbitrary<Kind> =>
  fc
    .record({ window: anyWindow, quota: fc.integer({ min: 1, max: 6 }) })
    .map(({ window: { written, windowMs }, quota }) => ({
      limits: `${quota}/${written} by org.id`,
      route,
      judged: { quotas: [{ quota, windowMs, partition: byOrganisation }], spent },
      keeps(before, one) {
        const near = [...before, one].filter(
          ({ visit, cameAt }) =>
            byOrganisation(visit) === byOrganisation(one.visit) && cameAt > one.cameAt - windowMs - WAITED_MS,
        );
        const sum = (of: (visit: Visit) => number) => near.reduce((all, { visit }) => all + of(visit), 0);
        return sum(spent) < quota && sum(({ takesMs }) => takesMs + DECIDED_MS) < WAITED_MS;
      },
    }));

const byStatus = byTold({ count: ['401'] }, ({ status }) => (status === 401 ? 1 : 0));
const byCost = byTold({ cost_header: 'Cost' }, ({ cost = 1 }) => cost);

const atOnce: fc.Arbitrary<Kind> = fc.integer({ min: 1, max: 4 }).map((slots) => {
  const judged: Limits = { quotas: [], atOnce: { slots, partition: byOrganisation, patienceMs: 0 } };
  const longer = ({ visit, cameAt }: Coming): Coming => ({
    cameAt,
    visit: { ...visit, takesMs: visit.takesMs + DECIDED_MS },
  });
  return {
    limits: `${slots} at once by org.id`,
    judged,
    keeps: (before, one) => ideal([...before, one].map(longer), judged) > before.length,
  };
});

const anyVisit = fc
  .record({
    gapMs: fc.oneof(fc.constant(0), fc.nat(400), fc.nat(4_000)),
    isolate: fc.nat(ISOLATES - 1),
    user: fc.nat(2),
    org: fc.nat(1),
    takesMs: fc.oneof(fc.nat(50), fc.nat(2_500)),
    status: fc.constantFrom(200, 401),
    cost: fc.oneof(fc.nat(3), fc.nat(20)),
    leavesAfterMs: fc.option(fc.nat(2_500), { nil: undefined, freq: 5 }),
  })
  .map(({ gapMs, user, org, ...visit }) => ({
    gapMs,
    visit: { ...visit, subject: `${org}.${user}`, claims: { 'org.id': String(org) } },
  }));

const anyTraffic = fc.array(anyVisit, { minLength: 1, maxLength: 40 });
type Traffic = readonly { readonly gapMs: number; readonly visit: Visit }[];

const anyTrips = fc.array(fc.constantFrom(0, 4, 40, LONGEST_TRIP_MS), {
  minLength: ISOLATES,
  maxLength: ISOLATES,
});

const anyMishaps = fc.array(
  fc.record({
    afterMs: fc.nat(8_000),
    kind: fc.constantFrom<'limiter' | 'isolate' | 'network'>('limiter', 'isolate'),
    which: fc.nat(5),
  }),
  { maxLength: 4 },
);
type Mishaps = typeof anyMishaps extends fc.Arbitrary<infer T> ? T : never;

const answersTo = async (
  { limits, route }: Kind,
  trips: readonly number[],
  traffic: Traffic,
  mishaps: Mishaps = [],
): Promise<readonly Answer[]> => {
  const time = new VirtualTime(EPOCH);
  try {
    const world = new World(time, {
      config: configOf(limits, route),
      isolates: ISOLATES,
      coloOf: () => 0,
      roundTripMs: (isolate) => trips[isolate] ?? 0,
    });
    const fail = async () => {
      for (const { afterMs, kind, which } of mishaps) {
        await time.wait(afterMs);
        if (kind === 'limiter') world.crashLimiter(which);
        else if (kind === 'network') world.silence(which * 1_000);
        else world.loseIsolate(which);
      }
    };
    const send = async () => {
      const answers: Promise<Answer>[] = [];
      for (const { gapMs, visit } of traffic) {
        await time.wait(gapMs);
        answers.push(world.send(visit));
      }
      await Promise.all(answers);
    };
    await time.run(Promise.all([send(), fail()]));
    return world.answers;
  } finally {
    time.end();
  }
};

describe.each([
  ['limits by several keys', byKeys],
  ['statuses that count', byStatus],
  ['costs that answers tell', byCost],
  ['requests in flight', atOnce],
])('%s', { timeout: SOAK_TIMEOUT_MS }, (_, anyKind) => {
  it('are never exceeded, whatever is lost and whoever leaves', async () => {
    await fc.assert(
      fc.asyncProperty(anyKind, anyTrips, anyTraffic, anyMishaps, async (kind, trips, traffic, mishaps) => {
        const answers = await answersTo(kind, trips, traffic, mishaps);
        expect(over(answers, kind.judged, NEWS_MS)).toBe(0);
      }),
      { numRuns: scaled(60, 2_000) },
    );
  });

  it('refuse nobody who keeps to them', async () => {
    let kept = 0;
    await fc.assert(
      fc.asyncProperty(anyKind, anyTrips, anyTraffic, async (kind, trips, traffic) => {
        const few = keepingTo(kind, traffic.map(staying));
        kept += few.length;
        const answers = await answersTo(kind, trips, few);
        expect(answers.filter(({ passedAt }) => passedAt === undefined)).toEqual([]);
      }),
      { numRuns: scaled(60, 2_000) },
    );
    expect(kept).toBeGreaterThan(30);
  });
});

const slow = (takesMs: number): Visit => ({
  ...{ isolate: 0, subject: '0', claims: { 'org.id': '0' }, status: 200 },
  takesMs,
});

it.each([
  // It is asked first whether its subject is revoked.
  ['for a slot', '1 at once by org.id', 1.5 * LONGEST_TRIP_MS],
  ['for a permit', '1/minute by org.id', 0.5 * LONGEST_TRIP_MS],
])(
  'a request whose client leaves while it waits %s does not go on, and the next does',
  async (_, limits, leavesAfterMs) => {
    const visit = slow(5_000);
    const traffic = [
      { gapMs: 0, visit: { ...visit, leavesAfterMs } },
      { gapMs: 1_000, visit },
    ];
    const kind: Kind = { limits, judged: { quotas: [] }, keeps: () => true };
    const answers = await answersTo(kind, [LONGEST_TRIP_MS, 0, 0], traffic);
    expect(answers.map(({ passedAt }) => passedAt !== undefined)).toEqual([false, true]);
  },
);

it.each<[string, Traffic, Mishaps, passed: boolean[]]>([
  [
    'is kept for as long as its request takes',
    [
      { gapMs: 0, visit: slow(60_000) },
      { gapMs: 40_000, visit: slow(100) },
      { gapMs: 25_000, visit: slow(100) },
    ],
    [],
    [true, false, true],
  ],
  [
    'that the Limiter lends beside one of the failure policy goes back at once',
    [
      { gapMs: 0, visit: slow(2_500) },
      { gapMs: 1_600, visit: slow(100) },
      { gapMs: 1_400, visit: slow(100) },
    ],
    [{ afterMs: 0, kind: 'network', which: 1 }],
    [true, false, true],
  ],
])('a slot %s', async (_, traffic, mishaps, passed) => {
  const kind: Kind = { limits: '1 at once by org.id', judged: { quotas: [] }, keeps: () => true };
  const answers = await answersTo(kind, [40, 0, 0], traffic, mishaps);
  expect(answers.map(({ passedAt }) => passedAt !== undefined)).toEqual(passed);
});

it('a request that one limit denies spends nothing of another', async () => {
  const from = (subject: string, org: string, isolate: number) => ({
    gapMs: 1_000,
    visit: { isolate, subject, claims: { 'org.id': org }, takesMs: 10, status: 200 },
  });
  const limits = '2/minute; 1/minute by org.id';
  const traffic = [
    from('b', '0', 0),
    from('a', '0', 1),
    from('a', '0', 2),
    from('a', '1', 0),
    from('a', '2', 1),
  ];
  const answers = await answersTo(
    { limits, judged: { quotas: [] }, keeps: () => true },
    [40, 40, 40],
    traffic,
  );
  expect(answers.map(({ passedAt }) => passedAt !== undefined)).toEqual([true, false, false, true, true]);
});

it(
  'while its Limiter fails now and then, an isolate has no more requests in flight than there are slots',
  async () => {
    const anyOutages = fc.array(
      fc.record({
        afterMs: fc.nat(3_000),
        kind: fc.constant('network' as const),
        which: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const anySlow = fc.record({ gapMs: fc.nat(500), takesMs: fc.integer({ min: 500, max: 2_500 }) });
    const slowTraffic = fc.array(
      anySlow.map(({ gapMs, takesMs }) => ({
        gapMs,
        visit: { ...{ isolate: 0, subject: '0', claims: { 'org.id': '0' }, status: 200 }, takesMs },
      })),
      { minLength: 5, maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(atOnce, anyTrips, slowTraffic, anyOutages, async (kind, trips, traffic, outages) => {
        const answers = await answersTo(kind, trips, traffic, outages);
        expect(over(answers, kind.judged, NEWS_MS)).toBe(0);
      }),
      { numRuns: scaled(60, 2_000) },
    );
  },
  SOAK_TIMEOUT_MS,
);

const staying = ({ gapMs, visit }: Traffic[number]): Traffic[number] => ({
  gapMs,
  visit: { ...visit, leavesAfterMs: undefined },
});

/** Those of the requests that keep to the limits, each at its own time. */
const keepingTo = ({ keeps }: Kind, traffic: Traffic): Traffic => {
  let at = EPOCH;
  let gapMs = 0;
  const taken: Coming[] = [];
  return traffic.flatMap((each) => {
    at += each.gapMs;
    gapMs += each.gapMs;
    const one = { cameAt: at, visit: each.visit };
    if (!keeps(taken, one)) return [];
    taken.push(one);
    const waited = gapMs;
    gapMs = 0;
    return [{ ...each, gapMs: waited }];
  });
};
