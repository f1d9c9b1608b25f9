// What a request has spent once its answer is known, by the whole limit step: what then is left for the next.
import { describe, expect, it } from 'vitest';
import { COST_FIELD, configOf, type Visit, World } from '../../../bench/virtual/world.ts';
import { EPOCH } from '../policies.ts';
import { VirtualTime } from './virtual-time.ts';

const QUOTA = 10;
const LIMITS = `${QUOTA}/minute`;

const GOOD: Visit = { isolate: 0, subject: 'alice', takesMs: 100, status: 200 };

interface Result {
  /** Requests that pass after it, at once, before one is refused. */
  readonly left: number;
  readonly response: Response | undefined;
}

const afterOne = async (route: Readonly<Record<string, unknown>>, visit: Partial<Visit>): Promise<Result> => {
  const time = new VirtualTime(EPOCH);
  try {
    const setup = { config: configOf(LIMITS, route), isolates: 1, coloOf: () => 0, roundTripMs: () => 2 };
    const world = new World(time, setup);
    const play = async (): Promise<Result> => {
      const { response } = await world.send({ ...GOOD, ...visit });
      await time.wait(100);
      let left = 0;
      for (const spends = { ...GOOD, status: 401, cost: Number(route.cost ?? 1) }; left <= QUOTA; left++)
        if ((await world.send(spends)).passedAt === undefined) break;
      return { left, response };
    };
    return await time.run(play());
  } finally {
    time.end();
  }
};

const COUNT = { count: ['401', '5xx'] };
const TOLD = { cost_header: COST_FIELD };

describe('a request that has ended', () => {
  it.each<[string, Readonly<Record<string, unknown>>, Partial<Visit>, spent: number]>([
    ['with a status that counts', COUNT, { status: 401 }, 1],
    ['with one of a class that counts', COUNT, { status: 503 }, 1],
    ['with one that does not', COUNT, { status: 200 }, 0],
    ['at an origin that did not answer, though 5xx count', COUNT, { status: 502, unreachable: true }, 1],
    [
      'at one that did not answer, where nothing is said of statuses',
      TOLD,
      { status: 502, unreachable: true },
      0,
    ],
    ['and told that it cost less', { ...TOLD, cost: 5 }, { cost: 2 }, 2],
    ['and told that it cost nothing', TOLD, { cost: 0 }, 0],
    ['and told that it cost more', TOLD, { cost: 7 }, 7],
    ['and told nothing', { ...TOLD, cost: 5 }, {}, 5],
    ['and told that it cost more than there is', TOLD, { cost: 4_000 }, QUOTA],
    ['and told a cost where its status does not count', { ...COUNT, ...TOLD }, { cost: 4 }, 0],
    [
      'for a client that left before it would have come back',
      COUNT,
      { takesMs: 5_000, leavesAfterMs: 50 },
      1,
    ],
    [
      'for a client that left before it was told',
      { ...TOLD, cost: 3 },
      { takesMs: 5_000, leavesAfterMs: 50 },
      3,
    ],
  ])('%s has spent %#', async (_, route, visit, spent) => {
    const cost = Number(route.cost ?? 1);
    const { left } = await afterOne(route, visit);
    expect(left).toBe(Math.floor((QUOTA - spent) / cost));
  });

  it('does not tell the client what it cost', async () => {
    const { response } = await afterOne(TOLD, { cost: 3 });
    expect(response?.status).toBe(200);
    expect(response?.headers.has(COST_FIELD)).toBe(false);
  });
});
