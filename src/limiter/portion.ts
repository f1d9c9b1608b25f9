// How many requests of an ask are granted: those that wait, and those to lend permits for ahead. No clock, no I/O.
import type { Books } from './books.ts';
import { permitsOf } from './counters.ts';
import type { Portion } from './grants.ts';
import type { Ask } from './messages.ts';
import { lendingOf, type Policy } from './policy.ts';

/** What is lent ahead takes no more than this share of what remains, and nothing of the last such share of a quota. */
const SHARE = 0.1;

/** Requests of an ask that wait. */
export const waitingOf = ({ waiting, want }: Pick<Ask, 'waiting' | 'want'>): number =>
  waiting ?? Math.min(1, want);

/** Whatever is free for those that wait; ahead of those to come, no more than a tenth of what then remains is out. */
export const portionOf = (books: Books, now: number, leaseMs: number, ask: Ask): Portion => {
  const { policies, cost, want } = ask;
  const waiting = waitingOf(ask);
  const remaining = policies.map((policy) => books.peek(now, policy).remaining);
  const free = policies.map((policy, i) => Math.floor((remaining[i] ?? 0) / permitsOf(policy, cost)));
  const served = Math.min(waiting, ...free);
  const wanted = want - waiting;
  const ahead = served < waiting ? 0 : roomAhead(books, now, leaseMs, { policies, cost, wanted, served });
  return { served, ahead };
};

/** Requests to lend ahead. */
interface Ahead {
  readonly policies: readonly Policy[];
  readonly cost: number;
  readonly wanted: number;
  /** Requests that are served before. */
  readonly served: number;
}

/** How many of the requests `wanted` may be lent by number. */
export const roomAhead = (books: Books, now: number, leaseMs: number, ahead: Ahead): number => {
  const { policies, cost, wanted, served } = ahead;
  if (wanted <= 0 || policies.some((policy) => lendingOf(policy, leaseMs) !== 'by-number')) return 0;
  const rooms = policies.map((policy) => {
    const left = books.peek(now, policy).remaining - permitsOf(policy, cost, served);
    // Near its end permits are had one at a time, so that the last are where they are wanted.
    if (left < policy.quota * SHARE) return 0;
    const out = books.loans.out(policy.counter, now);
    return Math.floor((left * SHARE - out) / (permitsOf(policy, cost) * (1 + SHARE)));
  });
  return Math.max(0, Math.min(wanted, ...rooms));
};
