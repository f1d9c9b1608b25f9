// What came of asking one partition for a request's permits: how it is made, and how it is read.
import type { Decision } from '../limiter/arithmetic.ts';
import { isBlocked } from '../limiter/blocked.ts';
import type { Abnormal } from '../limiter/messages.ts';
import type { Policy } from '../limiter/policy.ts';
import type { Marks } from '../limiter/standing.ts';
import type { Plan } from './charge.ts';
import type { Grant } from './grant.ts';
import { heldByNumber, type Lease, tellAbnormal } from './lease.ts';
import type { LimiterError } from './limiter-error.ts';
import { freedInMs, heldOfShare } from './share.ts';
import type { Said } from './waiter.ts';

/** A lease, and what it is of. */
export interface Holding extends Lease {
  readonly plan: Plan;
  readonly partition: string;
}

/** Whether a request may pass one partition, and what its fields should say. */
export interface Outcome {
  readonly holding: Holding;
  readonly allowed: boolean;
  /** Those of the plan, unless an override is in force. */
  readonly policies: readonly Policy[];
  readonly decisions: readonly Decision[];
  /** When the decisions were made, by the isolate's clock. */
  readonly decidedAt: number;
  /** Permits held here beside what the decisions say remains, by policy. */
  readonly heldPermits: readonly number[];
  /** What the permit was taken from; undefined when denied. */
  readonly grant: Grant | undefined;
  /** Revocation marks of the partition. */
  readonly marks: Marks | undefined;
  readonly abnormal: Abnormal | undefined;
  /** Says what was used of a permit that the failure policy granted; 0 gives it back. */
  readonly settle?: ((used: number) => void) | undefined;
  /** The Limiter did not answer and the failure policy decided. */
  readonly error?: LimiterError;
}

/** @param said what the Limiter said last, where the request's own answer says nothing else. */
export const outcomeOf = (
  holding: Holding,
  grant: Grant | undefined,
  now: number,
  allowed = grant !== undefined,
  said: Said = holding.said,
): Outcome => ({
  holding,
  allowed,
  policies: said.policies ?? holding.plan.policies,
  decisions: allowed ? said.decisions : decisionsOf(holding, said, now),
  decidedAt: said.decidedAt,
  heldPermits: heldPermits(holding, said.policies ?? holding.plan.policies, now),
  grant,
  marks: holding.marks,
  abnormal: tellAbnormal(holding),
});

const heldPermits = (holding: Holding, policies: readonly Policy[], now: number): number[] => {
  const { plan, share } = holding;
  const byNumber = heldByNumber(holding, now) * plan.cost;
  const byRate = share === undefined ? [] : heldOfShare(share, now);
  return policies.map(({ counter }) => {
    const i = share?.policies.findIndex((policy) => policy.counter === counter) ?? -1;
    return byRate[i] ?? byNumber;
  });
};

/** As the Limiter said, but no later than the isolate's own share can serve again, which the Limiter does not know. */
const decisionsOf = ({ plan, share }: Holding, said: Said, now: number): readonly Decision[] => {
  if (share === undefined) return said.decisions;
  const policies = said.policies ?? plan.policies;
  return said.decisions.map((decision, i) => {
    const freed = decision.allowed ? undefined : freedInMs(share, policies[i]?.counter ?? '', now);
    if (freed === undefined) return decision;
    return { ...decision, retryAfterMs: Math.min(decision.retryAfterMs, now - said.decidedAt + freed) };
  });
};

/** Whether the isolate's own share can serve again under every policy that denied: what is missing is beside it, and is asked for. */
export const isFreed = ({ plan, share, said }: Holding, now: number): boolean => {
  if (share === undefined) return false;
  const policies = said.policies ?? plan.policies;
  const denying = policies.filter((_, i) => said.decisions[i]?.allowed === false);
  return denying.length > 0 && denying.every(({ counter }) => freedInMs(share, counter, now) === 0);
};

/** A shadow policy refuses nobody; whom an operator blocked is refused all the same. */
export const isRefusing = ({ allowed, holding, policies }: Outcome): boolean =>
  !allowed && (holding.plan.mode === 'enforce' || isBlocked(policies));

/** Nothing is known of it: the Limiter did not answer and the failure policy is `closed`. */
export const isUnanswered = ({ error, decisions }: Outcome): boolean =>
  error !== undefined && decisions.length === 0;

/** Names of the policies that denied. */
export const violated = ({ policies, decisions }: Outcome): string[] =>
  policies.filter((_, i) => decisions[i]?.allowed === false).map(({ name }) => name);

/** Permits left under one policy of an outcome, with those the isolate holds. */
export const remaining = (outcome: Outcome, i: number): number =>
  (outcome.decisions[i]?.remaining ?? 0) + (outcome.heldPermits[i] ?? 0);
