// The counters of one partition, decided together: if one policy denies, none is spent. No clock, no I/O.
import { type Algorithm, algorithms } from './algorithms/index.ts';
import type { Arithmetic, Decision } from './arithmetic.ts';
import type { Policy } from './policy.ts';

/** Only the algorithm that made a state reads it. */
type State = unknown;

/** A counter and the policy it last served, which is what its state is read by. */
export interface Counter {
  readonly policy: Policy;
  readonly state: State;
}

export type Counters = ReadonlyMap<string, Counter>;

const arithmetic: Record<Algorithm, Arithmetic<State>> = algorithms;

const arithmeticOf = ({ algorithm }: Policy): Arithmetic<State> => arithmetic[algorithm];

/**
 * Permits that so many requests of this cost spend of one policy. A request that costs more than a whole quota costs the
 * quota: it could never pass otherwise, however long it waits.
 */
export const permitsOf = ({ quota }: Policy, cost: number, requests = 1): number =>
  Math.min(cost, Math.max(1, quota)) * requests;

/** Permits of one policy. */
export interface Draw {
  readonly policy: Policy;
  readonly permits: number;
}

/** What so many requests spend of each policy. */
export const drawsOf = (policies: readonly Policy[], cost: number, requests: number): Draw[] =>
  policies.map((policy) => ({ policy, permits: permitsOf(policy, cost, requests) }));

const consumeOne = (counters: Counters, now: number, until: number, policy: Policy, permits: number) =>
  arithmeticOf(policy).consume(counters.get(policy.counter)?.state, now, until, policy, permits);

/** What is left, spending nothing. */
export const peek = (counters: Counters, now: number, policy: Policy): Decision =>
  consumeOne(counters, now, now, policy, 0)[0];

/** What one policy would say to a request of this cost, spending nothing. */
export const foresee = (counters: Counters, now: number, policy: Policy, cost: number): Decision =>
  consumeOne(counters, now, now, policy, permitsOf(policy, cost))[0];

/**
 * Decides `requests` of `cost` each under all `policies` at `now`, charged at `until`; the counters are the same ones when
 * denied.
 */
export const consume = (
  counters: Counters,
  now: number,
  until: number,
  policies: readonly Policy[],
  cost: number,
  requests = 1,
): [readonly Decision[], Counters] => {
  const outcomes = policies.map((policy) =>
    consumeOne(counters, now, until, policy, permitsOf(policy, cost, requests)),
  );
  if (outcomes.every(([decision]) => decision.allowed)) {
    const spent = policies.map((policy, i) => [policy.counter, { policy, state: outcomes[i]?.[1] }] as const);
    return [outcomes.map(([decision]) => decision), new Map([...counters, ...spent])];
  }
  const decisions = outcomes.map(([decision], i) => {
    const policy = policies[i];
    return decision.allowed && policy !== undefined ? peek(counters, now, policy) : decision;
  });
  return [decisions, counters];
};

/** Gives back permits that were charged at `until`. Policies of one counter charge it once, as `consume` does. */
export const giveBack = (counters: Counters, until: number, draws: readonly Draw[]): Counters => {
  const given = new Map(counters);
  for (const { policy, permits } of draws) {
    const counter = counters.get(policy.counter);
    if (counter === undefined || permits === 0) continue;
    const state = arithmeticOf(policy).giveBack(counter.state, until, policy, permits);
    given.set(policy.counter, { policy, state });
  }
  return given;
};

/** With permits charged at `at`, whether they fit or not. */
export const charge = (counters: Counters, at: number, draws: readonly Draw[]): Counters => {
  const charged = new Map(counters);
  for (const { policy, permits } of draws) {
    const state = arithmeticOf(policy).charge(charged.get(policy.counter)?.state, at, policy, permits);
    charged.set(policy.counter, { policy, state });
  }
  return charged;
};

/** With permits of one policy booked that may be granted until `until`; undefined where they do not fit. */
export const reserve = (
  counters: Counters,
  now: number,
  until: number,
  policy: Policy,
  permits: number,
): Counters | undefined => {
  const state = arithmeticOf(policy).reserve(
    counters.get(policy.counter)?.state,
    now,
    until,
    policy,
    permits,
  );
  return state === undefined ? undefined : new Map([...counters, [policy.counter, { policy, state }]]);
};

/** The counters that storage held, as they count from `now` on; the last lease of its memory has ended `until` then. */
export const resume = (counters: Counters, now: number, until: number): Counters =>
  new Map(
    [...counters].map(([name, { policy, state }]) => {
      const resumed = arithmeticOf(policy).resume(state, now, until, policy);
      return [name, { policy, state: resumed }];
    }),
  );

/** When a permit of all these policies must have been used at the latest, if it is granted at `now`. */
export const boundary = (policies: readonly Policy[], now: number): number =>
  Math.min(...policies.map((policy) => arithmeticOf(policy).boundary(now, policy)));

/** When a counter is worth nothing any more. */
export const drainedAt = ({ policy, state }: Counter): number =>
  arithmeticOf(policy).drainedAt(state, policy);

/** The counters that still count something at `now`. */
export const undrained = (counters: Counters, now: number): Counters =>
  new Map([...counters].filter(([, counter]) => drainedAt(counter) > now));
