// Permits of requests whose cost is known only after their answer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Algorithm } from '../../src/limiter/algorithms/index.ts';
import { Ledger } from '../../src/limiter/ledger.ts';
import type { Ask } from '../../src/limiter/messages.ts';
import type { Policy } from '../../src/limiter/policy.ts';
import type { Stored } from '../../src/limiter/stored.ts';
import { EPOCH, policy } from './policies.ts';

const HOLD_MS = 30_000;

const asking = (limit: Policy, more: Partial<Ask> = {}): Ask => ({
  ...{ version: 1, policies: [limit], cost: 1, want: 1, waiting: 1, returnable: true, ...more },
});

const settlement = (grant: string, used: number, part = 0) => ({ version: 1, grant, part, used });

const left = (ledger: Ledger, now: number, limit: Policy) =>
  ledger.look(now, [limit]).policies[0]?.decision.remaining;

const algorithms: readonly Algorithm[] = ['sliding-window', 'gcra', 'fixed-window'];

describe.each(algorithms)('a hold under %s', (algorithm) => {
  const limit = policy(10, 5, 'second', algorithm);
  const hold = asking(limit, { holdMs: HOLD_MS });

  it('takes its permits at once, and gives all back though others were granted meanwhile', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, { ...hold, cost: 4 }).reply;
    expect(left(ledger, EPOCH, limit)).toBe(6);
    for (let i = 0; i < 3; i++) ledger.consume(EPOCH + 10, asking(limit));
    ledger.settle(EPOCH + 20, settlement(grant, 0));
    expect(left(ledger, EPOCH + 20, limit)).toBe(7);
  });

  it('denies what it leaves no room for, until it is settled', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, { ...hold, cost: 10 }).reply;
    const denied = ledger.consume(EPOCH, asking(limit)).reply;
    expect(denied).toMatchObject({ granted: 0, keepMs: expect.any(Number) });
    expect(denied.decisions[0]).toMatchObject({ allowed: false, remaining: 0 });
    expect(denied.decisions[0]?.retryAfterMs).toBeGreaterThan(0);
    ledger.settle(EPOCH + 20, settlement(grant, 1));
    expect(ledger.consume(EPOCH + 20, asking(limit)).reply.granted).toBe(1);
  });

  it('is charged what was used, as a debt if that is more than is left', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, hold).reply;
    ledger.settle(EPOCH + 20, settlement(grant, 25));
    expect(left(ledger, EPOCH + 20, limit)).toBe(0);
    expect(ledger.consume(EPOCH + 20, asking(limit)).reply.granted).toBe(0);
  });

  it('is settled once, and only by the load that held it', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, { ...hold, cost: 4 }).reply;
    for (let i = 0; i < 3; i++) ledger.settle(EPOCH, settlement(grant, 2));
    ledger.settle(EPOCH, settlement('1.0', 2));
    expect(left(ledger, EPOCH, limit)).toBe(8);
  });

  it('has spent its cost when nobody settles it in time', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant } = ledger.consume(EPOCH, { ...hold, cost: 4 }).reply;
    expect(left(ledger, EPOCH + HOLD_MS - 1, limit)).toBe(6);
    expect(left(ledger, EPOCH + HOLD_MS, limit)).toBe(6);
    ledger.settle(EPOCH + HOLD_MS, settlement(grant, 0));
    expect(left(ledger, EPOCH + HOLD_MS, limit)).toBe(6);
  });

  it('of several requests is settled by each', () => {
    const ledger = new Ledger(undefined, '0');
    const { grant, granted } = ledger.consume(EPOCH, { ...hold, want: 3, waiting: 3 }).reply;
    expect([granted, left(ledger, EPOCH, limit)]).toEqual([3, 7]);
    ledger.settle(EPOCH, settlement(grant, 0, 0));
    ledger.giveBack(EPOCH, { version: 1, grant, unused: 1, part: 1 });
    ledger.settle(EPOCH, settlement(grant, 1, 2));
    expect(left(ledger, EPOCH, limit)).toBe(9);
  });
});

type Event =
  | { do: 'wait'; ms: number }
  | { do: 'hold' | 'plain'; cost: number }
  | { do: 'settle'; index: number; used: number }
  | { do: 'crash' };

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.nat(3_000).map((ms) => ({ do: 'wait' as const, ms })) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('hold' as const, 'plain' as const),
      cost: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('settle' as const), index: fc.nat(9), used: fc.nat(3) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
);

interface Use {
  readonly at: number;
  used: number;
}

/** Plays events; says what was used when, each use at the moment it was let pass. */
const play = (limit: Policy, events: readonly Event[]): Use[] => {
  let [ledger, now, loads] = [new Ledger(undefined, '0'), EPOCH, 0];
  let stored: Stored | undefined;
  const uses: Use[] = [];
  const open: { grant: string; cost: number; use: Use }[] = [];
  for (const event of events) {
    if (event.do === 'wait') now += event.ms;
    else if (event.do === 'crash') ledger = new Ledger(structuredClone(stored), String(++loads));
    else if (event.do === 'settle') {
      const [one] = open.splice(event.index % Math.max(1, open.length), 1);
      if (one === undefined) continue;
      one.use.used = Math.min(event.used, one.cost);
      stored = ledger.settle(now, settlement(one.grant, one.use.used)).write ?? stored;
    } else {
      const { cost } = event;
      const ask = asking(limit, { cost, holdMs: event.do === 'hold' ? 5_000 : undefined });
      const { reply, write } = ledger.consume(now, ask);
      stored = structuredClone(write) ?? stored;
      if (reply.granted === 0) continue;
      const use = { at: now, used: cost };
      uses.push(use);
      if (event.do === 'hold') open.push({ grant: reply.grant, cost, use });
    }
  }
  return uses;
};

describe('holds, grants, settlements, ends and crashes in any order', () => {
  it('never use more than the quota in any window', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 20 }),
        fc.array(anyEvent, { maxLength: 120, size: 'max' }),
        (quota, events) => {
          const limit = policy(quota, 4, 'second');
          const uses = play(limit, events);
          for (const { at } of uses) {
            const inWindow = uses.filter((use) => use.at >= at && use.at < at + limit.windowMs);
            expect(inWindow.reduce((sum, { used }) => sum + used, 0)).toBeLessThanOrEqual(quota);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
