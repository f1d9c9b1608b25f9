// Requests that meet several partitions at once, each by a key of its own, over several isolates' permits and real
// Limiters: never over any quota, and nothing lost where one of them denies or where less was spent than was taken.
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { parseLimits } from '../../src/config/notation.ts';
import type { Algorithm } from '../../src/limiter/algorithms/index.ts';
import { limiterName } from '../../src/partition.ts';
import type { Plan } from '../../src/quota/charge.ts';
import { Permits } from '../../src/quota/permits.ts';
import { configWith } from '../fixtures/config.ts';

const bindings = env as unknown as Bindings;

interface Request {
  readonly isolate: number;
  readonly user: number;
  readonly used: number;
  /** Milliseconds until its answer. */
  readonly answerMs: number;
  readonly pauseMs: number;
  readonly leaves: boolean;
}

const requests: fc.Arbitrary<Request[]> = fc.array(
  fc.record({
    isolate: fc.nat(2),
    user: fc.nat(4),
    used: fc.nat(3),
    answerMs: fc.nat(30),
    pauseMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(40) }),
    leaves: fc.nat(11).map((n) => n === 0),
  }),
  { minLength: 30, maxLength: 60 },
);

const planOf = (id: number, quota: number, algorithm: Algorithm, more: Partial<Plan>): Plan => ({
  id,
  kind: 'subject',
  key: { kind: 'subject' },
  policies: parseLimits(`${quota}/hour`, 'default', algorithm).policies,
  cost: 2,
  mode: 'enforce',
  own: true,
  leasable: algorithm !== 'gcra' && more.holdMs === undefined,
  byRate: [],
  ...more,
});

/** Sooner than a Limiter forgets a grant. */
const PROMPT_MS = 3_500;

const USER_QUOTA = 14;
const GROUP_QUOTA = 40;

/** Plays a schedule; says what was spent of each partition, once everything has come back. */
const play = async (schedule: readonly Request[], algorithm: Algorithm, settles: boolean) => {
  const held = settles ? { holdMs: 30_000 } : {};
  const users = planOf(0, USER_QUOTA, algorithm, held);
  const groups = planOf(1, GROUP_QUOTA, algorithm, { ...held, kind: 'org.id' });
  const isolates = [0, 1, 2].map(
    () => new Permits(configWith({}, { onLimiterError: 'closed', limiterTimeoutMs: 20_000 })),
  );
  const run = crypto.randomUUID();
  const spent = new Map<string, number>();
  const background: Promise<unknown>[] = [];

  const send = async ({ isolate, user, used, answerMs, leaves }: Request): Promise<void> => {
    const permits = isolates[isolate];
    if (permits === undefined) return;
    const leaving = new AbortController();
    const asker = {
      ...{ env: bindings, identity: undefined, signal: leaving.signal },
      waitUntil: (work: Promise<unknown>) => void background.push(work),
    };
    const partitions = [`user ${user} ${run}`, `group ${user % 2} ${run}`];
    const holdings = [users, groups].map((plan, i) => permits.holdingOf(plan, partitions[i] ?? ''));
    if (leaves) setTimeout(() => leaving.abort(), 1);
    const outcomes = await permits.use(asker, holdings, true);
    if (outcomes.some(({ allowed }) => !allowed)) {
      for (const outcome of outcomes) permits.undo(asker, outcome);
      return;
    }
    const real = settles ? used : 2;
    await scheduler.wait(answerMs);
    for (const partition of partitions) spent.set(partition, (spent.get(partition) ?? 0) + real);
    if (settles) for (const outcome of outcomes) permits.settle(asker, outcome, real);
  };

  const all: Promise<void>[] = [];
  for (const request of schedule) {
    all.push(send(request));
    if (request.pauseMs > 0) await scheduler.wait(request.pauseMs);
  }
  await Promise.all(all);
  for (let done = 0; done < background.length; ) {
    done = background.length;
    await Promise.all(background);
  }
  return spent;
};

const leftOf = async (partition: string): Promise<number | undefined> => {
  const { LIMITER } = bindings;
  const state = await LIMITER.get(LIMITER.idFromName(await limiterName(partition))).look();
  return state.policies[0]?.decision.remaining;
};

describe.each<Algorithm>(['sliding-window', 'gcra', 'fixed-window'])(
  'partitions by several keys, under %s',
  (algorithm) => {
    it.each([
      ['charged at once', false],
      ['settled after the answer', true],
    ])('hold at once, and nothing is lost where one denies, %s', async (_, settles) => {
      const began = Date.now();
      const schedules = fc.sample(requests, 3);
      const runs = await Promise.all(schedules.map((schedule) => play(schedule, algorithm, settles)));
      // A return that a busy machine delays for seconds finds its grant forgotten: what it would bring stays spent.
      const isPrompt = Date.now() - began < PROMPT_MS;
      for (const [partition, used] of runs.flatMap((spent) => [...spent])) {
        const quota = partition.startsWith('user') ? USER_QUOTA : GROUP_QUOTA;
        const left = await leftOf(partition);
        const paid = algorithm === 'gcra' ? 1 : 0;
        // What is under way may cost 1 more than it was charged, each.
        if (!settles) expect([partition, used <= quota]).toEqual([partition, true]);
        expect(left).toBeLessThanOrEqual(Math.max(0, quota - used) + paid);
        if (isPrompt) expect(left).toBeGreaterThanOrEqual(Math.max(0, quota - used));
      }
      expect(runs.some((spent) => [...spent.values()].some((used) => used >= USER_QUOTA - 2))).toBe(true);
    });
  },
);
