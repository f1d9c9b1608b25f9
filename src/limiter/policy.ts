// A policy: a named quota over a window.
import { type Algorithm, algorithms } from './algorithms/index.ts';
import type { WindowedQuota } from './arithmetic.ts';

/** A quota of permits over a window. */
export interface Policy extends WindowedQuota {
  /** As shown in headers, logs and metrics: `10/second`, `search:30/minute`, `ip:600/minute`. */
  readonly name: string;
  /** Names the counter: scope, key, algorithm and window, never quota or tier, so that a changed quota keeps what was spent. */
  readonly counter: string;
  readonly algorithm: Algorithm;
  /** Whether an operator's other limits stand in its place. Absent: told by the counter's scope. */
  readonly own?: boolean;
}

/** A named quota of requests in flight, which has no window. */
export interface SlotPolicy {
  /** As shown in headers, logs and metrics: `5 at once`, `search:2 at once`. */
  readonly name: string;
  /** Names the counter: scope and key, never quota or tier. */
  readonly counter: string;
  /** Slots: requests that may be in flight at one time, from 1 to 10,000. */
  readonly slots: number;
}

/** How long the policy's window at `now` is, milliseconds: that of a calendar month has 28 to 31 days. */
export const windowLength = (policy: Policy, now: number): number =>
  algorithms[policy.algorithm].lengthMs?.(now, policy) ?? policy.windowMs;

/** Whether its windows differ in length. */
export const isUneven = ({ algorithm, unit }: Policy): boolean =>
  algorithms[algorithm].lengthMs !== undefined && (unit === 'month' || unit === 'year');

/** Windows of so many lives of a lease are lent by number: charging at a lease's end then costs the caller under 4 %. */
const LIVES = 32;

/**
 * How an isolate may hold permits of a policy: a number of them until the lease ends; so many in every window until then; or
 * not at all, and every request asks.
 */
export type Lending = 'by-number' | 'by-rate' | 'none';

/** @param leaseMs a lease's life. */
export const lendingOf = ({ algorithm, windowMs }: Policy, leaseMs: number): Lending => {
  const { leasable, sharing } = algorithms[algorithm];
  if (windowMs >= LIVES * leaseMs) return leasable ? 'by-number' : 'none';
  return sharing === undefined ? 'none' : 'by-rate';
};

/** What an isolate may hold of policies that are spent together. */
export interface Loanable {
  /** Whether requests may be lent by number. */
  readonly leasable: boolean;
  /** The policies of which shares may be lent; requests of the others are lent by number beside a share. */
  readonly byRate: readonly Policy[];
}

/** @param leaseMs a lease's life. */
export const loanable = (policies: readonly Policy[], leaseMs: number): Loanable => {
  const lendings = policies.map((policy) => lendingOf(policy, leaseMs));
  return {
    leasable: lendings.every((lending) => lending === 'by-number'),
    byRate: lendings.includes('none') ? [] : policies.filter((_, i) => lendings[i] === 'by-rate'),
  };
};
