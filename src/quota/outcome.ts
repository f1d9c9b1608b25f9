// What came of asking one partition for a request's permits, and how it is read. Plain data.

import type { Decision } from '../limiter/arithmetic.ts';
import { isBlocked } from '../limiter/blocked.ts';
import type { Abnormal } from '../limiter/messages.ts';
import type { Policy } from '../limiter/policy.ts';
import type { Marks } from '../limiter/standing.ts';
import type { Grant } from './grant.ts';
import type { Lease } from './lease.ts';
import type { LimiterError } from './limiter-error.ts';
import type { Plan } from './plan.ts';

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
