// What a partition has spent, and what may come back of it: all that says what is left. Plain state; no clock, no I/O.
import type { Decision } from './arithmetic.ts';
import { type Counters, peek } from './counters.ts';
import { Grants } from './grants.ts';
import { type Loan, Loans, RETURN_MS } from './loans.ts';
import type { Policy } from './policy.ts';
import { Shares } from './shares.ts';

/** The books of one partition, which its ledger keeps. */
export class Books {
  /** What was spent; what may come back counts as spent until it does. */
  counters: Counters;
  /** Permits that isolates hold or that another partition decides on. */
  readonly loans = new Loans();
  /** Permits of requests that tell what they spent after their answer. */
  readonly holds = new Loans();
  readonly shares = new Shares();
  readonly grants: Grants;

  /**
   * @param counters as storage held them.
   * @param load names this load of the partition.
   */
  constructor(counters: Counters, load: string) {
    this.counters = counters;
    this.grants = new Grants(load, this.loans, this.holds);
  }

  /** What is left. */
  peek(now: number, policy: Policy): Decision {
    return peek(this.counters, now, policy);
  }

  /** What may come back, lent by number and by rate or held, but for the asker's own share. */
  comingBack(now: number, { counter }: Policy, ownShare: string | undefined): Loan[] {
    const shares = this.shares.loans(now, counter, ownShare);
    const byRate = shares.map(({ end, permits }) => ({ end: end + RETURN_MS, permits }));
    return [...this.loans.list(counter, now), ...byRate, ...this.holds.list(counter, now)];
  }
}
