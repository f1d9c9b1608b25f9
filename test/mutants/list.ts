// Ways to break what keeps limits exact, each of which a test must notice.

export interface Mutant {
  /** The guard that is taken out. */
  readonly guard: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** Files that must go red, all together. */
  readonly tests: readonly string[];
}

const LEDGER = 'src/limiter/ledger.ts';
const LADDER = ['test/unit/ladder.test.ts'];
const SHARES = ['test/unit/shares.test.ts'];
const ALGORITHMS = ['test/unit/algorithms.test.ts'];

export const mutants: readonly Mutant[] = [
  {
    guard: 'a lease is charged at its end',
    file: LEDGER,
    from: 'consume(this.#counters, now, until, ask.policies',
    to: 'consume(this.#counters, now, now, ask.policies',
    tests: LADDER,
  },
  {
    guard: 'a reserve is charged ahead',
    file: LEDGER,
    from: 'now + AHEAD_MS, [policy], permits',
    to: 'now, [policy], permits',
    tests: LADDER,
  },
  {
    guard: 'a reserve is stored before it is granted from',
    file: LEDGER,
    from: 'counters: ahead,',
    to: 'counters: undrained(this.#counters, now),',
    tests: LADDER,
  },
  {
    guard: 'a lease lives from the asking',
    file: 'src/quota/lease.ts',
    // As if the reply had taken so long and the life began at its arrival.
    from: 'expires: askedAt + reply.lifeMs',
    to: 'expires: askedAt + 950 + reply.lifeMs',
    tests: LADDER,
  },
  {
    guard: 'returns of an earlier load are ignored',
    file: LEDGER,
    from: 'this.#load}.',
    to: '""}.',
    tests: LADDER,
  },
  {
    guard: 'a return counts once',
    file: LEDGER,
    from: 'this.#grants.delete(name);',
    to: '',
    tests: LADDER,
  },
  {
    guard: 'a lease of a fixed window ends with it',
    file: LEDGER,
    from: 'Math.min(now + LEASE_MS, boundary(ask.policies, now) - 1)',
    to: 'now + LEASE_MS',
    tests: LADDER,
  },
  {
    guard: 'a reserve is valid for ten seconds',
    file: LEDGER,
    from: ' || now >= this.#reserveEnd',
    to: '',
    tests: LADDER,
  },
  {
    guard: 'a reserve of a fixed window ends with it',
    file: LEDGER,
    from: 'this.#reserveEnd = Math.min(this.#reserveEnd, boundary([policy], now));',
    to: '',
    tests: LADDER,
  },
  {
    guard: 'the reserve covers the whole grant',
    file: LEDGER,
    from: '(this.#reserve.get(counter) ?? 0) >= cost)',
    to: '(this.#reserve.get(counter) ?? 0) > 0)',
    tests: LADDER,
  },
  {
    guard: 'no more comes back than was granted',
    file: LEDGER,
    from: 'Math.min(unused, grant.granted) * grant.cost',
    to: 'unused * grant.cost',
    tests: LADDER,
  },
  {
    guard: 'time never runs backwards',
    file: LEDGER,
    from: 'Math.max(this.#now, clock)',
    to: 'clock',
    tests: LADDER,
  },
  {
    guard: 'a lease takes a tenth of what remains',
    file: LEDGER,
    from: 'Math.floor((remaining * SHARE) / cost)',
    to: 'Math.floor(remaining / cost)',
    tests: LADDER,
  },
  {
    guard: 'an expired lease is not used',
    file: 'src/quota/lease.ts',
    from: 'grant.unused > 0 && now < grant.expires',
    to: 'grant.unused > 0',
    tests: LADDER,
  },
  {
    guard: 'one of a flood asks whether it is still denied',
    file: 'src/quota/lease.ts',
    from: 'if (now - lease.deniedUntil < LEASE_MS) ',
    to: 'if (false) ',
    tests: LADDER,
  },
  {
    guard: 'a permit counts until the end of its slice is a window old',
    file: 'src/limiter/algorithms/slices.ts',
    from: '(slice + 1) * sliceMs(policy)',
    to: 'slice * sliceMs(policy)',
    tests: ALGORITHMS,
  },
  {
    guard: 'a return of GCRA never makes room that was not there',
    file: 'src/limiter/algorithms/gcra.ts',
    from: 'if (micros(until) < state.newest) return state;',
    to: '',
    tests: ALGORITHMS,
  },
  {
    guard: 'all policies are spent or none',
    file: 'src/limiter/counters.ts',
    from: 'if (outcomes.every(',
    to: 'if (outcomes.some(',
    tests: ['test/unit/counters.test.ts'],
  },
  {
    guard: 'of a share that has drained nothing is moved',
    file: 'src/limiter/algorithms/sliding-share.ts',
    from: 'drainsAt(slice, policy) > now ? charge.permits : 0',
    to: 'charge.permits',
    tests: SHARES,
  },
  {
    guard: 'growth of a share must be free',
    file: 'src/limiter/algorithms/sliding-share.ts',
    from: 'most, counted + free)',
    to: 'most)',
    tests: SHARES,
  },
  {
    guard: 'a share is charged at its end',
    file: 'src/limiter/algorithms/sliding-share.ts',
    from: 'const end = Math.max(until, charge.until);',
    to: 'const end = now;',
    tests: SHARES,
  },
  {
    guard: 'a share that shrinks frees no use of the last window',
    file: 'src/limiter/algorithms/sliding-share.ts',
    from: 'Math.min(counted, usable) - permits',
    to: 'Math.min(counted, permits) - permits',
    tests: SHARES,
  },
  {
    guard: 'storage counts what renewals move',
    file: 'src/limiter/algorithms/sliding-share.ts',
    from: 'add(others, sliceOf(until, policy), permits) : others;',
    to: 'add(others, sliceOf(charge.until, policy), permits) : others;',
    tests: SHARES,
  },
  {
    guard: 'a renewal past what storage counts is written first',
    file: 'src/limiter/shares.ts',
    from: 'now < this.#storedUntil && ',
    to: '',
    tests: SHARES,
  },
  {
    guard: 'growth of a share is written first',
    file: 'src/limiter/shares.ts',
    from: 'parts.every(({ part }) => part.permits <= part.stored)',
    to: 'parts.some(({ part }) => part.stored > 0)',
    tests: SHARES,
  },
  {
    guard: 'an ask for a share that was overtaken changes nothing',
    file: 'src/limiter/shares.ts',
    from: 'isReturn : ask.order <= known.order',
    to: 'isReturn : false',
    tests: SHARES,
  },
  {
    guard: 'an isolate lowers its share before it asks',
    file: 'src/quota/share.ts',
    from: 'Math.min(permits, lowered[i] ?? 0)',
    to: 'permits',
    tests: SHARES,
  },
  {
    guard: 'an answer to an ask that was overtaken counts for nothing',
    file: 'src/quota/share.ts',
    from: 'ask.order !== share.order || ',
    to: '',
    tests: SHARES,
  },
  {
    guard: 'a share lives from the asking',
    file: 'src/quota/share.ts',
    from: 'share.expires = askedAt + lent.lifeMs',
    to: 'share.expires = now + lent.lifeMs',
    tests: SHARES,
  },
  {
    guard: 'a share that has expired is not used',
    file: 'src/quota/share.ts',
    from: 'if (now >= share.expires) return undefined;',
    to: '',
    tests: SHARES,
  },
  {
    guard: 'a share keeps its uses when it is renewed',
    file: 'src/quota/share.ts',
    from: 'share.permits = lent.permits;',
    to: 'share.permits = lent.permits;\n  share.uses = [];',
    tests: SHARES,
  },
  {
    guard: 'no check of the audit passes without evidence',
    file: 'tools/audit/evidence.ts',
    from: "if (evidence.length === 0) return 'nothing was measured';",
    to: '',
    tests: ['test/unit/audit/evidence.test.ts'],
  },
  {
    guard: 'the audit takes no figure for evidence that is not a number',
    file: 'tools/audit/evidence.ts',
    from: 'Number.isFinite(count) && count >= least',
    to: '!(count < least)',
    tests: ['test/unit/audit/evidence.test.ts'],
  },
  {
    guard: 'a share of a fixed window is charged in every window that it meets',
    file: 'src/limiter/algorithms/fixed-share.ts',
    // As a sliding window's is: at its end alone.
    from: 'const windows = windowsBetween(now, until, policy);',
    to: 'const windows = windowsBetween(until, until, policy);',
    tests: SHARES,
  },
  {
    guard: 'a fixed window’s share that shrinks frees no use of the window',
    file: 'src/limiter/algorithms/fixed-share.ts',
    from: 'start === current ? Math.max(wish.lowered, wish.used) : wish.lowered',
    to: 'wish.lowered',
    tests: SHARES,
  },
  {
    guard: 'a use counts in every fixed window that it may have been in',
    file: 'src/limiter/algorithms/fixed-share.ts',
    from: 'windowsBetween(earliest, latest, policy)',
    to: 'windowsBetween(latest, latest, policy)',
    tests: SHARES,
  },
  {
    guard: 'storage counts a fixed window’s share in every window that a renewal may meet',
    file: 'src/limiter/algorithms/fixed-share.ts',
    from: 'Math.max(0, permits - permitsIn(charge, start))',
    to: '0',
    tests: SHARES,
  },
  {
    guard: 'a share that was given back is never renewed',
    file: 'src/quota/share.ts',
    from: '  share.name = name;',
    to: '',
    tests: SHARES,
  },
];
