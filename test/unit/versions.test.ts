// Old and new code meet during a deploy: what the version before this one said and stored, as it said it, and what one to
// come may say. Literal, so that a change of ours does not change what they were.
import { describe, expect, it } from 'vitest';
import { Ledger } from '../../src/limiter/ledger.ts';
import type { Ask, Reply, Return } from '../../src/limiter/messages.ts';
import type { Policy } from '../../src/limiter/policy.ts';
import type { Stored } from '../../src/limiter/stored.ts';
import { join, startAsking } from '../../src/quota/asking.ts';
import { newLease, take } from '../../src/quota/lease.ts';
import { settle } from '../../src/quota/settle.ts';
import type { Answer } from '../../src/quota/waiter.ts';

const EPOCH = 1_795_219_200_000;

const minute: Policy = {
  ...{ name: '100/minute', counter: 'default:sliding-window:1minute', algorithm: 'sliding-window' },
  ...{ quota: 100, windowMs: 60_000, count: 1, unit: 'minute' },
};

const second: Policy = {
  ...{ name: '100/second', counter: 'default:gcra:1second', algorithm: 'gcra' },
  ...{ quota: 100, windowMs: 1_000, count: 1, unit: 'second' },
};

/** As isolates of the version before this one ask. */
const before = {
  plain: { version: 1, policies: [minute], cost: 1, want: 1, returnable: false },
  lease: { version: 1, policies: [minute], cost: 1, want: 8, returnable: true, token: undefined },
} as const;

/** As its Limiters answer. */
const answers = {
  plain: {
    ...{ version: 1, granted: 1, keepMs: 0, lifeMs: 1_000, grant: '' },
    decisions: [{ allowed: true, remaining: 99, retryAfterMs: 0, resetMs: 60_234 }],
  },
  lease: {
    ...{ version: 1, granted: 8, keepMs: 0, lifeMs: 1_000, grant: '5f1c.7' },
    decisions: [{ allowed: true, remaining: 72, retryAfterMs: 0, resetMs: 60_234 }],
  },
  denial: {
    ...{ version: 1, granted: 0, keepMs: 5_000, lifeMs: 0, grant: '' },
    decisions: [{ allowed: false, remaining: 0, retryAfterMs: 5_000, resetMs: 5_000 }],
  },
} satisfies Record<string, Reply>;

/** As it stores: a window that has had 60, and a TAT that is 40 permits ahead. */
const stored = (policy: Policy, state: unknown): Stored & { alarmAt: number } => ({
  ...{ version: 1, at: EPOCH, since: EPOCH - 5_000, usage: undefined, alarmAt: EPOCH + 71_234 },
  counters: new Map([[policy.counter, { policy, state }]]),
});

const spent = stored(minute, [[Math.floor(EPOCH / 234), 60]]);

const asks = (waiting: number) => {
  const lease = newLease();
  const told: Answer['kind'][] = [];
  for (let i = 0; i < waiting; i++)
    join(lease, { state: 'waiting', token: undefined, tell: (answer) => void told.push(answer.kind) });
  const asking = startAsking(lease, EPOCH, {
    leasable: true,
    leaseMs: 1_000,
    shared: true,
    timeoutMs: 1_000,
  });
  if (asking === undefined) throw new Error('nothing was asked');
  return { lease, told, asking };
};

describe('an isolate of the version before', () => {
  it('is granted a permit, and a lease, as it knows them', () => {
    const ledger = new Ledger(undefined, '0');
    const plain = ledger.consume(EPOCH, before.plain).reply;
    expect(plain).toMatchObject({ version: 1, granted: 1, keepMs: 0, grant: '' });
    const lease = ledger.consume(EPOCH, before.lease).reply;
    expect(lease).toMatchObject({ version: 1, granted: 8, keepMs: 0, lifeMs: 1_000 });
    expect(lease.decisions[0]?.remaining).toBe(91);
  });

  it('is denied for as long as it knows how', () => {
    const ledger = new Ledger(undefined, '0');
    for (let i = 0; i < 100; i++) ledger.consume(EPOCH, before.plain);
    const denied = ledger.consume(EPOCH, before.lease).reply;
    expect(denied).toMatchObject({ granted: 0, keepMs: 10_000, lifeMs: 0, grant: '' });
  });

  it('gives a lease back at once, and once', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, before.lease).reply;
    const unused: Return = { version: 1, grant, unused: 7 };
    ledger.giveBack(EPOCH + 1_000, unused);
    ledger.giveBack(EPOCH + 1_000, unused);
    expect(ledger.look(EPOCH + 1_000, [minute]).policies[0]?.decision.remaining).toBe(99);
  });
});

describe('a Limiter of the version before', () => {
  it('grants one of those that wait; the others ask again', () => {
    const { lease, told, asking } = asks(3);
    settle(lease, asking, answers.plain);
    expect(told).toEqual(['granted']);
    expect(take(lease, EPOCH)).toBeUndefined();
    expect(
      startAsking(lease, EPOCH, { leasable: true, leaseMs: 1_000, shared: true, timeoutMs: 1_000 })?.waiters
        .length,
    ).toBe(2);
  });

  it('grants one to a request that has left: nobody who comes later may use it', () => {
    const { lease, asking } = asks(1);
    for (const waiter of asking.waiters) waiter.state = 'gone';
    expect(settle(lease, asking, answers.plain)?.unused).toBe(1);
    expect(take(lease, EPOCH + 1)).toBeUndefined();
  });

  it('lends, and what is left may be used until its end', () => {
    const { lease, told, asking } = asks(3);
    settle(lease, asking, answers.lease);
    expect(told).toEqual(['granted', 'granted', 'granted']);
    for (let i = 0; i < 5; i++) expect(take(lease, EPOCH + 999)).toBeDefined();
    expect(take(lease, EPOCH + 999)).toBeUndefined();
  });

  it('denies all that wait', () => {
    const { lease, told, asking } = asks(3);
    settle(lease, asking, answers.denial);
    expect(told).toEqual(['denied', 'denied', 'denied']);
    expect(lease.deniedUntil).toBe(EPOCH + 5_000);
  });

  it('understands every member that its version knows of what is asked today', () => {
    const today: Ask = { ...before.lease, waiting: 3, spent: ['5f1c.6'], undecidedMs: 250 };
    expect(today).toMatchObject({ version: 1, policies: [minute], cost: 1, want: 8, returnable: true });
  });
});

describe('what the version before stored', () => {
  it('counts on', () => {
    const ledger = new Ledger(structuredClone(spent), '0');
    expect(ledger.look(EPOCH + 1_000, [minute]).policies[0]?.decision.remaining).toBe(40);
  });

  it('counts on under gcra', () => {
    const tat = (EPOCH + 400) * 1_000;
    const ledger = new Ledger(structuredClone(stored(second, { tat, newest: EPOCH * 1_000 })), '0');
    expect(ledger.look(EPOCH, [second]).policies[0]?.decision.remaining).toBe(60);
  });
});

describe('what this version stores', () => {
  it('is counted in full by the version before, which knows `counters` alone', () => {
    const ledger = new Ledger(undefined, '0');
    const ask: Ask = { ...before.plain, policies: [second] };
    let last: Stored | undefined;
    for (let i = 0; i < 60; i++) last = ledger.consume(EPOCH + i, ask).write ?? last;
    const state = last?.counters.get(second.counter)?.state as { tat: number; apart: { permits: number } };
    expect(state.apart.permits).toBeGreaterThan(0);
    // There the TAT alone counts: all that is reserved, as if granted at the reserve's very end.
    expect(state.tat).toBeGreaterThanOrEqual((EPOCH + 10_000) * 1_000 + state.apart.permits * 10_000);
  });
});

describe('what a version to come says', () => {
  it('and stored counts as spent, until that has drained', () => {
    const record = { ...structuredClone(spent), version: 2, counters: { a: 'different form' } };
    const load = () => new Ledger(record as unknown as Stored, '0');
    expect(load().consume(EPOCH + 1_000, before.plain).reply.granted).toBe(0);
    expect(load().consume(EPOCH + 60_000, before.plain).reply.granted).toBe(0);
    expect(load().consume(EPOCH + 80_300, before.plain).reply.granted).toBe(1);
  });
});
