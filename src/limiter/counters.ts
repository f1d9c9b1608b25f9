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

const consumeOne = (counters: Counters, now: number, until: number, policy: Policy, cost: number) =>
  arithmetic[policy.algorithm].consume(counters.get(policy.counter)?.state, now, until, policy, cost);

/** What is left, spending nothing. */
export const peek = (counters: Counters, now: number, policy: Policy): Decision =>
  consumeOne(counters, now, now, policy, 0)[0];

/** Decides `cost` under all `policies` at `now`, charged at `until`; the counters are the same ones when denied. */
export const consume = (
  counters: Counters,
  now: number,
  until: number,
  policies: readonly Policy[],
  cost: number,
): [readonly Decision[], Counters] => {
  const outcomes = policies.map((policy) => consumeOne(counters, now, until, policy, cost));
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

/** Gives back `cost` that was charged at `until` to every policy. */
export const giveBack = (
  counters: Counters,
  until: number,
  policies: readonly Policy[],
  cost: number,
): Counters => {
  const given = policies.flatMap((policy) => {
    const counter = counters.get(policy.counter);
    if (counter === undefined) return [];
    const state = arithmetic[policy.algorithm].giveBack(counter.state, until, policy, cost);
    return [[policy.counter, { policy, state }] as const];
  });
  return new Map([...counters, ...given]);
};

/** When a permit of all these policies must have been used at the latest, if it is granted at `now`. */
export const boundary = (policies: readonly Policy[], now: number): number =>
  Math.min(...policies.map((policy) => arithmetic[policy.algorithm].boundary(now, policy)));

/** When a counter is worth nothing any more. */
export const drainedAt = ({ policy, state }: Counter): number =>
  arithmetic[policy.algorithm].drainedAt(state, policy);

/** The counters that still count something at `now`. */
export const undrained = (counters: Counters, now: number): Counters =>
  new Map([...counters].filter(([, counter]) => drainedAt(counter) > now));
