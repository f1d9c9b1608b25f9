// Lending a share with an ask: permits of a rate, and beside it requests of the policies that are lent by number. No clock,
// no I/O.
import type { Books } from './books.ts';
import { boundary, consume } from './counters.ts';
import type { Ask, LentShare, ShareAsk } from './messages.ts';
import type { Policy } from './policy.ts';
import { roomAhead, waitingOf } from './portion.ts';

/** What came of asking for a share. */
export interface ShareLoan {
  readonly share: LentShare;
  /** The policies that are not lent by rate. */
  readonly others: readonly Policy[];
  readonly isStored: boolean;
}

/** An ask, when it came, and how many of those that wait the share is to serve. */
interface Visit {
  readonly now: number;
  readonly leaseMs: number;
  readonly ask: Ask;
  readonly waiting: number;
}

/**
 * Lends or renews a share, and beside it requests of the policies that are lent by number. Undefined where it cannot serve
 * all of those `waiting` that are to be served by it.
 */
export const lendShare = (books: Books, visit: Visit): ShareLoan | undefined => {
  const { now, leaseMs, ask, waiting } = visit;
  const { policies, cost, share, want } = ask;
  if (share === undefined) return undefined;
  const others = policies.filter(({ counter }) => share.wishes.every((wish) => wish.counter !== counter));
  const wanted = want - waitingOf(ask) + waiting;
  const requested = { policies: others, cost, wanted, served: 0 };
  const ahead = others.length === 0 ? 0 : roomAhead(books, now, leaseMs, requested);
  if (others.length > 0 && ahead <= waiting) return undefined;
  const terms = { now, until: now + leaseMs, policies, cost };
  const renewal = books.shares.renewal(books.counters, terms, share);
  if (renewal === undefined || renewal.growth < waiting) return undefined;
  books.shares.renew(share, renewal);
  books.counters = renewal.counters;
  const { permits, isStored } = renewal;
  const lent = { permits, lifeMs: leaseMs, at: now, within: waiting };
  if (ahead === 0) return { share: lent, others, isStored };
  const beside = lendBeside(books, visit, others, ahead);
  return { share: { ...lent, ahead: beside }, others, isStored };
};

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
