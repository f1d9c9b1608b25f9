// Every state that two isolates and one Limiter can get into under small quotas, within bounds: every interleaving of
// request, ask, reply, cancellation, return, expiry, denial, crash and loss. Chance seldom meets the worst of these.
import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/limiter/policy.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { type Bounds, type Event, explore, type Spent } from './explorer.ts';
import { Ladder } from './ladder.ts';
import { EPOCH, policy } from './policies.ts';

const always = () => true;

/** Messages under way, any of which may be the next to arrive. */
const UNDER_WAY = [0, 1, 2, 3];

const request = (isolate: number): Event<Ladder> => ({
  name: `request ${isolate}`,
  kind: 'request',
  isEnabled: always,
  play: (ladder) => ladder.request(isolate),
});

const cancel = (isolate: number): Event<Ladder> => ({
  name: `cancel ${isolate}`,
  kind: 'cancel',
  isEnabled: (ladder) => ladder.isAwaited(isolate),
  play: (ladder) => ladder.cancel(isolate),
});

const wait = (kind: 'wait' | 'pause', ms: number): Event<Ladder> => ({
  name: `${ms} ms`,
  kind,
  isEnabled: always,
  play(ladder) {
    ladder.now += ms;
    ladder.endLeases();
    ladder.wake();
  },
});

const deliveries = (
  name: 'ask' | 'reply' | 'return',
  of: 'asks' | 'replies' | 'returns',
  play: (ladder: Ladder, index: number) => void,
): Event<Ladder>[] =>
  UNDER_WAY.map((index) => ({
    name: `${name} ${index}`,
    kind: 'message',
    isEnabled: (ladder) => ladder[of].length > index,
    play: (ladder) => play(ladder, index),
  }));

const fault = (
  name: string,
  play: (ladder: Ladder) => void,
  isEnabled: (ladder: Ladder) => boolean = always,
): Event<Ladder> => ({ name, kind: 'fault', isEnabled, play });

const EVENTS: readonly Event<Ladder>[] = [
  request(0),
  request(1),
  cancel(0),
  cancel(1),
  ...deliveries('ask', 'asks', (ladder, index) => ladder.deliverAsk(index)),
  ...deliveries('reply', 'replies', (ladder, index) => ladder.deliverReply(index)),
  ...deliveries('return', 'returns', (ladder, index) => ladder.deliverReturn(index)),
  wait('wait', 400),
  wait('pause', 10_100),
  fault('crash', (ladder) => ladder.crash()),
  fault('lose 0', (ladder) => ladder.lose(0)),
  fault(
    'return twice',
    (ladder) => ladder.deliverReturn(0, true),
    ({ returns }) => returns.length > 0,
  ),
];

/** So long after a window, what was used at its beginning has drained. */
const DRAINED_MS = 300;

interface Start {
  readonly name: string;
  /** The one that is spent first. */
  readonly limit: Policy;
  /** Another one, of which every request spends as well. */
  readonly beside?: Policy;
  /** Plays what came before. */
  readonly before: (ladder: Ladder) => void;
}

/** Six requests in a row at isolate 0, so that it is hot and something is lent to it. */
const heat = (ladder: Ladder): void => {
  for (let i = 0; i < 6; i++) {
    ladder.pass(0);
    ladder.now += 100;
  }
};

/** Grants close together, so that there is a reserve. */
const warm = (ladder: Ladder): void => {
  for (let i = 0; i < 6; i++) ladder.pass(i);
};

const beforeTheEnd =
  (ms: number, then: (ladder: Ladder) => void) =>
  (ladder: Ladder): void => {
    ladder.now = EPOCH + 60_000 - ms;
    then(ladder);
  };

const STARTS: readonly Start[] = [
  { name: 'cold, 2 left', limit: policy(2, 1, 'minute'), before: () => {} },
  { name: 'cold, 2 left, a fixed window', limit: policy(2, 1, 'hour', 'fixed-window'), before: () => {} },
  { name: 'cold, 2 left, gcra', limit: policy(2, 1, 'minute', 'gcra'), before: () => {} },
  {
    name: 'cold, 1 left beside 2 of an hour',
    limit: policy(1, 1, 'minute'),
    beside: policy(2, 1, 'hour'),
    before: () => {},
  },
  { name: 'with a reserve', limit: policy(30, 1, 'minute'), before: warm },
  { name: 'with a reserve, gcra', limit: policy(30, 1, 'hour', 'gcra'), before: warm },
  { name: 'hot, with permits lent', limit: policy(30, 1, 'minute'), before: heat },
  {
    name: 'hot, a fixed window about to end',
    limit: policy(30, 1, 'minute', 'fixed-window'),
    before: beforeTheEnd(650, heat),
  },
  {
    name: 'with a reserve, a fixed window about to end',
    limit: policy(30, 1, 'minute', 'fixed-window'),
    before: beforeTheEnd(5, warm),
  },
];

const policiesOf = ({ limit, beside }: Start): Policy[] => (beside === undefined ? [limit] : [limit, beside]);

/** Permits above what the policy lets pass, whichever use is the last. */
const over = (ladder: Ladder, limit: Policy): number => {
  const { quota, windowMs, algorithm } = limit;
  if (algorithm === 'sliding-window') return ladder.busiest(windowMs) - quota;
  if (algorithm === 'fixed-window') return ladder.busiestCalendar(windowMs) - quota;
  return overBurst(ladder.passed, limit);
};

/** GCRA lets a burst of the quota pass and one permit more for every emission interval. */
const overBurst = (passed: readonly number[], { quota, windowMs }: Policy): number => {
  const uses = passed.toSorted((a, b) => a - b);
  const excess = uses.flatMap((from, first) =>
    uses.slice(first).map((to, i) => i + 1 - quota - Math.floor((to - from) / (windowMs / quota))),
  );
  return Math.max(0, ...excess);
};

/** Whether all of the schedule and what is left to decide lies in one window, so that nothing drains in it. */
const isOneWindow = (ladder: Ladder, { limit }: Start): boolean =>
  limit.algorithm !== 'fixed-window' ||
  Math.floor(ladder.now / limit.windowMs) === Math.floor((ladder.passed[0] ?? ladder.now) / limit.windowMs);

/** Who came while a place was taken may have been refused, even if whoever had it leaves then; but the place is free again. */
const judgeCalm = (ladder: Ladder, start: Start, came: number, cancelled: number): void => {
  const { limit } = start;
  const refused = Math.min(came, limit.quota) - cancelled - ladder.passed.length;
  if (refused > 0) throw new Error(`${refused} wrongly refused`);
  // Under gcra a permit that comes back late stays spent.
  for (const policy of limit.algorithm === 'gcra' ? [] : policiesOf(start)) {
    const lost = policy.quota - ladder.passed.length - (ladder.left(policy) ?? 0);
    if (lost !== 0) throw new Error(`${lost} lost of ${policy.name}`);
  }
};

const judge = (start: Start, before: number) => (ladder: Ladder, spent: Spent) => {
  const { limit } = start;
  ladder.finish();
  // What is under way for as long as a pause is given up.
  if (spent.fault + spent.pause === 0 && isOneWindow(ladder, start))
    judgeCalm(ladder, start, before + spent.request, spent.cancel);
  // What is left, at once and as soon as any of it is free again, to the last permit.
  const [first = ladder.now] = ladder.passed.toSorted((a, b) => a - b);
  for (const at of [ladder.now, first + limit.windowMs + DRAINED_MS]) {
    ladder.now = Math.max(ladder.now, at);
    ladder.drain(1);
    if (policiesOf(start).some((policy) => over(ladder, policy) > 0)) throw new Error('over');
  }
};

const realmOf = (start: Start, bounds: Bounds) => {
  const begin = () => {
    const ladder = new Ladder(policiesOf(start), 2);
    start.before(ladder);
    return ladder;
  };
  const before = begin().passed.length;
  const stateOf = (ladder: Ladder) => ladder.state;
  return { events: EVENTS, bounds, begin, stateOf, judge: judge(start, before) };
};

const CALM: Bounds = { request: scaled(2, 3), cancel: 1, wait: scaled(1, 2), pause: 0, fault: 0 };
const FAULTY: Bounds = { request: scaled(1, 2), cancel: 0, wait: scaled(0, 1), pause: 1, fault: 1 };

const told = (bounds: Bounds): string =>
  Object.entries(bounds)
    .map(([kind, most]) => `${most} ${kind}`)
    .join(', ');

describe.each(STARTS)('every state, $name:', (start) => {
  it('without faults as many pass as an all-knowing counter would let pass, and not one more', {
    timeout: SOAK_TIMEOUT_MS,
  }, async () => {
    const states = await explore(realmOf(start, CALM));
    tell(`${states} states, all within ${told(CALM)}: ${start.name}`);
    expect(states).toBeGreaterThan(100);
  });

  it('with a crash, a lost isolate or a return twice never one passes too many', {
    timeout: SOAK_TIMEOUT_MS,
  }, async () => {
    const states = await explore(realmOf(start, FAULTY));
    tell(`${states} states, all within ${told(FAULTY)}: ${start.name}`);
    expect(states).toBeGreaterThan(100);
  });
});
