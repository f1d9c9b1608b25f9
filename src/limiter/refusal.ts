// What requests are told for which nothing is left: when a permit can exist again, what is lent and held included. No clock,
// no I/O.
import type { Decision } from './arithmetic.ts';
import type { Books } from './books.ts';
import { foresee, permitsOf } from './counters.ts';
import { backAt, RETURN_MS } from './loans.ts';
import { type Ask, DENIAL_MS, denial, type Reply } from './messages.ts';
import type { Policy } from './policy.ts';

/** Grants nothing and says what is left. */
export const nothing = (books: Books, now: number, policies: readonly Policy[]): Reply =>
  denial(
    policies.map((policy) => books.peek(now, policy)),
    0,
  );

/**
 * Where held permits are in the way, it is looked again after a quarter of the time that the oldest has been held, within
 * these bounds: soon where answers are quick, seldom where they are not.
 */
const LOOK_SHARE = 0.25;
const MIN_LOOK_MS = 10;
const MAX_LOOK_MS = 250;

/** Requests that an isolate may have wait for held permits; those may come back again and again. */
const MAX_WAITING = 4_096;

/** Answers an ask of which so many requests were not granted. */
export const refuse = (books: Books, now: number, ask: Ask, unmet: number): Reply => {
  const { policies, cost, holder } = ask;
  if (unmet === 0) return nothing(books, now, policies);
  const decisions = policies.map((policy) => foreseen(books, now, policy, cost, holder));
  const denied = policies.filter((_, i) => decisions[i]?.allowed === false);
  const waitMs = Math.max(...decisions.map(({ retryAfterMs }) => retryAfterMs));
  const requests = Math.min(...denied.map((policy) => obstructed(books, now, policy, cost, holder, waitMs)));
  const held = requests > 0 && denied.some(({ counter }) => books.holds.out(counter, now) > 0);
  const backMs = held ? Math.min(waitMs, lookMs(books, now)) : waitMs;
  const reply = denial(decisions, Math.min(backMs, DENIAL_MS));
  if (requests === 0) return reply;
  return { ...reply, loans: { requests, backMs, ...(held ? { held } : {}) } };
};

const lookMs = ({ grants: { heldSince = 0 } }: Books, now: number): number =>
  Math.min(MAX_LOOK_MS, Math.max(MIN_LOOK_MS, Math.ceil((now - heldSince) * LOOK_SHARE)));

/** Requests that may pass once what may come back has. Unless that is at once, no shares are lent for a while. */
const obstructed = (
  books: Books,
  now: number,
  policy: Policy,
  cost: number,
  ownShare: string | undefined,
  waitMs: number,
): number => {
  if (waitMs > RETURN_MS) books.shares.contest(now, policy.counter, ownShare);
  const back = books.comingBack(now, policy, ownShare).reduce((sum, { permits }) => sum + permits, 0);
  const requests = Math.floor((books.peek(now, policy).remaining + back) / permitsOf(policy, cost));
  return requests > 0 && books.holds.out(policy.counter, now) > 0 ? MAX_WAITING : requests;
};

/** As the policy says, but no later than what may come back can have. */
const foreseen = (
  books: Books,
  now: number,
  policy: Policy,
  cost: number,
  ownShare: string | undefined,
): Decision => {
  const decision = foresee(books.counters, now, policy, cost);
  if (decision.allowed) return books.peek(now, policy);
  const shortage = permitsOf(policy, cost) - decision.remaining;
  const back = backAt(books.comingBack(now, policy, ownShare), shortage) ?? Number.POSITIVE_INFINITY;
  return { ...decision, retryAfterMs: Math.max(1, Math.min(decision.retryAfterMs, back - now)) };
};
