// Permits of requests that tell what they spent only after their answer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Algorithm } from '../../src/limiter/algorithms/index.ts';
import { type Counters, charge, peek } from '../../src/limiter/counters.ts';
import { Ledger } from '../../src/limiter/ledger.ts';
import type { Ask, Settlement } from '../../src/limiter/messages.ts';
import type { Policy } from '../../src/limiter/policy.ts';
import type { Stored } from '../../src/limiter/stored.ts';
import { EPOCH, policy } from './policies.ts';

const HOLD_MS = 30_000;

const asking = (limit: Policy, more: Partial<Ask> = {}): Ask => ({
  ...{ version: 1, policies: [limit], cost: 1, want: 1, waiting: 1, returnable: true, ...more },
});

const settlement = (grant: string, used: number, more: Partial<Settlement> = {}): Settlement => ({
  ...{ version: 1, grant, part: 0, used, ...more },
});

const left = (ledger: Ledger, now: number, limit: Policy) =>
  ledger.look(now, [limit]).policies[0]?.decision.remaining;

const algorithms: readonly Algorithm[] = ['sliding-window', 'gcra', 'fixed-window'];

describe.each(algorithms)('a request under %s that tells later what it spent', (algorithm) => {
  const limit = policy(10, 5, 'minute', algorithm);
  const hold = asking(limit, { holdMs: HOLD_MS });

  it('takes its permits at once, and gives all back though others were granted meanwhile', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, { ...hold, cost: 4 }).reply;
    expect(left(ledger, EPOCH, limit)).toBe(6);
    for (let i = 0; i < 3; i++) ledger.consume(EPOCH + 10 * i, asking(limit));
    ledger.settle(EPOCH + 20, settlement(grant, 0));
    expect(left(ledger, EPOCH + 20, limit)).toBe(7);
  });

  it('is granted alone, whatever is asked for ahead of it', () => {
    const large = policy(1_000, 5, 'minute', algorithm);
    const ahead = { holdMs: HOLD_MS, want: 20, waiting: 2 };
    expect(new Ledger(undefined, '0').consume(EPOCH, asking(large, ahead)).reply.granted).toBe(2);
  });

  it('has others wait for what it may give back, and they look again soon', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, { ...hold, cost: 10 }).reply;
    for (const ms of [1, 400, 20_000]) {
      const denied = ledger.consume(EPOCH + ms, asking(limit)).reply;
      expect(denied).toMatchObject({
        granted: 0,
        loans: { held: true },
        decisions: [{ allowed: false, remaining: 0 }],
      });
      expect(denied.loans?.backMs).toBeLessThanOrEqual(Math.min(250, Math.max(10, ms / 4)));
      expect(denied.keepMs).toBe(denied.loans?.backMs);
      expect(denied.decisions[0]?.retryAfterMs).toBeLessThanOrEqual(HOLD_MS + 100);
    }
    ledger.settle(EPOCH + 20_000, settlement(grant, 1));
    expect(ledger.consume(EPOCH + 20_000, asking(limit)).reply.granted).toBe(1);
  });

  it('has nobody wait once it has spent what it cost, or its time is over', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, { ...hold, cost: 5 }).reply;
    ledger.consume(EPOCH, { ...hold, cost: 5 });
    ledger.settle(EPOCH + 20, settlement(grant, 5));
    expect(ledger.consume(EPOCH + 21, asking(limit)).reply.loans?.held).toBe(true);
    expect(ledger.consume(EPOCH + HOLD_MS + 200, asking(limit)).reply.loans).toBeUndefined();
  });

  it('has none wait that cost more than may come back', () => {
    const ledger = new Ledger(undefined, '0');
    ledger.consume(EPOCH, asking(limit, { cost: 6 }));
    ledger.consume(EPOCH, { ...hold, cost: 3 });
    expect(ledger.consume(EPOCH, asking(limit, { cost: 5 })).reply.loans).toBeUndefined();
    expect(ledger.consume(EPOCH, asking(limit, { cost: 4 })).reply.loans?.held).toBe(true);
  });

  it('owes what it spent beyond its cost, from when it says so', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, hold).reply;
    ledger.settle(EPOCH + 20, settlement(grant, 25));
    expect(left(ledger, EPOCH + 20, limit)).toBe(0);
    expect(ledger.consume(EPOCH + 20, asking(limit)).reply.granted).toBe(0);
  });

  it('owes it after a crash too, though nothing comes back then', () => {
    const [first, second] = [new Ledger(undefined, '0'), new Ledger(undefined, '1')];
    const { reply, write } = first.consume(EPOCH, { ...hold, cost: 2 });
    const ledger = new Ledger(structuredClone(write), '2');
    const told = { policies: [limit], cost: 2 };
    ledger.settle(EPOCH + 20, settlement(reply.grant, 0, told));
    expect(left(ledger, EPOCH + 20, limit)).toBe(8);
    const debt = ledger.settle(EPOCH + 20, settlement(reply.grant, 7, { ...told, part: 1 })).write;
    expect(left(ledger, EPOCH + 20, limit)).toBe(3);
    expect(left(new Ledger(structuredClone(debt), '3'), EPOCH + 20, limit)).toBeLessThanOrEqual(3);
    ledger.settle(EPOCH + 20, settlement(reply.grant, 7, { ...told, part: 1 }));
    expect(left(ledger, EPOCH + 20, limit)).toBe(3);
    expect(left(second, EPOCH + 20, limit)).toBe(10);
  });

  it('is settled once, and nothing comes back to a load that did not grant it', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, { ...hold, cost: 4 }).reply;
    const told = { policies: [limit], cost: 4 };
    for (let i = 0; i < 3; i++) ledger.settle(EPOCH, settlement(grant, 2, told));
    ledger.settle(EPOCH, settlement(grant.replace('0.', '1.'), 2, told));
    expect(left(ledger, EPOCH, limit)).toBe(8);
  });

  it('is settled once, however many others are settled before it is told again', () => {
    const many = policy(1_000_000, 5, 'minute', algorithm);
    const ledger = new Ledger(undefined, '0');
    const told = { policies: [many], cost: 1 };
    const grants = Array.from(
      { length: 16_500 },
      () => ledger.consume(EPOCH, asking(many, { holdMs: HOLD_MS })).reply.grant,
    );
    for (const grant of grants) ledger.settle(EPOCH + 10, settlement(grant, 1, told));
    const before = left(ledger, EPOCH + 10, many);
    ledger.settle(EPOCH + 10, settlement(grants[0] ?? '', 0, told));
    expect(left(ledger, EPOCH + 10, many)).toBe(before);
  });

  it('is settled once, though its grant was forgotten before', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, asking(limit)).reply;
    ledger.consume(EPOCH, asking(limit));
    for (let i = 0; i < 2; i++)
      ledger.settle(EPOCH + 20_000, settlement(grant, 0, { policies: [limit], cost: 1 }));
    expect(left(ledger, EPOCH + 20_000, limit)).toBe(9);
  });

  it('is settled by each of those that were granted together', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant, granted } = ledger.consume(EPOCH, { ...hold, want: 3, waiting: 3 }).reply;
    expect([granted, left(ledger, EPOCH, limit)]).toEqual([3, 7]);
    ledger.settle(EPOCH, settlement(grant, 0));
    ledger.giveBack(EPOCH, { version: 1, grant, unused: 1, part: 1 });
    ledger.settle(EPOCH, settlement(grant, 1, { part: 2 }));
    expect(left(ledger, EPOCH, limit)).toBe(9);
  });

  it('gives back what it did not spend however many came since, so that thousands of slow ones are no matter', () => {
    const many = policy(1_000_000, 5, 'minute', algorithm);
    const ledger = new Ledger(undefined, '0');
    const grants = Array.from(
      { length: 6_000 },
      () => ledger.consume(EPOCH, asking(many, { holdMs: HOLD_MS })).reply.grant,
    );
    expect(ledger.returnable).toBeLessThanOrEqual(4_097);
    for (const grant of grants)
      ledger.settle(EPOCH + 9_000, settlement(grant, 0, { policies: [many], cost: 1 }));
    expect(left(ledger, EPOCH + 9_000, many)).toBe(1_000_000);
  });
});

type Event =
  | { do: 'wait'; ms: number }
  | { do: 'hold' | 'plain'; cost: number }
  | { do: 'settle'; index: number; used: number; twice: boolean }
  | { do: 'crash' };

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(fc.nat(30), fc.nat(3_000)).map((ms) => ({ do: 'wait' as const, ms })) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('hold' as const, 'plain' as const),
      cost: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      index: fc.nat(9),
      used: fc.oneof({ weight: 5, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(12) }),
      twice: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
);

/** What was charged and when, each request with what it spent as far as it has told. */
class Model {
  readonly #limit: Policy;
  readonly #charges: { at: number; permits: number }[] = [];

  constructor(limit: Policy) {
    this.#limit = limit;
  }

  charge(at: number, permits: number): { at: number; permits: number } {
    const one = { at, permits };
    this.#charges.push(one);
    return one;
  }

  left(now: number): number {
    const inOrder = this.#charges.filter(({ permits }) => permits > 0).toSorted((a, b) => a.at - b.at);
    const counters = inOrder.reduce<Counters>(
      (before, { at, permits }) => charge(before, at, [{ policy: this.#limit, permits }]),
      new Map(),
    );
    return peek(counters, now, this.#limit).remaining;
  }
}

/** Plays events on a ledger; after each, says what is left and what would be were nothing ever given back or settled late. */
const play = (
  limit: Policy,
  events: readonly Event[],
  judge: (left: number, model: number) => void,
): void => {
  const model = new Model(limit);
  let [ledger, now, loads] = [new Ledger(undefined, '0'), EPOCH, 0];
  let stored: Stored | undefined;
  const open: { grant: string; cost: number; charged: { permits: number } }[] = [];
  for (const event of events) {
    if (event.do === 'wait') now += event.ms;
    else if (event.do === 'crash') ledger = new Ledger(structuredClone(stored), String(++loads));
    else if (event.do === 'settle') {
      const [one] = open.splice(event.index % Math.max(1, open.length), 1);
      if (one === undefined) continue;
      const { grant, cost, charged } = one;
      const told = settlement(grant, event.used, { policies: [limit], cost });
      for (let i = 0; i < (event.twice && event.used <= cost ? 2 : 1); i++)
        stored = structuredClone(ledger.settle(now, told).write) ?? stored;
      charged.permits = Math.min(event.used, cost);
      if (event.used > cost) model.charge(now, event.used - cost);
    } else {
      const { cost } = event;
      const ask = asking(limit, { cost, holdMs: event.do === 'hold' ? HOLD_MS : undefined });
      const { reply, write } = ledger.consume(now, ask);
      stored = structuredClone(write) ?? stored;
      if (reply.granted === 1) {
        const charged = model.charge(now, cost);
        if (event.do === 'hold') open.push({ grant: reply.grant, cost, charged });
      }
    }
    judge(left(ledger, now, limit) ?? 0, model.left(now));
  }
};

describe.each(algorithms)('grants and settlements in any order under %s', (algorithm) => {
  const limits = fc.integer({ min: 3, max: 20 }).map((quota) => policy(quota, 4, 'second', algorithm));

  it('leave exactly what is left where each had spent from the start what it told', () => {
    const calm = fc.array(
      anyEvent.filter((event) => event.do !== 'crash'),
      { maxLength: 120, size: 'max' },
    );
    fc.assert(
      fc.property(limits, calm, (limit, events) => {
        play(limit, events, (remaining, model) => expect(remaining).toBe(model));
      }),
      { numRuns: 300 },
    );
  });

  it('leave no more than that after a crash', () => {
    fc.assert(
      fc.property(limits, fc.array(anyEvent, { maxLength: 120, size: 'max' }), (limit, events) => {
        play(limit, events, (remaining, model) => expect(remaining).toBeLessThanOrEqual(model));
      }),
      { numRuns: 300 },
    );
  });
});
