// Shares never admit more than the quota: random schedules of asks, renewals, shrinking, second tries, lost and late
// messages, lost isolates and crashes of the object, each clock its own, against a judge that sees every use.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slidingShare } from '../../src/limiter/algorithms/sliding-share.ts';
import { slidingWindow } from '../../src/limiter/algorithms/sliding-window.ts';
import { Books } from '../../src/limiter/books.ts';
import { type Counters, consume, resume } from '../../src/limiter/counters.ts';
import { Ledger } from '../../src/limiter/ledger.ts';
import { endShare as endShareThere, lendShare } from '../../src/limiter/lend-share.ts';
import { type Ask, type LentShare, type ShareAsk, VERSION } from '../../src/limiter/messages.ts';
import type { Policy } from '../../src/limiter/policy.ts';
import { newGrant } from '../../src/quota/grant.ts';
import { giveBackShare, type Lease, newLease, type Single } from '../../src/quota/lease.ts';
import {
  askShare,
  newShare,
  noteRequests,
  type Share,
  settleShare,
  takeShare,
} from '../../src/quota/share.ts';
import { adoptSingles, noteSingles, restoreSingles } from '../../src/quota/singles.ts';
import { SOAK_TIMEOUT_MS, scaled } from '../fixtures/scale.ts';
import { EPOCH, policy } from './policies.ts';

/** Storage covers renewals for so long. */
const STORED_MS = 10_000;

interface Asked {
  readonly isolate: number;
  readonly lease: Lease;
  readonly askedAt: number;
  readonly ask: ShareAsk;
  readonly singles: readonly Single[];
}

interface Answered extends Asked {
  readonly lent: LentShare | undefined;
}

/** One Limiter and isolates, with time, delay, loss and crash in the test's hands. */
class World {
  /** True time; each clock is off by its own. */
  now = EPOCH;
  readonly uses: number[] = [];
  #names = 0;
  readonly #policies: readonly Policy[];
  readonly #lifeMs: number;
  readonly #limiterSkew: number;
  readonly #skews: readonly number[];
  readonly #leases: Lease[];
  #books = new Books(new Map(), '0');
  #loads = 0;
  #stored: Counters = new Map();
  #asks: Asked[] = [];
  #replies: Answered[] = [];

  constructor(policies: readonly Policy[], lifeMs: number, limiterSkew: number, skews: readonly number[]) {
    this.#policies = policies;
    this.#lifeMs = lifeMs;
    this.#limiterSkew = limiterSkew;
    this.#skews = skews;
    this.#leases = skews.map(() => newLease(this.#newShare()));
  }

  get limiterNow(): number {
    return this.now + this.#limiterSkew;
  }

  /** A request on the share; where there is none left it may ask for a single permit, decided there and then. */
  request(isolate: number, single: boolean): boolean {
    const taken = takeShare(this.#share(isolate), this.#clock(isolate));
    const passed = taken !== undefined || (single && this.#decideSingle(isolate));
    if (passed) this.uses.push(this.now);
    return passed;
  }

  ask(isolate: number, wish: number): void {
    const lease = this.#lease(isolate);
    const share = this.#share(isolate);
    const askedAt = this.#clock(isolate);
    const singles = adoptSingles(lease, share, askedAt);
    const adopted = singles.map(({ grant, requests }) => ({ grant: grant.name, requests }));
    const wishes = share.policies.map(() => wish);
    this.#asks.push({ isolate, lease, askedAt, ask: askShare(share, askedAt, wishes, adopted), singles });
  }

  /** Gives the share back; the Limiter may never hear of it. */
  giveBack(isolate: number): void {
    const lease = this.#lease(isolate);
    const askedAt = this.#clock(isolate);
    giveBackShare(lease, this.#share(isolate), askedAt);
    for (const { share: ask } of lease.returns.splice(0))
      if (ask !== undefined) this.#asks.push({ isolate, lease, askedAt, ask, singles: [] });
  }

  /** An ask reaches the Limiter; what it writes is durable before its reply leaves. */
  deliverAsk(index: number, isLost: boolean): void {
    const [asked] = this.#asks.splice(index % Math.max(1, this.#asks.length), 1);
    if (asked === undefined || isLost) return;
    const now = this.limiterNow;
    if (asked.ask.wishes.every(({ ages }) => ages !== undefined)) {
      endShareThere(this.#books, now, asked.ask);
      return;
    }
    const ask = { ...this.#message, want: 0, waiting: 0, share: asked.ask };
    const loan = lendShare(this.#books, { now, leaseMs: this.#lifeMs, ask }, 0);
    if (loan?.isStored === false) this.#write();
    this.#replies.push({ ...asked, lent: loan?.share });
  }

  deliverReply(index: number, isLost: boolean): void {
    const [reply] = this.#replies.splice(index % Math.max(1, this.#replies.length), 1);
    // Replies to an isolate that is gone reach nobody.
    if (reply === undefined || isLost) return;
    const { lease, ask, askedAt, lent, singles } = reply;
    const now = this.#clock(reply.isolate);
    if (lease.share === undefined) return;
    settleShare(lease.share, ask, askedAt, now, lent);
    if (lent !== undefined || ask.name !== lease.share.name) return;
    restoreSingles(lease, singles);
    giveBackShare(lease, lease.share, now);
  }

  settle(): void {
    while (this.#asks.length > 0) this.deliverAsk(0, false);
    while (this.#replies.length > 0) this.deliverReply(0, false);
  }

  /** Renews again and again, uses all of it each time, and writes as seldom as it can. */
  renewals(isolate: number, wish: number, times: number): void {
    for (let i = 0; i < times; i++) {
      this.ask(isolate, wish);
      this.settle();
      while (this.request(isolate, false));
      this.now += Math.floor(this.#lifeMs * 0.8);
    }
  }

  /** Asks twice, and the first ask or its answer comes after the second's. */
  overtake(isolate: number, wishes: readonly [number, number], late: 'ask' | 'reply'): void {
    this.settle();
    for (const wish of wishes) this.ask(isolate, wish);
    if (late === 'ask') {
      this.deliverAsk(1, false);
      this.deliverReply(0, false);
      while (this.request(isolate, false));
      this.deliverAsk(0, false);
    } else {
      for (const index of [0, 0]) this.deliverAsk(index, false);
      for (const index of [1, 0]) this.deliverReply(index, false);
    }
  }

  /** Every isolate takes what it can get. */
  grab(): void {
    for (const isolate of this.#leases.keys()) {
      this.ask(isolate, Math.max(...this.#policies.map(({ quota }) => quota)));
      this.settle();
      while (this.request(isolate, true));
    }
  }

  loseIsolate(isolate: number): void {
    this.#leases[isolate % this.#leases.length] = newLease(this.#newShare());
  }

  /** Eviction, redeploy or crash: all the same to what was not stored. */
  crash(): void {
    const stored = structuredClone(this.#stored);
    this.#books = new Books(
      resume(stored, this.limiterNow, this.limiterNow + this.#lifeMs),
      String(++this.#loads),
    );
  }

  /** Most permits used in a window of each policy, above its quota. */
  over(): number {
    return Math.max(...this.#policies.map((each) => this.#busiest(each) - each.quota));
  }

  #busiest({ algorithm, windowMs }: Policy): number {
    if (algorithm === 'sliding-window')
      return Math.max(
        0,
        ...this.uses.map((end) => this.uses.filter((use) => use > end - windowMs && use <= end).length),
      );
    const windows = this.uses.map((use) => Math.floor((use + this.#limiterSkew) / windowMs));
    return Math.max(0, ...windows.map((window) => windows.filter((other) => other === window).length));
  }

  #decideSingle(isolate: number): boolean {
    const now = this.limiterNow;
    const [decisions, counters] = consume(this.#books.counters, now, now, this.#policies, 1);
    if (!decisions.every(({ allowed }) => allowed)) return false;
    this.#books.counters = counters;
    const times = { now, until: now, leaseMs: this.#lifeMs };
    const name = this.#books.grants.remember(times, this.#message, { served: 1, ahead: 0 });
    const at = this.#clock(isolate);
    noteRequests(this.#share(isolate), at, 1);
    noteSingles(this.#lease(isolate), newGrant({ name, size: 1, leased: false, expires: at }), at);
    this.#write();
    return true;
  }

  get #message(): Ask {
    return { version: VERSION, policies: this.#policies, cost: 1, want: 1, returnable: true };
  }

  #write(): void {
    const until = this.limiterNow + STORED_MS;
    this.#stored = structuredClone(
      this.#books.shares.store(this.#books.counters, this.limiterNow, until, until + this.#lifeMs),
    );
  }

  #newShare(): Share {
    return newShare({
      ...{ id: String(this.#names++), policies: this.#policies },
      ...{ cost: 1, isPartial: false, leaseMs: this.#lifeMs },
    });
  }

  #clock(isolate: number): number {
    return this.now + (this.#skews[isolate % this.#skews.length] ?? 0);
  }

  #share(isolate: number): Share {
    const { share } = this.#lease(isolate);
    if (share === undefined) throw new Error('every lease here has a share');
    return share;
  }

  #lease(isolate: number): Lease {
    const lease = this.#leases[isolate % this.#leases.length];
    if (lease === undefined) throw new Error('a world has at least one isolate');
    return lease;
  }
}

type Event =
  | { do: 'wait'; ms: number }
  | { do: 'use'; isolate: number; times: number }
  | { do: 'single'; isolate: number }
  | { do: 'ask'; isolate: number; wish: number }
  | { do: 'deliver-ask' | 'deliver-reply'; index: number; isLost: boolean }
  | { do: 'renewals'; isolate: number; wish: number; times: number }
  | { do: 'overtake'; isolate: number; wishes: [number, number]; late: 'ask' | 'reply' }
  | { do: 'settle' | 'grab' | 'crash' }
  | { do: 'lose-isolate' | 'give-back'; isolate: number };

const play = (world: World, event: Event): void => {
  switch (event.do) {
    case 'wait':
      world.now += event.ms;
      return;
    case 'use':
      for (let i = 0; i < event.times; i++) if (!world.request(event.isolate, false)) return;
      return;
    case 'single':
      world.request(event.isolate, true);
      return;
    case 'ask':
      world.ask(event.isolate, event.wish);
      return;
    case 'deliver-ask':
      world.deliverAsk(event.index, event.isLost);
      return;
    case 'deliver-reply':
      world.deliverReply(event.index, event.isLost);
      return;
    case 'settle':
      world.settle();
      return;
    case 'renewals':
      world.renewals(event.isolate, event.wish, event.times);
      return;
    case 'overtake':
      world.overtake(event.isolate, event.wishes, event.late);
      return;
    case 'grab':
      world.grab();
      return;
    case 'crash':
      world.crash();
      return;
    case 'give-back':
      world.giveBack(event.isolate);
      return;
    case 'lose-isolate':
      world.loseIsolate(event.isolate);
  }
};

const anyEvent = (quota: number, windowMs: number, lifeMs: number): fc.Arbitrary<Event> => {
  const isolate = fc.nat(3);
  const index = fc.nat(5);
  const isLost = fc.integer({ min: 0, max: 4 }).map((dice) => dice === 0);
  const wish = fc.oneof(fc.nat(quota), fc.constant(quota), fc.constant(Math.ceil(quota / 2)));
  const ms = fc.oneof(
    fc.nat(10),
    fc.integer({ min: 0, max: lifeMs }),
    fc.integer({ min: lifeMs - 5, max: lifeMs + 5 }),
    fc.integer({ min: Math.max(0, windowMs - lifeMs - 10), max: windowMs + 10 }),
    fc.integer({ min: STORED_MS - 10, max: STORED_MS + 1_010 }),
  );
  return fc.oneof(
    { weight: 6, arbitrary: ms.map((each) => ({ do: 'wait' as const, ms: each })) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('use' as const), isolate, times: fc.nat(quota) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('single' as const), isolate }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), isolate, wish }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('deliver-ask' as const, 'deliver-reply' as const),
        index,
        isLost,
      }),
    },
    { weight: 6, arbitrary: fc.constant({ do: 'settle' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('renewals' as const), isolate, wish, times: fc.nat(14) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('overtake' as const),
        isolate,
        wishes: fc.tuple(wish, wish),
        late: fc.constantFrom('ask' as const, 'reply' as const),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'grab' as const }) },
    { weight: 2, arbitrary: fc.constant({ do: 'crash' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('lose-isolate' as const, 'give-back' as const), isolate }),
    },
  );
};

const anySchedule = (algorithms: readonly 'sliding-window'[]) =>
  fc
    .record({
      quotas: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 })),
      seconds: fc.tuple(fc.constantFrom(1, 1, 1, 2, 3, 10), fc.constantFrom(2, 3, 10, 31)),
      lifeMs: fc.constantFrom(1_000, 1_000, 2_000, 10_000),
      limiterSkew: fc.integer({ min: -3_000, max: 3_000 }),
      skews: fc.array(fc.integer({ min: -3_000, max: 3_000 }), { minLength: 1, maxLength: 4 }),
    })
    .chain(({ quotas, seconds, lifeMs, limiterSkew, skews }) => {
      const policies = algorithms.map((algorithm, i) =>
        policy(quotas[i] ?? 1, seconds[i] ?? 1, 'second', algorithm),
      );
      const windowMs = policies[0]?.windowMs ?? 1_000;
      const events = fc.array(anyEvent(quotas[0], windowMs, lifeMs), { minLength: 10, maxLength: 120 });
      return fc.record({
        policies: fc.constant(policies),
        lifeMs: fc.constant(lifeMs),
        limiterSkew: fc.constant(limiterSkew),
        skews: fc.constant(skews),
        events,
      });
    });

const RUNS = scaled(2_000, 20_000);

describe('any interleaving of shares lent, renewed, shrunk, given back, lost and crashed', () => {
  it.each([
    ['a sliding window', ['sliding-window']],
    ['two sliding windows', ['sliding-window', 'sliding-window']],
  ] as const)('never uses more than the quota of %s', { timeout: SOAK_TIMEOUT_MS }, (_name, algorithms) => {
    fc.assert(
      fc.property(anySchedule(algorithms), ({ policies, lifeMs, limiterSkew, skews, events }) => {
        const world = new World(policies, lifeMs, limiterSkew, skews);
        for (const event of events) play(world, event);
        expect(world.over()).toBeLessThanOrEqual(0);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('what a share takes over', () => {
  it('needs no more room, and does not come back by itself', () => {
    const limit = policy(10, 1, 'second', 'sliding-window');
    const ledger = new Ledger(undefined, '0');
    const ask = { version: VERSION, policies: [limit], cost: 1, want: 1, returnable: true };
    const grants = Array.from({ length: 8 }, () => ledger.consume(EPOCH, ask).reply.grant);
    const wish = { counter: limit.counter, permits: 7, lowered: 0, used: 7, recent: 8 };
    const adopted = grants.slice(1).map((grant) => ({ grant, requests: 1 }));
    const share = { name: 'a', order: 1, wishes: [wish], adopted };
    const { reply } = ledger.consume(EPOCH, { ...ask, want: 0, waiting: 0, share });
    expect(reply.share?.permits).toEqual([7]);
    const left = () => ledger.look(EPOCH, [limit]).policies[0]?.decision.remaining;
    expect(left()).toBe(2);
    for (const { grant } of adopted) ledger.giveBack(EPOCH, { version: VERSION, grant, unused: 1, part: 0 });
    expect(left()).toBe(2);
  });
});

describe('a share', () => {
  it('lives from when it was asked for, however long the answer took', () => {
    const limit = policy(10, 1, 'second', 'sliding-window');
    const share = newShare({ id: 'a', policies: [limit], cost: 1, isPartial: false, leaseMs: 1_000 });
    const ask = askShare(share, EPOCH, [5]);
    settleShare(share, ask, EPOCH, EPOCH + 400, { permits: [5], lifeMs: 1_000, at: EPOCH + 200 });
    expect(takeShare(share, EPOCH + 999)).toBeDefined();
    expect(takeShare(share, EPOCH + 1_000)).toBeUndefined();
  });
});

describe('a share that is given back with more uses than it was', () => {
  it('counts the newest, since the others are charged already', () => {
    const limit = policy(10, 1, 'second', 'sliding-window');
    const ages = [
      [900, 1],
      [500, 1],
      [10, 1],
    ] as const;
    const wish = { counter: limit.counter, permits: 0, lowered: 0, used: 3, ages };
    const charge = { until: EPOCH, permits: 2 };
    const lent = slidingWindow.charge([], EPOCH, limit, 2);
    const bounds = { most: 0, takenOver: 0, spare: 0, tight: 0 };
    const { state } = slidingShare.renew(lent, EPOCH, EPOCH, limit, charge, wish, bounds);
    expect(slidingWindow.consume(state, EPOCH + 400, EPOCH + 400, limit, 0)[0].remaining).toBe(8);
  });
});

describe('a share that is asked to be less', () => {
  it('is no more from the asking on, and the Limiter is told how much may be used until its answer', () => {
    const limit = policy(10, 1, 'second', 'sliding-window');
    const share = newShare({ id: 'a', policies: [limit], cost: 1, isPartial: false, leaseMs: 1_000 });
    const lent = { permits: [8], lifeMs: 1_000, at: EPOCH };
    settleShare(share, askShare(share, EPOCH, [8]), EPOCH, EPOCH, lent);
    takeShare(share, EPOCH);
    expect(askShare(share, EPOCH, [5]).wishes).toMatchObject([{ permits: 5, lowered: 5, used: 1 }]);
    const taken = Array.from({ length: 9 }, () => takeShare(share, EPOCH));
    expect(taken.filter((use) => use !== undefined)).toHaveLength(4);
  });

  it('stays charged for what may still be used, though less is lent than was wished for', () => {
    const limit = policy(10, 1, 'second', 'sliding-window');
    const charge = { until: EPOCH + 1_000, permits: 8 };
    const before = slidingWindow.charge([], EPOCH + 1_000, limit, 8);
    const wish = { counter: limit.counter, permits: 5, lowered: 5, used: 1 };
    const bounds = { most: 3, takenOver: 0, spare: 0, tight: 0 };
    const { state } = slidingShare.renew(before, EPOCH, EPOCH + 1_000, limit, charge, wish, bounds);
    expect(slidingWindow.consume(state, EPOCH, EPOCH, limit, 0)[0].remaining).toBe(5);
  });
});
