// What a request is charged, of whom, and at which cost. Plain data.
import type { Mode } from '../config/types.ts';
import type { Loanable, Policy, SlotPolicy } from '../limiter/policy.ts';
import type { Key } from '../partition.ts';

/** `unidentified`: refused, had `AUTH_MODE` not been `shadow`; counted only where every request is. */
export type Caller = 'subject' | 'anonymous' | 'preflight' | 'unidentified';

/** Policies of one partition that are asked for together: all are spent or none. */
export interface Plan extends Loanable {
  /** Tells leases of different charges apart. */
  readonly id: number;
  /** How its partition is called where people look: `subject`, `address`, `global`, a claim, a `:name`. */
  readonly kind: string;
  /** Names the partition. */
  readonly key: Key;
  readonly policies: readonly Policy[];
  /** Permits one request spends of each. */
  readonly cost: number;
  /** `shadow`: a denial is reported and refuses nobody. */
  readonly mode: Mode;
  /** Whether the partition's own policies apply, though there may be none: an override stands in their place. */
  readonly own: boolean;
  /** Whether a request whose permits are granted may still give them back: it then looks for slots. Absent: it does not. */
  readonly awaitsSlot?: boolean;
  /**
   * Set where a request tells what it spent only after its answer, which comes within so many milliseconds: until
   * `Permits.settle` says it, others wait for what may come back. Then nothing of it is lent.
   */
  readonly holdMs?: number | undefined;
}

/** Policies of one partition whose slots are taken together: one of each, or none. */
export interface SlotPlan {
  /** Tells what an isolate holds of different plans apart. */
  readonly id: number;
  readonly kind: string;
  readonly key: Key;
  readonly policies: readonly SlotPolicy[];
  /** `shadow`: a request that finds no slot goes on without one. */
  readonly mode: Mode;
}

export interface Charge {
  /** Those that refuse, in config order; the caller's own partition is first among all. */
  readonly enforced: readonly Plan[];
  readonly shadow: readonly Plan[];
  /** Both, in that order. */
  readonly plans: readonly Plan[];
  /** Whether what the request costs is known only after its answer: then each of its outcomes is to be settled. */
  readonly settles: boolean;
  /** Value of `RateLimit-Policy`; empty where no policy applies, undefined where it changes with the calendar. */
  readonly policyField: string | undefined;
  /** What a request takes a slot of while it is in flight; those that refuse first, the caller's own first among them. */
  readonly slots: readonly SlotPlan[];
}

/** Names what an isolate holds of a partition under a plan. */
export const keyOf = ({ id }: Pick<Plan | SlotPlan, 'id'>, partition: string): string => `${id}${partition}`;
