// The Limiter inside workerd, with real storage, eviction and alarms.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { parseLimits } from '../../src/config/notation.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';

const { LIMITER } = env as unknown as Bindings;

let objects = 0;
const limiter = (): DurableObjectStub<Limiter> => LIMITER.get(LIMITER.idFromName(`test ${objects++}`));

const ask = (limits: string, { cost = 1, want = 1, returnable = false } = {}) => ({
  version: 1 as const,
  policies: parseLimits(limits, 'default', 'sliding-window').policies,
  cost,
  want,
  returnable,
});

const rows = (stub: DurableObjectStub<Limiter>) =>
  runInDurableObject(stub, async (_, state) => ({
    keys: [...state.storage.kv.list()].length,
    alarm: await state.storage.getAlarm(),
  }));

/** Rows that SQLite ever wrote for this object. */
const totalChanges = (sql: SqlStorage): number => Number(sql.exec('SELECT total_changes() AS n').one().n);

describe('a Limiter', () => {
  it('keeps what was spent through eviction after every single grant', async () => {
    const stub = limiter();
    for (let i = 0; i < 5; i++) {
      expect((await stub.consume(ask('5/minute'))).granted).toBe(1);
      await evictDurableObject(stub);
    }
    const { granted, decisions } = await stub.consume(ask('5/minute'));
    expect(granted).toBe(0);
    expect(decisions[0]?.retryAfterMs).toBeGreaterThan(50_000);
  });

  it('spends no policy where another denies', async () => {
    const stub = limiter();
    const both = ask('2/minute; 100/hour');
    await stub.consume(both);
    await stub.consume(both);
    for (let i = 0; i < 10; i++) expect((await stub.consume(both)).granted).toBe(0);
    const { decisions } = await stub.consume(ask('100/hour'));
    expect(decisions[0]?.remaining).toBe(97);
  });

  it('keeps what was spent when the quota is raised or the tier changes', async () => {
    const stub = limiter();
    for (let i = 0; i < 10; i++) await stub.consume(ask('10/minute'));
    expect((await stub.consume(ask('10/minute'))).granted).toBe(0);
    const { decisions } = await stub.consume(ask('15/minute'));
    expect(decisions[0]).toMatchObject({ allowed: true, remaining: 4 });
  });

  it('lends many at once far from the end and one at a time near it', async () => {
    const stub = limiter();
    const hot = ask('100/minute', { want: 64, returnable: true });
    const sizes: number[] = [];
    for (;;) {
      const { granted } = await stub.consume(hot);
      if (granted === 0) break;
      sizes.push(granted);
    }
    expect(sizes[0]).toBe(10);
    expect(sizes.at(-1)).toBe(1);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(100);
  });

  it('takes back what was not used, once', async () => {
    const stub = limiter();
    const { grant } = await stub.consume(ask('100/minute', { want: 10, returnable: true }));
    await stub.giveBack({ version: 1, grant, unused: 9 });
    await stub.giveBack({ version: 1, grant, unused: 9 });
    const { decisions } = await stub.consume(ask('100/minute'));
    expect(decisions[0]?.remaining).toBe(98);
  });

  it('writes little for a burst of grants, since a reserve covers them', async () => {
    const stub = limiter();
    await stub.consume(ask('10000/minute'));
    const written = await runInDurableObject(stub, (instance, { storage }) => {
      const before = totalChanges(storage.sql);
      for (let i = 0; i < 1_000; i++) instance.consume(ask('10000/minute'));
      return totalChanges(storage.sql) - before;
    });
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThanOrEqual(12);
  });

  it('writes one row for a visit after an eviction, and sets no second alarm', async () => {
    const stub = limiter();
    await stub.consume(ask('10/minute; 1000/hour'));
    const { alarm } = await rows(stub);
    for (let visit = 0; visit < 5; visit++) {
      await evictDurableObject(stub);
      const written = await runInDurableObject(stub, (instance, { storage }) => {
        const before = totalChanges(storage.sql);
        instance.consume(ask('10/minute; 1000/hour'));
        return totalChanges(storage.sql) - before;
      });
      expect(written).toBe(1);
    }
    expect(await rows(stub)).toEqual({ keys: 1, alarm });
  });

  it('deletes everything a day after the last counter has drained, and nothing that has not', async () => {
    const stub = limiter();
    await stub.consume(ask('5/second'));
    const { alarm } = await rows(stub);
    expect((alarm ?? 0) - Date.now()).toBeGreaterThan(86_400_000);
    expect((alarm ?? 0) - Date.now()).toBeLessThan(86_420_000);
    await runDurableObjectAlarm(stub);
    expect(await rows(stub)).toMatchObject({ keys: 1 });
    await scheduler.wait(Math.max(0, (alarm ?? 0) - 86_400_000 - Date.now()) + 5);
    await runDurableObjectAlarm(stub);
    expect(await rows(stub)).toEqual({ keys: 0, alarm: null });
    expect((await stub.consume(ask('5/second'))).decisions[0]?.remaining).toBe(4);
  });

  it('reads a message of a version to come on the strict side: one permit, which does not come back', async () => {
    const stub = limiter();
    const newer = { ...ask('5/minute', { want: 4, returnable: true }), version: 2, waiting: 4 };
    const { granted, grant } = await stub.consume(newer);
    expect([granted, grant]).toEqual([1, '']);
    await stub.giveBack({ version: 2, grant, unused: 1 });
    expect((await stub.consume(ask('5/minute'))).decisions[0]?.remaining).toBe(3);
  });
});
