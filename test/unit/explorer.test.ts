// Every schedule there is of a few events, not only those that chance meets: two isolates and one Limiter under small
// quotas, with every interleaving of requests, asks, replies, returns, expiry and crashes up to a bound.
import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/limiter/policy.ts';
import { SOAK_TIMEOUT_MS, scaled, tell } from '../fixtures/scale.ts';
import { Ladder } from './ladder.ts';
import { policy } from './policies.ts';

interface Action {
  readonly name: string;
  /** Whether there is anything for it to do; without, it would be another schedule's twin. */
  readonly isEnabled: (ladder: Ladder) => boolean;
  readonly play: (ladder: Ladder) => void;
  /** Something is lost by it, so that a request may be refused for it. */
  readonly isFault?: boolean;
}

const always = () => true;

const request = (isolate: number): Action => ({
  name: `request ${isolate}`,
  isEnabled: always,
  play: (ladder) => ladder.request(isolate),
});

const wait = (ms: number): Action => ({
  name: `${ms} ms`,
  isEnabled: always,
  play(ladder) {
    ladder.now += ms;
    ladder.endLeases();
    ladder.wake();
  },
});

const EVENTS: readonly Action[] = [
  request(0),
  request(1),
  { name: 'ask', isEnabled: ({ asks }) => asks.length > 0, play: (ladder) => ladder.deliverAsk() },
  { name: 'later ask', isEnabled: ({ asks }) => asks.length > 1, play: (ladder) => ladder.deliverAsk(1) },
  { name: 'reply', isEnabled: ({ replies }) => replies.length > 0, play: (ladder) => ladder.deliverReply() },
  {
    name: 'later reply',
    isEnabled: ({ replies }) => replies.length > 1,
    play: (ladder) => ladder.deliverReply(1),
  },
  {
    name: 'return',
    isEnabled: ({ returns }) => returns.length > 0,
    play: (ladder) => ladder.deliverReturn(),
  },
  wait(400),
];

const FAULTS: readonly Action[] = [
  { name: 'crash', isEnabled: always, play: (ladder) => ladder.crash(), isFault: true },
  { name: 'lose 0', isEnabled: always, play: (ladder) => ladder.lose(0), isFault: true },
  {
    name: 'return twice',
    isEnabled: ({ returns }) => returns.length > 0,
    play: (ladder) => ladder.deliverReturn(0, true),
    isFault: true,
  },
];

interface Start {
  readonly name: string;
  readonly limit: Policy;
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

const STARTS: readonly Start[] = [
  { name: 'cold, 1 left', limit: policy(1, 1, 'minute'), before: () => {} },
  { name: 'cold, 2 left', limit: policy(2, 1, 'minute'), before: () => {} },
  { name: 'cold, 2 left, a fixed window', limit: policy(2, 1, 'hour', 'fixed-window'), before: () => {} },
  { name: 'hot, with permits lent', limit: policy(30, 1, 'minute'), before: heat },
];

/** How many requests an all-knowing counter would have passed: no schedule is as long as a window. */
const allowed = ({ limit }: Start, requests: number): number => Math.min(requests, limit.quota);

/** Plays a schedule from its start. Ladders cannot be copied, so each is played anew. */
const replay = (start: Start, schedule: readonly Action[]): Ladder => {
  const ladder = new Ladder([start.limit], 2);
  start.before(ladder);
  for (const action of schedule) action.play(ladder);
  return ladder;
};

/** Everything that can happen next, and what came of it; the number of schedules seen. */
const explore = (start: Start, actions: readonly Action[], depth: number): number => {
  const played = replay(start, []).passed.length;
  let seen = 0;
  const visit = (schedule: readonly Action[]): void => {
    seen++;
    const ladder = replay(start, schedule);
    const enabled = schedule.length < depth ? actions.filter(({ isEnabled }) => isEnabled(ladder)) : [];
    judge(start, schedule, ladder, played);
    for (const action of enabled) visit([...schedule, action]);
  };
  visit([]);
  return seen;
};

const judge = (start: Start, schedule: readonly Action[], ladder: Ladder, before: number): void => {
  const names = schedule.map(({ name }) => name).join(', ');
  ladder.finish();
  const { limit } = start;
  if (ladder.busiest(limit.windowMs) > limit.quota) throw new Error(`over after: ${names}`);
  if (schedule.some(({ isFault }) => isFault)) return;
  const requests = before + schedule.filter(({ name }) => name.startsWith('request')).length;
  if (ladder.passed.length < allowed(start, requests))
    throw new Error(`${requests - ladder.passed.length} of ${requests} refused after: ${names}`);
};

/** Events of a schedule: more of them in the soak. */
const DEPTH = scaled(6, 8);
const FAULTY_DEPTH = scaled(5, 7);

describe.each(STARTS)('every schedule, $name:', (start) => {
  it('without faults passes as many as an all-knowing counter would, and not one more', {
    timeout: SOAK_TIMEOUT_MS,
  }, () => {
    const seen = explore(start, EVENTS, DEPTH);
    tell(`${seen} schedules of ${DEPTH} events, ${start.name}`);
    expect(seen).toBeGreaterThan(1_000);
  });

  it('with crashes, lost isolates and doubled returns never passes one too many', {
    timeout: SOAK_TIMEOUT_MS,
  }, () => {
    const seen = explore(start, [...EVENTS, ...FAULTS], FAULTY_DEPTH);
    tell(`${seen} schedules of ${FAULTY_DEPTH} events and faults, ${start.name}`);
    expect(seen).toBeGreaterThan(1_000);
  });
});
