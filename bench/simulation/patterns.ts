// Arrivals: who asks when, and where.
import { type Random, zipf } from './random.ts';
import type { World } from './world.ts';

export interface Pattern {
  readonly name: string;
  readonly what: string;
  readonly limits: string;
  /** Puts every arrival of `ms` on the world's agenda. */
  schedule(world: World, random: Random, isolates: number, ms: number): void;
}

/** Independent arrivals at a mean rate. */
const poisson = (world: World, random: Random, perSecond: number, ms: number, arrive: () => void): void => {
  const start = world.agenda.now;
  for (let at = random.gapMs(perSecond); at < ms; at += random.gapMs(perSecond))
    world.agenda.add(start + at, arrive);
};

/** Most requests of a subject come in at one isolate, the others anywhere. */
const AT_HOME = 0.8;

const placeOf = (random: Random, subject: number, isolates: number): number =>
  random.unit() < AT_HOME ? subject % isolates : random.below(isolates);

/** No fraction of a window: bursts a window apart would meet the last one's permits just as they drain. */
const BURST_EVERY_MS = 23_000;

export const patterns: readonly Pattern[] = [
  {
    name: 'steady',
    what: '40 subjects, each at half its quota',
    limits: '600/minute',
    schedule: (world, random, isolates, ms) =>
      poisson(world, random, 40 * 5, ms, () => {
        const subject = random.below(40);
        world.request(subject, placeOf(random, subject, isolates));
      }),
  },
  {
    name: 'bursts',
    what: '40 subjects, each 80 at once every 23 s',
    limits: '100/minute',
    schedule: (world, random, isolates, ms) => {
      const start = world.agenda.now;
      for (let subject = 0; subject < 40; subject++)
        for (let burst = random.unit() * BURST_EVERY_MS; burst < ms; burst += BURST_EVERY_MS)
          for (let i = 0; i < 80; i++) {
            const at = start + burst + random.unit() * 500;
            world.agenda.add(at, () => world.request(subject, placeOf(random, subject, isolates)));
          }
    },
  },
  {
    name: 'hot',
    what: 'one subject, 1,000/s at one isolate',
    limits: '1000000/minute',
    schedule: (world, random, _isolates, ms) => poisson(world, random, 1_000, ms, () => world.request(0, 0)),
  },
  {
    name: 'spread',
    what: 'one subject, 1,000/s at all of them',
    limits: '1000000/minute',
    schedule: (world, random, isolates, ms) =>
      poisson(world, random, 1_000, ms, () => world.request(0, random.below(isolates))),
  },
  {
    name: 'flood',
    what: 'one spent subject, 1,000/s, far from its Limiter',
    limits: '100/hour',
    schedule: (world, random, _isolates, ms) => {
      world.request(0, 0);
      poisson(world, random, 1_000, ms, () => world.request(0, world.farthest));
    },
  },
  {
    name: 'spent',
    what: 'one subject at three times its quota',
    limits: '6000/minute',
    schedule: (world, random, isolates, ms) =>
      poisson(world, random, 300, ms, () => world.request(0, random.below(isolates))),
  },
  {
    name: 'zipf',
    what: '1,000,000 subjects by Zipf, 1,000/s',
    limits: '600/minute',
    schedule: (world, random, isolates, ms) => {
      const draw = zipf(random, 1_000_000, 1.1);
      poisson(world, random, 1_000, ms, () => {
        const subject = draw();
        world.request(subject, placeOf(random, subject, isolates));
      });
    },
  },
];
