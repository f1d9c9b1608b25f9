// Traffic that meets limits by several keys, limits of which the answer tells the cost, and limits of requests in flight.
import type { VirtualTime } from '../../test/unit/isolates/virtual-time.ts';
import type { Random } from '../simulation/random.ts';
import type { Limits, Quota } from './judge.ts';
import type { Named } from './run.ts';
import type { Visit, World } from './world.ts';

export interface Pattern extends Named {
  /** What the one route has beside `LIMITS`. */
  readonly route?: Readonly<Record<string, unknown>>;
  /** The same limits, as the judge reads them. */
  readonly judged: Limits;
  /**
   * So much of what an all-knowing counter would have passed may be refused, calm and with faults; a share. A deploy breaks off what
   * is in flight. What its requests held stays spent for a window, and a permit is a third of what a login has; their slots
   * come back within half a minute, a third of a run. Where costs differ, another order lets other requests pass.
   */
  readonly mostUnder: { readonly calm: number; readonly faults: number };
  /** Sends its requests for `ms`, and comes back when the last is answered. */
  drive(stage: Stage): Promise<void>;
}

export interface Stage {
  readonly world: World;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly isolates: number;
  readonly ms: number;
}

const MINUTE = 60_000;

const bySubject = (quota: number, windowMs = MINUTE): Quota => ({
  quota,
  windowMs,
  partition: ({ subject }) => `subject ${subject}`,
});

const byOrganisation = (quota: number, windowMs = MINUTE): Quota => ({
  quota,
  windowMs,
  partition: ({ claims }) => `org ${claims?.['org.id']}`,
});

/** Most requests of a subject come in at one isolate, the others anywhere. */
const AT_HOME = 0.8;

const placeOf = (random: Random, subject: string, isolates: number): number =>
  random.unit() < AT_HOME ? Number(subject.replace('.', '')) % isolates : random.below(isolates);

/** Independent arrivals at a mean rate, whatever becomes of them. */
const poisson = async (
  { world, time, random, isolates, ms }: Stage,
  perSecond: number,
  visitOf: () => Omit<Visit, 'isolate'>,
): Promise<void> => {
  const answers: Promise<unknown>[] = [];
  const end = time.now + ms;
  for (let gap = random.gapMs(perSecond); time.now + gap < end; gap = random.gapMs(perSecond)) {
    await time.wait(gap);
    const visit = visitOf();
    answers.push(world.send({ ...visit, isolate: placeOf(random, visit.subject, isolates) }));
  }
  await Promise.all(answers);
};

/** So many callers, each of which sends its next request when it has seen the last one end. */
const inTurn = async (
  { world, time, random, isolates, ms }: Stage,
  callers: number,
  visitOf: () => Omit<Visit, 'isolate'>,
): Promise<void> => {
  const end = time.now + ms;
  const call = async (): Promise<void> => {
    await time.wait(random.unit() * 1_000);
    while (time.now < end) {
      const { response } = await world.send({ ...visitOf(), isolate: random.below(isolates) });
      if (!response?.ok) await time.wait(1_000);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
};

/** @param hot share of the requests that are the first user's. */
const ofOrganisation = (random: Random, organisations: number, users: number, hot = 0) => {
  const org = random.below(organisations);
  const user = random.unit() < hot ? 0 : random.below(users);
  return {
    subject: `${org}.${user}`,
    claims: { 'org.id': String(org) },
    ...{ takesMs: 20, status: 200 },
  };
};

export const patterns: readonly Pattern[] = [
  {
    name: 'keys',
    what: 'two organisations at twice their quota, half of it by one user',
    limits: '100/minute; 300/minute by org.id',
    judged: { quotas: [bySubject(100), byOrganisation(300)] },
    mostUnder: { calm: 0.005, faults: 0.015 },
    drive: (stage) => poisson(stage, 20, () => ofOrganisation(stage.random, 2, 10, 0.5)),
  },
  {
    name: 'keys-kept',
    what: 'five organisations of five users, all below their quotas',
    limits: '100/minute; 300/minute by org.id',
    judged: { quotas: [bySubject(100), byOrganisation(300)] },
    mostUnder: { calm: 0, faults: 0.01 },
    drive: (stage) => poisson(stage, 15, () => ofOrganisation(stage.random, 5, 5)),
  },
  {
    name: 'logins',
    what: '50 callers, of whose logins one in ten is wrong',
    limits: '3/minute',
    route: { count: ['401'] },
    judged: { quotas: [bySubject(3)], spent: ({ status }) => (status === 401 ? 1 : 0) },
    mostUnder: { calm: 0.01, faults: 0.2 },
    drive: (stage) =>
      poisson(stage, 20, () => ({
        subject: String(stage.random.below(50)),
        takesMs: 50 + stage.random.unit() * 200,
        status: stage.random.unit() < 0.1 ? 401 : 200,
      })),
  },
  {
    name: 'told-cost',
    what: '20 callers of a model, 1 to 5,000 tokens an answer',
    limits: '20000/minute',
    route: { cost_header: 'Cost' },
    judged: { quotas: [bySubject(20_000)], spent: ({ cost = 1 }) => cost },
    mostUnder: { calm: 0.025, faults: 0.03 },
    drive: (stage) =>
      poisson(stage, 5, () => ({
        subject: String(stage.random.below(20)),
        takesMs: 200 + stage.random.unit() * 800,
        status: 200,
        cost: 1 + stage.random.below(5_000),
      })),
  },
  {
    name: 'at-once-kept',
    what: 'five callers of one organisation, one request at a time each',
    limits: '5 at once by org.id',
    judged: { quotas: [], atOnce: { slots: 5, partition: ({ claims }) => `org ${claims?.['org.id']}` } },
    mostUnder: { calm: 0, faults: 0.4 },
    drive: (stage) =>
      inTurn(stage, 5, () => ({
        ...ofOrganisation(stage.random, 1, 5),
        takesMs: 200 + stage.random.unit() * 2_000,
      })),
  },
  {
    name: 'at-once',
    what: 'requests of 5 s, twice as many as may be in flight',
    limits: '5 at once by org.id',
    judged: { quotas: [], atOnce: { slots: 5, partition: ({ claims }) => `org ${claims?.['org.id']}` } },
    mostUnder: { calm: 0.08, faults: 0.4 },
    drive: (stage) => poisson(stage, 2, () => ({ ...ofOrganisation(stage.random, 1, 10), takesMs: 5_000 })),
  },
];
