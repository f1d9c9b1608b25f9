// Every state that two isolates and their Limiters can get into under small quotas, within bounds: every interleaving of
// request, ask, answer, cancellation, return, expiry, denial, crash and loss. Chance seldom meets the worst of these.
import { describe, expect, it } from 'vitest';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../../fixtures/scale.ts';
import { type Bounds, explore, KINDS, type Realm, type Spent } from './explore.ts';
import { judgeCalm, judgeOver, judgeRest } from './judge.ts';
import { eventsOf, STARTS, type Start } from './starts.ts';
import { stageOf, World } from './world.ts';

const judge = async (world: World, spent: Spent): Promise<void> => {
  await world.finish();
  judgeOver(world);
  // What is under way for as long as a pause is given up.
  const isCalm = spent.fault + spent.pause === 0;
  if (isCalm) judgeCalm(world);
  await judgeRest(world, isCalm);
};

const realmOf = (start: Start, bounds: Bounds): Realm<World> => {
  const stage = stageOf(start);
  return {
    bounds,
    async begin() {
      const world = new World(stage);
      await start.before(world);
      return world;
    },
    events: (world) => eventsOf(world, start),
    judge,
    end: (world) => world.end(),
  };
};

const NONE: Bounds = { request: 0, cancel: 0, wait: 0, pause: 0, fault: 0 };

/** Of each start these are explored, as far as the time of `npm test` goes, or that of a soak. */
const boundsOf = ({ isLarge = false, told = false }: Start): readonly Bounds[] => {
  if (isLarge)
    return [
      { ...NONE, request: 2, cancel: scaled(0, 1) },
      { ...NONE, request: scaled(0, 1), wait: 1, fault: 1 },
    ];
  const late: Bounds = { ...NONE, request: scaled(1, 2), cancel: 1, wait: 1 };
  const lost: Bounds = { ...NONE, request: scaled(1, 2), cancel: 1, fault: 1 };
  return [
    { ...NONE, request: 2, cancel: 1, wait: scaled(0, 1) },
    { ...NONE, request: 1, wait: 1, pause: scaled(0, 1), fault: 1 },
    ...(told ? [late] : []),
    ...(told || scaled(0, 1) === 1 ? [lost] : []),
  ];
};

const told = (bounds: Bounds): string =>
  KINDS.filter((kind) => bounds[kind] > 0)
    .map((kind) => `${bounds[kind]} ${kind}`)
    .join(', ');

const cases = STARTS.flatMap((start) =>
  boundsOf(start).map((bounds) => ({ start, bounds, name: start.name, within: told(bounds) })),
);

describe('in every state nobody passes too many, is refused wrongly or told to wait in vain:', () => {
  it.each(cases)(
    '$name, within $within',
    { timeout: SOAK_TIMEOUT_MS },
    async ({ start, bounds, name, within }) => {
      const states = await explore(realmOf(start, bounds));
      tell(`${states} states, all within ${within}: ${name}`);
      expect(states).toBeGreaterThan(1);
    },
  );
});
