// What those are told that nothing is left for: when a permit can exist again, what is lent and held included. No clock,
// no I/O.
import type { Decision } from './arithmetic.ts';
import type { Books } from './books.ts';
import { foresee, permitsOf } from './counters.ts';
import { backAt } from './loans.ts';
import { type Ask, DENIAL_MS, denial, type Reply } from './messages.ts';
import type { Policy } from './policy.ts';

/** Grants nothing and says what is left. */
export const nothing = (books: Books, now: number, policies: readonly Policy[]): Reply =>
  denial(
    policies.map((policy) => books.peek(now, policy)),
    0,
  );

/** Of an ask that so many requests were not granted of. */
export const refuse = (books: Books, now: number, ask: Ask, unmet: number): Reply => {
  const { policies, cost, holder } = ask;
  if (unmet === 0) return nothing(books, now, policies);
  const decisions = policies.map((policy) => foreseen(books, now, policy, cost, holder));
  const denied = policies.filter((_, i) => decisions[i]?.allowed === false);
  const waitMs = Math.max(...decisions.map(({ retryAfterMs }) => retryAfterMs));
  const reply = denial(decisions, Math.min(waitMs, DENIAL_MS));
  const requests = Math.min(...denied.map((policy) => obstructed(books, now, policy, cost, holder)));
  return requests > 0 ? { ...reply, loans: { requests, backMs: waitMs } } : reply;
};

/** Requests that may pass once loans are back. Shares are not to grow meanwhile. */
const obstructed = (
  books: Books,
  now: number,
  policy: Policy,
  cost: number,
  ownShare: string | undefined,
): number => {
  books.shares.contest(now, policy.counter, ownShare);
  const back = books.loansOf(now, policy, ownShare).reduce((sum, { permits }) => sum + permits, 0);
  return Math.floor((books.peek(now, policy).remaining + back) / permitsOf(policy, cost));
};

/** As the policy says, but no later than loans and holds can have come back. */
const foreseen = (
  books: Books,
  now: number,
  policy: Policy,
  cost: number,
  ownShare: string | undefined,
): Decision => {
  const wanted = permitsOf(policy, cost);
  const { counter } = policy;
  const before = books.peek(now, policy);
  if (wanted <= before.remaining) return before;
  const shortage = wanted - before.remaining;
  const held = shortage <= books.holds.out(counter) ? books.holds.lastEnd(counter) : undefined;
  const back = backAt(books.loansOf(now, policy, ownShare), shortage) ?? held;
  const { retryAfterMs, allowed } = foresee(books.counters, now, policy, cost);
  // Where only what is held is in the way, the algorithm knows of no wait.
  const drainsMs = allowed ? Number.POSITIVE_INFINITY : retryAfterMs;
  const backMs = back === undefined ? Number.POSITIVE_INFINITY : back - now;
  return { ...before, allowed: false, retryAfterMs: Math.max(1, Math.min(drainsMs, backMs)) };
};
