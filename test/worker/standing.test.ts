// Marks and overrides in the Limiter, inside workerd, through eviction and rest.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { parseLimits } from '../../src/config/notation.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import type { Ask } from '../../src/limiter/messages.ts';
import type { Override } from '../../src/limiter/standing.ts';

const { LIMITER } = env as unknown as Bindings;

let objects = 0;
const limiter = (): DurableObjectStub<Limiter> => LIMITER.get(LIMITER.idFromName(`standing ${objects++}`));

const NEVER = Number.POSITIVE_INFINITY;

const ask = (limits: string, more: Partial<Ask> = {}): Ask => ({
  version: 1,
  policies: parseLimits(limits, 'default', 'sliding-window').policies,
  cost: 1,
  want: 1,
  returnable: false,
  token: { jti: 'good', iat: Math.floor(Date.now() / 1000) },
  ...more,
});

const of = (jti: string) => ({ token: { jti, iat: Math.floor(Date.now() / 1000) } });

const override = (limits: string, ms = 60_000): Override => ({
  limits,
  policies: parseLimits(limits, 'default', 'sliding-window').policies,
  since: Date.now(),
  until: Date.now() + ms,
  reason: 'a test',
});

const keys = (stub: DurableObjectStub<Limiter>) =>
  runInDurableObject(stub, async (_, state) => ({
    keys: [...state.storage.kv.list()].map(([key]) => key),
    alarm: await state.storage.getAlarm(),
  }));

/** What has drained is kept for a day, so that a caller who comes back finds its alarm set. */
const KEPT_MS = 86_400_000;

/** When its counters have drained; to be asked where the ledger set the alarm. */
const drained = async (stub: DurableObjectStub<Limiter>): Promise<void> => {
  const { alarm } = await keys(stub);
  await scheduler.wait(Math.max(0, (alarm ?? 0) - KEPT_MS - Date.now()) + 5);
};

describe('a revoked token', () => {
  it('gets nothing and spends nothing, while the subject’s other tokens go on', async () => {
    const stub = limiter();
    await stub.revoke({ jti: 'stolen', until: NEVER });
    for (let i = 0; i < 5; i++) expect((await stub.consume(ask('10/minute', of('stolen')))).granted).toBe(0);
    const { granted, decisions, marks } = await stub.consume(ask('10/minute'));
    expect(granted).toBe(1);
    expect(decisions[0]?.remaining).toBe(9);
    expect(marks).toEqual({ before: undefined, jtis: ['stolen'] });
  });

  it('stays revoked through eviction, and after the counters have drained', async () => {
    const stub = limiter();
    await stub.consume(ask('5/second'));
    await stub.revoke({ jti: 'stolen', until: NEVER });
    await evictDurableObject(stub);
    expect((await stub.consume(ask('5/second', of('stolen')))).granted).toBe(0);
    await drained(stub);
    await runDurableObjectAlarm(stub);
    expect(await keys(stub)).toEqual({ keys: ['standing'], alarm: null });
    await evictDurableObject(stub);
    expect((await stub.consume(ask('5/second', of('stolen')))).granted).toBe(0);
    expect((await stub.consume(ask('5/second'))).granted).toBe(1);
  });

  it('is forgotten with everything else once it has expired', async () => {
    const stub = limiter();
    const until = Date.now() + 100;
    await stub.revoke({ jti: 'stolen', until });
    expect(await keys(stub)).toEqual({ keys: ['standing'], alarm: until });
    await scheduler.wait(until - Date.now() + 5);
    expect((await stub.consume(ask('5/second', of('stolen')))).marks).toBeUndefined();
    await drained(stub);
    await runDurableObjectAlarm(stub);
    expect(await keys(stub)).toEqual({ keys: [], alarm: null });
  });

  it('past the 64th is not taken in', async () => {
    const stub = limiter();
    for (let i = 0; i < 64; i++) await stub.revoke({ jti: `t${i}`, until: NEVER });
    expect(await stub.revoke({ jti: 't64', until: NEVER })).toBeUndefined();
    expect((await stub.look()).standing?.jtis.length).toBe(64);
    expect((await stub.liftRevocations()).standing).toBeUndefined();
  });
});

describe('a subject without marks', () => {
  it('gets replies that are no larger for them', async () => {
    const reply = await limiter().consume(ask('5/minute'));
    expect(Object.keys(reply).toSorted()).toEqual(
      ['decisions', 'grant', 'granted', 'keepMs', 'lifeMs', 'version'].toSorted(),
    );
  });
});

describe('an override', () => {
  it('of other limits decides at once, keeps what was spent, and ends', async () => {
    const stub = limiter();
    for (let i = 0; i < 5; i++) await stub.consume(ask('5/minute'));
    expect((await stub.consume(ask('5/minute'))).granted).toBe(0);
    await stub.override(override('8/minute', 300));
    const reply = await stub.consume(ask('5/minute'));
    expect(reply).toMatchObject({ granted: 1, policies: [{ name: '8/minute' }] });
    expect(reply.decisions[0]?.remaining).toBe(2);
    await scheduler.wait(300);
    const after = await stub.consume(ask('5/minute'));
    expect(after.granted).toBe(0);
    expect(after.policies).toBeUndefined();
  });

  it('of a short window is never lent, though the policy it replaces would be', async () => {
    const stub = limiter();
    await stub.override(override('100/second'));
    expect((await stub.consume(ask('10000/minute', { want: 64 }))).granted).toBe(1);
  });

  it('of `none` grants all and counts nothing', async () => {
    const stub = limiter();
    await stub.override(override('none'));
    for (let i = 0; i < 20; i++) expect((await stub.consume(ask('5/minute'))).granted).toBe(1);
    await stub.override(undefined);
    expect((await stub.consume(ask('5/minute'))).decisions[0]?.remaining).toBe(4);
  });

  it('of `blocked` denies all, also on routes without limits', async () => {
    const stub = limiter();
    await stub.override(override('blocked'));
    const exempt = { ...ask('5/minute'), policies: [], want: Number.MAX_SAFE_INTEGER };
    for (const asked of [ask('5/minute'), exempt]) {
      const { granted, policies, decisions, keepMs } = await stub.consume(asked);
      expect({ granted, keepMs }).toEqual({ granted: 0, keepMs: 10_000 });
      expect(policies?.map(({ name }) => name)).toEqual(['blocked']);
      expect(decisions[0]?.retryAfterMs).toBeGreaterThan(59_000);
    }
  });

  it('outlives eviction and the counters, and then goes too', async () => {
    const stub = limiter();
    await stub.consume(ask('5/second'));
    await drained(stub);
    const set = override('7/second', 1_500);
    await stub.override(set);
    expect(await keys(stub)).toEqual({ keys: ['ledger', 'standing'], alarm: set.until });
    await evictDurableObject(stub);
    expect((await stub.look()).standing?.override?.limits).toBe('7/second');
    await scheduler.wait(set.until - Date.now() + 5);
    await runDurableObjectAlarm(stub);
    expect(await keys(stub)).toEqual({ keys: [], alarm: null });
  });
});

describe('an operator', () => {
  it('sees what is left, under the limits that apply', async () => {
    const stub = limiter();
    expect(await stub.look()).toEqual({
      ...{ firstSeen: undefined, lastSeen: undefined },
      ...{ policies: [], standing: undefined },
    });
    expect(await keys(stub)).toEqual({ keys: [], alarm: null });
    await stub.consume(ask('5/minute; 100/hour'));
    const { firstSeen, lastSeen, policies } = await stub.look();
    expect(Date.now() - (firstSeen ?? 0)).toBeLessThan(1_000);
    expect(lastSeen).toBe(firstSeen);
    const left = policies.map(({ policy, decision }) => [policy.name, decision.remaining]);
    expect(left).toEqual([
      ['5/minute', 4],
      ['100/hour', 99],
    ]);
    const { policies: others } = await stub.override(override('50/minute'));
    expect(others.map(({ policy, decision }) => [policy.name, decision.remaining])).toEqual([
      ['50/minute', 49],
    ]);
  });

  it('sees a reset at once, and nothing is left of it in storage', async () => {
    const stub = limiter();
    for (let i = 0; i < 5; i++) await stub.consume(ask('5/minute'));
    expect((await stub.reset()).policies).toEqual([]);
    expect((await keys(stub)).keys).toEqual([]);
    await evictDurableObject(stub);
    expect((await stub.consume(ask('5/minute'))).decisions[0]?.remaining).toBe(4);
  });

  it('leaves nothing behind when all that was set is lifted', async () => {
    const stub = limiter();
    await stub.override(override('none'));
    await stub.override(undefined);
    await runDurableObjectAlarm(stub);
    expect(await keys(stub)).toEqual({ keys: [], alarm: null });
  });
});

describe('unusual use', () => {
  const watch = (uses: number, deny = false) => ({ watch: { factor: 5, deny, uses } });

  it('is told once a minute, denied where that is wished, and is kept without a write of its own', async () => {
    const stub = limiter();
    await runInDurableObject(stub, (instance, state) => {
      const clock = Date.now;
      const at = (minute: number) => {
        Date.now = () => 1_795_219_200_000 + minute * 60_000;
      };
      for (let minute = 0; minute < 20; minute++) {
        at(minute);
        expect(instance.consume(ask('1000000/hour', watch(20))).abnormal).toBeUndefined();
      }
      at(21);
      const rows = () => Number(state.storage.sql.exec('SELECT total_changes() AS n').one().n);
      const first = instance.consume(ask('1000000/hour', watch(200)));
      expect(first).toMatchObject({ granted: 1, abnormal: { denied: false, report: true } });
      const before = rows();
      const denied = instance.consume(ask('1000000/hour', watch(1, true)));
      expect(denied).toMatchObject({ granted: 0, keepMs: 1_000, abnormal: { denied: true, report: false } });
      expect(rows()).toBe(before);
      at(22);
      expect(instance.consume(ask('1000000/hour', watch(1))).abnormal).toMatchObject({ report: true });
      at(24);
      expect(instance.consume(ask('1000000/hour', watch(1))).abnormal).toBeUndefined();
      Date.now = clock;
    });
  });

  it('is remembered through eviction', async () => {
    const stub = limiter();
    const during = (use: (instance: Limiter, at: (minute: number) => void) => void) =>
      runInDurableObject(stub, (instance) => {
        const clock = Date.now;
        const start = clock() - 60 * 60_000;
        try {
          use(instance, (minute) => {
            Date.now = () => start + minute * 60_000;
          });
        } finally {
          Date.now = clock;
        }
      });
    await during((instance, at) => {
      for (let minute = 0; minute < 20; minute++) {
        at(minute);
        instance.consume(ask('1000000/hour', watch(20)));
      }
    });
    await evictDurableObject(stub);
    await during((instance, at) => {
      at(30);
      expect(instance.consume(ask('1000000/hour', watch(100))).abnormal).toMatchObject({ report: true });
    });
  });
});
