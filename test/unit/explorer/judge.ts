// What an all-knowing counter says of a world: too many passed, somebody was wrongly refused, something was lost, or
// `Retry-After` was not true.
import type { Policy } from '../../../src/limiter/policy.ts';
import { costUnder, type Use, type Visit, type World } from './world.ts';

/** A lease's life, a return's way and an ask's: so long after a window something may count still. */
const LATE_MS = 1_100;

/** Nothing is lent ahead to a caller who has only just come. */
const HOT_AFTER_MS = 500;

/** A window is counted in slices. */
const sliceMs = ({ windowMs }: Policy): number => windowMs / 256 + 1;

const windowOf = (at: number, { windowMs }: Policy): number => Math.floor(at / windowMs);

const permitsIn = (uses: readonly Use[]): number => uses.reduce((sum, { permits }) => sum + permits, 0);

const usesOf = (world: World, { counter }: Policy): readonly Use[] => world.uses.get(counter) ?? [];

/** Whether more had been spent than the quota when something passed. */
const isOver = (world: World, policy: Policy): boolean => {
  const uses = usesOf(world, policy);
  return uses.some((last) => {
    // A debt is known to the Limiter only once it is told.
    const known = uses.filter(({ at, isDebt }) => (isDebt ? at < last.at : at <= last.at));
    return !last.isDebt && last.permits > 0 && isTooMany(known, last.at, policy);
  });
};

const isTooMany = (uses: readonly Use[], at: number, policy: Policy): boolean => {
  const { algorithm, quota, windowMs } = policy;
  if (algorithm === 'fixed-window')
    return permitsIn(uses.filter((use) => windowOf(use.at, policy) === windowOf(at, policy))) > quota;
  if (algorithm === 'sliding-window') return permitsIn(uses.filter((use) => use.at > at - windowMs)) > quota;
  // A burst of the quota, and one permit more for every emission interval.
  return uses.some(({ at: from }) => {
    const passed = permitsIn(uses.filter((use) => use.at >= from));
    return passed > quota + Math.floor(((at - from) * quota) / windowMs);
  });
};

export const judgeOver = (world: World): void => {
  for (const policy of world.policies) if (isOver(world, policy)) throw new Error(`over ${policy.name}`);
};

/** Spent from so far back that it may count at a time still, and ever since. */
const spentAround = (world: World, at: number, policy: Policy): number => {
  const uses = usesOf(world, policy);
  if (policy.algorithm === 'fixed-window')
    return permitsIn(uses.filter((use) => windowOf(use.at, policy) === windowOf(at, policy)));
  return permitsIn(uses.filter((use) => use.at > at - policy.windowMs - sliceMs(policy) - LATE_MS));
};

const costOf = (world: World, policy: Policy): number => costUnder(policy, world.cost);

/** Who came while a place was taken may have been refused, even if whoever had it leaves then. */
const isWronglyRefused = (world: World, { decidedAt }: Visit, left: number): boolean =>
  world.policies.every((policy) => {
    const cost = costOf(world, policy);
    return spentAround(world, decidedAt, policy) + (left + 1) * cost <= policy.quota;
  });

/** When a request can pass after `at` if nobody spends more. */
const freeAt = (world: World, at: number, policy: Policy): number => {
  const { quota, windowMs, algorithm } = policy;
  const uses = usesOf(world, policy);
  const room = quota - costOf(world, policy);
  if (algorithm === 'fixed-window')
    return spentAround(world, at, policy) <= room ? at : (windowOf(at, policy) + 1) * windowMs;
  const ends = uses.map((use) => use.at + windowMs).filter((end) => end > at);
  const isFree = (then: number) => permitsIn(uses.filter((use) => use.at > then - windowMs)) <= room;
  return [at, ...ends.toSorted((a, b) => a - b)].find(isFree) ?? at;
};

/** Nobody was refused who need not be, nothing was lost, and nobody was told to wait for longer than it takes. */
export const judgeCalm = (world: World): void => {
  const left = world.visits.filter(({ state }) => state === 'gone' || state === 'failed').length;
  for (const visit of world.visits.filter(({ state }) => state === 'denied')) {
    if (isWronglyRefused(world, visit, left)) throw new Error(`request ${visit.name} wrongly refused`);
    if (left === 0) judgeWait(world, visit);
  }
  if (world.visits.some(({ state }) => state === 'open')) throw new Error('never decided');
  if (world.visits.every(({ state }) => state !== 'failed'))
    for (const policy of world.policies) judgeLoss(world, policy);
  if (world.soonestLent < HOT_AFTER_MS) throw new Error(`lent ahead after ${world.soonestLent} ms`);
  if (world.mostLent > 0.1) throw new Error(`${world.mostLent} of what remains is lent`);
};

const judgeWait = (world: World, { name, decidedAt, retryAfterMs }: Visit): void => {
  const slack = Math.max(...world.policies.map(sliceMs)) + LATE_MS;
  const free = Math.max(...world.policies.map((policy) => freeAt(world, decidedAt, policy)));
  if (decidedAt + retryAfterMs > free + slack)
    throw new Error(`request ${name} told to wait ${retryAfterMs} ms, not ${free - decidedAt}`);
};

/** Under gcra a permit that comes back late stays spent, and so does under all what a Limiter was too late with. */
const judgeLoss = (world: World, policy: Policy): void => {
  if (policy.algorithm === 'gcra') return;
  const lost = policy.quota - spentAround(world, world.now, policy) - world.left(policy);
  if (lost > 0) throw new Error(`${lost} lost of ${policy.name}`);
};

/** One request all the way, and what it cost. */
const send = async (world: World, isolate: number): Promise<Visit> => {
  const visit = await world.send(isolate);
  await world.settleAll();
  return visit;
};

/** What the Limiters say would pass. */
const leftOf = (world: World): number =>
  Math.min(...world.policies.map((policy) => Math.floor(world.left(policy) / costOf(world, policy))));

/** So many at once; says how they fared, in their order. */
const burst = async (world: World, isolate: number, count: number): Promise<readonly Visit[]> => {
  const visits: Visit[] = [];
  for (let i = 0; i < count; i++) visits.push(await world.request(isolate));
  await world.finish();
  return visits;
};

/** Those that wait share their asks: so many are enough for each Limiter, where nothing that is lent or held is in the way. */
const BURST_CALLS = 12;

/** Whatever is left passes at once, and not one more; says how long the others are to wait. */
const judgeLeft = async (world: World, isolate: number, isCalm = false): Promise<number> => {
  const left = leftOf(world);
  const before = world.calls;
  const visits = await burst(world, isolate, left + 2);
  judgeOver(world);
  const calls = (world.calls - before) / world.limiters.length;
  if (isCalm && calls > BURST_CALLS) throw new Error(`${calls} calls for ${left + 2} requests at once`);
  const passed = visits.filter(({ state }) => state === 'passed').length;
  if (passed < left) throw new Error(`${passed} of ${left} that were left passed`);
  return waitOf(visits);
};

const waitOf = (visits: readonly Visit[]): number => {
  const waits = visits.flatMap(({ state, decidedAt, retryAfterMs }) =>
    state === 'denied' ? [decidedAt + retryAfterMs] : [],
  );
  return Math.max(0, ...waits);
};

/**
 * Who waits as long as it was told to, passes; a flood that comes then asks once for all of it. What an isolate knows of a
 * denial may be older than what others spent since: then it is told again, and that is true.
 */
const judgeObedience = async (world: World, isolate: number, isLast = false): Promise<void> => {
  const { state, retryAfterMs } = await send(world, isolate);
  if (state === 'failed') throw new Error('no longer decided');
  if (state !== 'denied') return;
  await world.time.pass(Math.max(0, retryAfterMs));
  const visits: Visit[] = [];
  for (let i = 0; i < FLOOD; i++) visits.push(await world.request(isolate));
  judgeAsks(world);
  await world.finish();
  judgeOver(world);
  if (visits[0]?.state === 'passed') return;
  if (isLast) throw new Error(`refused after ${retryAfterMs} ms as told`);
  await judgeObedience(world, isolate, true);
};

const FLOOD = 6;

const judgeAsks = ({ limiters, asks }: World): void => {
  const counts = limiters.map(({ name }) => asks.filter(({ limiter }) => limiter === name).length);
  if (Math.min(...counts) > 1) throw new Error(`a flood asks ${counts.join(' and ')} times`);
};

/** For so long after a window, what was lent or reserved by then may count. */
const LONGEST_LATE_MS = 12_200;

/** What is left passes at once, and so does what is free again, all of it as soon as the Limiter says so. */
export const judgeRest = async (world: World, isCalm: boolean): Promise<void> => {
  const until = await judgeLeft(world, 2, isCalm);
  const longest = Math.max(...world.policies.map((policy) => policy.windowMs)) + LONGEST_LATE_MS;
  const end = world.now + longest;
  if (until > end) throw new Error(`told to wait ${until - world.now} ms`);
  const soon = Math.min(until, ...world.policies.map((policy) => freeAt(world, world.now, policy)));
  await world.time.pass(Math.max(0, soon - 3_000 - world.now));
  for (const isolate of [0, 1]) await judgeObedience(world, isolate);
  for (let steps = 0; steps < MAX_STEPS && world.now < end; steps++) {
    const next = await judgeLeft(world, 3);
    await world.time.pass(Math.max(1, next - world.now));
  }
};

const MAX_STEPS = 8;
