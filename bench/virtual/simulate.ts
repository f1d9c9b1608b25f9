// Runs one pattern under virtual time, calm or with faults, and judges it.
import { VirtualTime } from '../../test/unit/isolates/virtual-time.ts';
import { seeded } from '../simulation/random.ts';
import { ideal, over } from './judge.ts';
import { type Pattern, patterns } from './patterns.ts';
import type { Options, Run } from './run.ts';
import { configOf, World } from './world.ts';

const JITTER_MS = 2;

/** A message of an isolate has arrived after so long. */
const NEWS_MS = 150;

export { patterns };

export const simulate = async (name: string, options: Options): Promise<Run> => {
  const pattern = patterns.find((each) => each.name === name);
  if (pattern === undefined) throw new Error(`no pattern is called ${name}`);
  const time = new VirtualTime(options.start);
  try {
    return await time.run(runOf(pattern, options, time));
  } finally {
    time.end();
  }
};

const runOf = async (pattern: Pattern, options: Options, time: VirtualTime): Promise<Run> => {
  const { isolates, colos, ms, seed, faults } = options;
  const world = new World(time, {
    config: configOf(pattern.limits, pattern.route, options.leases),
    isolates,
    coloOf: (isolate) => isolate % colos,
    roundTripMs: (isolate, colo) => options.roundTripMs(isolate % colos, colo),
    jitterMs: jitter(seed + 2),
  });
  const mishaps = faults ? fail(world, time, options) : undefined;
  await pattern.drive({ world, time, random: seeded(seed), isolates, ms });
  await mishaps;
  const { answers, calls, rows } = world;
  const passed = answers.filter(({ passedAt }) => passedAt !== undefined);
  return {
    requests: answers.length,
    overAdmitted: over(answers, pattern.judged, NEWS_MS),
    underAdmitted: 1 - passed.length / ideal(answers, pattern.judged),
    mostUnder: faults ? pattern.mostUnder.faults : pattern.mostUnder.calm,
    ...{ calls, rows },
    waits: passed.map(({ cameAt, passedAt = cameAt }) => passedAt - cameAt),
  };
};

const jitter = (seed: number): (() => number) => {
  const random = seeded(seed);
  return () => random.unit() * JITTER_MS;
};

/** A deploy halfway, and every 10 s a Limiter and an isolate lost. */
const fail = async (world: World, time: VirtualTime, { ms, isolates, seed }: Options): Promise<void> => {
  const random = seeded(seed + 1);
  const deploy = time.wait(ms / 2).then(() => world.deploy());
  for (let at = 5_500; at < ms; at += 10_000) {
    await time.wait(at === 5_500 ? at : 10_000);
    world.crashLimiter(random.below(1_000));
    world.loseIsolate(random.below(isolates));
  }
  await deploy;
};
