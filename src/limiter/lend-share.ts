// Lending a share with an ask: permits of a rate, and beside it requests of the policies that are lent by number. No clock,
// no I/O.
import type { Books } from './books.ts';
import { boundary, type Counters, consume, drawsOf, giveBack, peek, permitsOf } from './counters.ts';
import type { Grants } from './grants.ts';
import type { Ask, LentShare, ShareAsk } from './messages.ts';
import type { Policy } from './policy.ts';
import { roomAhead, waitingOf } from './portion.ts';
import type { Renewal, Terms } from './shares.ts';

/** What came of asking for a share. */
interface ShareLoan {
  readonly share: LentShare;
  /** The policies that are not lent by rate. */
  readonly others: readonly Policy[];
  readonly isStored: boolean;
}

/** An ask, and when it came. */
interface Visit {
  readonly now: number;
  readonly leaseMs: number;
  readonly ask: Ask;
}

/**
 * Lends or renews a share, and beside it requests of the policies that are lent by number. Undefined where it cannot serve
 * all of those `waiting` that are to be served by it.
 */
export const lendShare = (books: Books, visit: Visit, waiting: number): ShareLoan | undefined => {
  const { now, leaseMs, ask } = visit;
  const { policies, cost, share, want } = ask;
  // What is told later is settled by the Limiter, which has to know each.
  if (share === undefined || ask.holdMs !== undefined) return undefined;
  const others = policies.filter(({ counter }) => share.wishes.every((wish) => wish.counter !== counter));
  const wanted = want - waitingOf(ask) + waiting;
  const requested = { policies: others, cost, wanted, served: 0 };
  const ahead = others.length === 0 ? 0 : roomAhead(books, now, leaseMs, requested);
  if (others.length > 0 && ahead <= waiting) return undefined;
  const terms = { now, until: now + leaseMs, policies, cost };
  const renewal = renewalOf(books, terms, share, waiting);
  if (renewal === undefined) return undefined;
  books.shares.renew(share, renewal);
  books.counters = renewal.counters;
  const { permits, isStored } = renewal;
  const lent = { permits, lifeMs: leaseMs, at: now, within: waiting };
  if (ahead === 0) return { share: lent, others, isStored };
  const beside = lendBeside(books, visit, others, ahead);
  return { share: { ...lent, ahead: beside }, others, isStored };
};

/** Renews and takes over; undefined where it cannot serve all that wait, or would not count what it takes over. */
const renewalOf = (books: Books, terms: Terms, share: ShareAsk, waiting: number): Renewal | undefined => {
  const { adopted = [], wishes } = share;
  const counters = without(books.counters, books.grants.charged(adopted), wishes);
  const takenOver = new Map(
    terms.policies.map((policy) => [policy.counter, freed(books.counters, counters, terms.now, policy)]),
  );
  const renewal = books.shares.renewal(counters, { ...terms, takenOver }, share);
  const told = adopted.reduce((sum, { requests }) => sum + requests, 0);
  const fits = renewal?.share.parts.every(({ policy, permits }, i) => {
    const { counter, used = 0 } = wishes[i] ?? {};
    const drained = permitsOf(policy, terms.cost, told) - (takenOver.get(counter ?? '') ?? 0);
    const isCounted = adopted.length === 0 || permits >= used - drained;
    return isCounted && (waiting === 0 || permits - used >= permitsOf(policy, terms.cost, waiting));
  });
  if (!fits) return undefined;
  books.grants.takeOver(adopted);
  return renewal;
};

/** Permits that one of the counters does not count any more. */
const freed = (before: Counters, after: Counters, now: number, policy: Policy): number =>
  peek(after, now, policy).remaining - peek(before, now, policy).remaining;

/** Without what is charged of these under the policies of a share. */
const without = (
  counters: Counters,
  charged: ReturnType<Grants['charged']>,
  wishes: ShareAsk['wishes'],
): Counters =>
  charged.reduce((left, { grant: { until, policies, cost }, requests }) => {
    const lent = policies.filter(({ counter }) => wishes.some((wish) => wish.counter === counter));
    return giveBack(left, until, drawsOf(lent, cost, requests));
  }, counters);

/** Requests to be made within a share, of the policies that are not lent by rate. */
const lendBeside = (
  books: Books,
  { now, leaseMs, ask }: Visit,
  policies: readonly Policy[],
  ahead: number,
): NonNullable<LentShare['ahead']> => {
  const until = Math.min(now + leaseMs, boundary(policies, now) - 1);
  books.counters = consume(books.counters, now, until, policies, ask.cost, ahead)[1];
  const grant = books.grants.remember({ now, until, leaseMs }, { ...ask, policies }, { served: 0, ahead });
  return { grant, requests: ahead, lifeMs: until - now };
};

/** A share that is given back before its end. */
export const endShare = (books: Books, now: number, share: ShareAsk): void => {
  const ended = { ...share, wishes: share.wishes.map((wish) => ({ ...wish, permits: 0 })) };
  const policies = [...books.counters.values()].map(({ policy }) => policy);
  const renewal = books.shares.renewal(books.counters, { now, until: now, policies, cost: 1 }, ended);
  if (renewal === undefined) return;
  books.shares.renew(ended, renewal);
  books.counters = renewal.counters;
};
