// A Limiter's slots inside workerd: those that wait, what storage keeps, what an eviction loses.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import type { SlotReply } from '../../src/limiter/messages.ts';

const { LIMITER } = env as unknown as Bindings;

let objects = 0;
const limiter = (): DurableObjectStub<Limiter> => LIMITER.get(LIMITER.idFromName(`slots ${objects++}`));

const policiesOf = (slots: number) => [{ name: `${slots} at once`, counter: 'default:at-once', slots }];

const take = (
  stub: DurableObjectStub<Limiter>,
  slots: number,
  names: readonly string[],
  waitMs = 0,
): Promise<SlotReply> => stub.takeSlots({ version: 1, policies: policiesOf(slots), names, waitMs });

const note = (stub: DurableObjectStub<Limiter>, slots: number, told: object): Promise<void> =>
  stub.noteSlots({ version: 1, policies: policiesOf(slots), ...told });

const keys = (stub: DurableObjectStub<Limiter>): Promise<string[]> =>
  runInDurableObject(stub, (_, state) => [...state.storage.kv.list()].map(([key]) => key));

describe('slots of a Limiter', () => {
  it('are lent to the first names, as many as there are', async () => {
    const stub = limiter();
    expect(await take(stub, 3, ['a', 'b'])).toEqual({ version: 1, lent: 2, free: [1] });
    expect(await take(stub, 3, ['c', 'd'])).toEqual({ version: 1, lent: 1, free: [0] });
    expect(await take(stub, 3, ['e'])).toEqual({ version: 1, lent: 0, free: [0] });
  });

  it('go to whoever waits, in the order they came, once one is given back', async () => {
    const stub = limiter();
    await take(stub, 2, ['a', 'b']);
    const first = take(stub, 2, ['c'], 2_000);
    const second = take(stub, 2, ['d'], 2_000);
    expect((await take(stub, 2, ['e'], 2_000)).lent).toBe(0);
    await note(stub, 2, { ended: ['a'] });
    expect((await first).lent).toBe(1);
    await note(stub, 2, { ended: ['b'] });
    expect((await second).lent).toBe(1);
  });

  it('are counted through an eviction until they are heard of, and each is heard of once', async () => {
    const stub = limiter();
    await take(stub, 3, ['a', 'b', 'c']);
    await evictDurableObject(stub);
    expect((await take(stub, 3, ['d'])).lent).toBe(0);
    await note(stub, 3, { held: ['a', 'b'] });
    await note(stub, 3, { held: ['a', 'b'] });
    expect((await take(stub, 3, ['d'])).lent).toBe(0);
    await note(stub, 3, { ended: ['c'] });
    expect((await take(stub, 3, ['d', 'e'])).lent).toBe(1);
    await note(stub, 3, { ended: ['a', 'b', 'd'] });
    expect((await take(stub, 3, ['f', 'g', 'h'])).lent).toBe(3);
  });

  it('leave nothing behind: at rest the row goes, and all are free after an eviction', async () => {
    const stub = limiter();
    await take(stub, 1, ['a']);
    expect(await keys(stub)).toEqual(['slots']);
    await note(stub, 1, { ended: ['a'] });
    await expect.poll(() => keys(stub), { timeout: 5_000 }).toEqual([]);
    await evictDurableObject(stub);
    expect((await take(stub, 1, ['b'])).lent).toBe(1);
  });

  it('are a row, not one for each request', async () => {
    const stub = limiter();
    const changes = () =>
      runInDurableObject(stub, (_, { storage }) =>
        Number(storage.sql.exec('SELECT total_changes() AS n').one().n),
      );
    await take(stub, 5, ['first']);
    const before = await changes();
    for (let i = 0; i < 20; i++) {
      await note(stub, 5, { ended: [i === 0 ? 'first' : `${i - 1}`] });
      await take(stub, 5, [`${i}`]);
    }
    expect(await changes()).toBe(before);
  });

  it('outlast an alarm while they are taken', async () => {
    const stub = limiter();
    await take(stub, 1, ['a']);
    await runDurableObjectAlarm(stub);
    await evictDurableObject(stub);
    expect((await take(stub, 1, ['b'])).lent).toBe(0);
  });

  it('are not counted where an operator exempts the partition', async () => {
    const stub = limiter();
    await take(stub, 1, ['a']);
    const since = Date.now();
    await stub.override({ limits: 'none', policies: [], since, until: since + 60_000, reason: 'ours' });
    expect(await take(stub, 1, ['b', 'c'])).toEqual({ version: 1, lent: 2, free: [], exempt: true });
    await stub.override(undefined);
    expect((await take(stub, 1, ['d'])).lent).toBe(0);
  });
});
