// Where the explorer begins, and what may happen from there.
import type { Event } from './explore.ts';
import { type Answered, isToldLater, type Message, type Setup, type Visit, type World } from './world.ts';

/** What came before the first event. */
export interface Start extends Setup {
  readonly name: string;
  /** How long a wait is, milliseconds, and a pause: time enough for what is lent or reserved to be over. */
  readonly waitMs: number;
  readonly pauseMs: number;
  readonly before: (world: World) => Promise<void>;
  /** So much is under way that little else may happen. Absent: it is not. */
  readonly isLarge?: boolean;
}

/** The isolates that the explorer plays. */
const PLAYED = [0, 1];

/** What may happen in a world. */
export const eventsOf = (world: World, { waitMs, pauseMs }: Start): readonly Event<World>[] => [
  // Cold isolates are alike: the first request comes to the first of them.
  ...PLAYED.slice(0, world.visits.length === 0 ? 1 : 2).map(request),
  ...PLAYED.flatMap((isolate) => cancel(world.visits.find(isOpenAt(isolate)))),
  ...world.asks.map(arrival),
  ...world.answers.map(answer),
  ...world.returns.map(returned),
  wait('wait', waitMs),
  wait('pause', pauseMs),
  ...world.limiters.map(({ name }, i) => crash(name, i)),
  lose(0),
  ...world.returns.map(returnedTwice),
  ...world.visits.filter((visit) => world.isBusy(visit)).map(killed),
  ...world.limiters.map(({ name }, i) => setBack(name, i)),
  ...world.visits.filter(isToldLater).flatMap((visit) => [0, 3].map((used) => tellCost(visit, used))),
];

const request = (isolate: number): Event<World> => ({
  name: `request at ${isolate}`,
  kind: 'request',
  party: `isolate ${isolate}`,
  play: async (world) => void (await world.request(isolate)),
});

const isOpenAt =
  (isolate: number) =>
  (visit: Visit): boolean =>
    visit.isolate === isolate && visit.state === 'open';

const cancel = (visit: Visit | undefined): Event<World>[] =>
  visit === undefined
    ? []
    : [
        {
          name: `cancelled at ${visit.isolate}`,
          kind: 'cancel',
          party: `isolate ${visit.isolate}`,
          play: (world) => cancelFirst(world, visit.isolate),
        },
      ];

const cancelFirst = async (world: World, isolate: number): Promise<void> => {
  const visit = world.visits.find(isOpenAt(isolate));
  if (visit !== undefined) await world.cancel(visit);
};

const arrival = ({ name, limiter }: Message): Event<World> => ({
  name: `ask ${name}`,
  kind: 'message',
  party: limiter,
  play: (world) => world.deliverAsk(name),
});

const answer = ({ name, isolate }: Answered): Event<World> => ({
  name: `answer ${name}`,
  kind: 'message',
  party: `isolate ${isolate}`,
  play: (world) => world.deliverAnswer(name),
});

const returned = ({ name, limiter }: Message): Event<World> => ({
  name: `return ${name}`,
  kind: 'message',
  party: limiter,
  play: (world) => world.deliverReturn(name),
});

const returnedTwice = ({ name, limiter }: Message): Event<World> => ({
  name: `return ${name}, which comes again`,
  kind: 'fault',
  party: limiter,
  play: (world) => world.deliverReturn(name, true),
});

const wait = (kind: 'wait' | 'pause', ms: number): Event<World> => ({
  name: `${ms} ms`,
  kind,
  ms,
  play: (world) => world.time.pass(ms),
});

const crash = (limiter: string, i: number): Event<World> => ({
  name: `crash of Limiter ${i}`,
  kind: 'fault',
  party: limiter,
  play(world) {
    const crashing = world.limiters.find(({ name }) => name === limiter);
    if (crashing !== undefined) world.crash(crashing);
  },
});

const lose = (isolate: number): Event<World> => ({
  name: `loss of isolate ${isolate}`,
  kind: 'fault',
  party: `isolate ${isolate}`,
  play: (world) => world.lose(isolate),
});

const killed = ({ name, isolate }: Visit): Event<World> => ({
  name: `request ${name} killed`,
  kind: 'fault',
  party: `isolate ${isolate}`,
  play(world) {
    const visit = world.visits.find((other) => other.name === name);
    if (visit !== undefined) world.kill(visit);
  },
});

/** A moment, as between two machines that an object moves between. */
const SET_BACK_MS = 10;

const setBack = (limiter: string, i: number): Event<World> => ({
  name: `clock of Limiter ${i} set back`,
  kind: 'fault',
  party: limiter,
  play(world) {
    const moved = world.limiters.find(({ name }) => name === limiter);
    if (moved !== undefined) moved.skew -= SET_BACK_MS;
  },
});

const tellCost = ({ name, isolate }: Visit, used: number): Event<World> => ({
  name: `request ${name} cost ${used}`,
  kind: 'cancel',
  party: `isolate ${isolate}`,
  async play(world) {
    const visit = world.visits.find((other) => other.name === name);
    if (visit !== undefined) await world.settle(visit, used);
  },
});

/** Six requests in a row at isolate 0, so that it is hot and something is lent to it. */
const heat = async (world: World): Promise<void> => {
  for (let i = 0; i < 6; i++) {
    await world.send(0);
    await world.time.pass(100);
  }
};

/** The same at both isolates. */
const heatBoth = async (world: World): Promise<void> => {
  for (let i = 0; i < 14; i++) {
    await world.send(i % 2);
    await world.time.pass(50);
  }
};

/** Requests in a row for so long, at isolate 0. */
const busy =
  (gapMs: number, times: number) =>
  async (world: World): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await world.send(0);
      await world.time.pass(gapMs);
      await world.deliverAll();
    }
  };

/** Grants close together, so that there is a reserve. */
const warm = async (world: World): Promise<void> => {
  for (let i = 0; i < 6; i++) await world.send(i % 2);
};

const beforeTheEnd =
  (ms: number, then: (world: World) => Promise<void>) =>
  async (world: World): Promise<void> => {
    await world.time.pass(60_000 - ms);
    await then(world);
  };

const cold = async (): Promise<void> => {};

/** Requests until one is denied, and time until the first has nearly drained. */
const spend = async (world: World): Promise<void> => {
  while ((await world.send(0)).state === 'passed');
  await world.time.pass(60_000);
};

const USUAL = { waitMs: 400, pauseMs: 10_100, before: cold };

/** While a reserve lasts, and after it. */
const RESERVED = { waitMs: 9_500, pauseMs: 10_100, before: warm };

/** A lease's life and more. */
const HOT = { waitMs: 1_300, pauseMs: 2_100, before: heat };

/** Of windows too short to lend by number. */
const SHORT = { waitMs: 300, pauseMs: 2_100 };

export const STARTS: readonly Start[] = [
  { ...USUAL, name: 'cold, 2 left', limits: '2/minute' },
  { ...USUAL, name: 'spent', limits: '2/minute', before: spend },
  {
    ...USUAL,
    name: 'a fixed window that has just begun',
    limits: '3/hour',
    algorithm: 'fixed-window',
    async before(world) {
      await world.time.pass(5);
      await world.send(0);
    },
  },
  { ...USUAL, name: 'cold, gcra', limits: '2/second', algorithm: 'gcra', waitMs: 600 },
  { ...USUAL, name: 'cold, 1 left beside 2 of an hour', limits: '1/minute; 2/hour' },
  { ...USUAL, name: 'requests that cost more than the quota', limits: '2/minute', cost: 3 },
  { ...RESERVED, name: 'with a reserve', limits: '30/minute' },
  { ...RESERVED, name: 'with a reserve, gcra', limits: '40/second', algorithm: 'gcra' },
  {
    ...USUAL,
    name: 'with a reserve, a fixed window about to end',
    limits: '30/minute',
    algorithm: 'fixed-window',
    before: beforeTheEnd(5, warm),
  },
  { ...HOT, name: 'hot, with permits lent', limits: '30/minute' },
  { ...HOT, name: 'hot at both isolates', isLarge: true, limits: '100/minute', before: heatBoth },
  {
    ...HOT,
    name: 'hot, a fixed window about to end',
    limits: '30/minute',
    algorithm: 'fixed-window',
    before: beforeTheEnd(650, heat),
  },
  { ...USUAL, name: 'told later, 1 left', limits: '1/minute', told: true },
  { ...USUAL, name: 'told later, gcra', limits: '2/second', algorithm: 'gcra', told: true, waitMs: 600 },
  { ...SHORT, name: 'a share of a short window', limits: '6/second', before: busy(220, 8) },
  {
    ...SHORT,
    name: 'a share beside an hour',
    isLarge: true,
    limits: '6/second; 1000/hour',
    before: busy(220, 8),
  },
  { ...USUAL, name: 'cold, two partitions', isLarge: true, limits: '1/minute', ipLimits: '2/minute' },
  { ...HOT, name: 'hot, two partitions', isLarge: true, limits: '30/minute', ipLimits: '40/minute' },
];
