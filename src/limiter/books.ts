// What a partition has spent, lent and holds: all that says what is left of it. Plain state; no clock, no I/O.
import type { Decision } from './arithmetic.ts';
import { type Counters, peek, permitsOf } from './counters.ts';
import { type Hold, Holds } from './holds.ts';
import { type Loan, Loans, RETURN_MS } from './loans.ts';
import type { Policy } from './policy.ts';
import { Shares } from './shares.ts';

/** The books of one partition, which its ledger keeps. */
export class Books {
  /** What was spent, what is lent included and what is held not. */
  counters: Counters;
  readonly loans = new Loans();
  readonly shares = new Shares();
  readonly holds = new Holds();

  /** @param counters as storage held them. */
  constructor(counters: Counters) {
    this.counters = counters;
  }

  /** What is left, without what is held. */
  peek(now: number, policy: Policy): Decision {
    return this.withoutHeld(peek(this.counters, now, policy), policy);
  }

  /** What an algorithm has said, which knows nothing of what is held. */
  withoutHeld(decision: Decision, policy: Policy | undefined): Decision {
    const held = policy === undefined ? 0 : this.holds.out(policy.counter);
    return held === 0 ? decision : { ...decision, remaining: Math.max(0, decision.remaining - held) };
  }

  /** What is out on loan, by number and by rate, but for the asker's own share. */
  loansOf(now: number, { counter }: Policy, ownShare: string | undefined): Loan[] {
    const shares = this.shares.loans(now, counter, ownShare);
    const byRate = shares.map(({ end, permits }) => ({ end: end + RETURN_MS, permits }));
    return [...this.loans.list(counter, now), ...byRate];
  }
}

/** What all requests of a hold may spend. */
export const chargesOf = ({ policies, cost, requests }: Hold): (readonly [Policy, number])[] =>
  policies.map((policy) => [policy, permitsOf(policy, cost, requests)] as const);
