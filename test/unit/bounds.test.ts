// The bounded map, by entries and by the length of its keys, and the count by the second.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedMap } from '../../src/lib/bounded-map.ts';
import { bytesOf } from '../../src/lib/bytes-of.ts';
import { PerSecond } from '../../src/lib/per-second.ts';

const chars = (token: string) => token.length;

describe('a bounded map', () => {
  test('forgets the oldest token when one more than fits comes', () => {
    const cache = new BoundedMap<string, number>(2, 100, chars);
    cache.set('a', 1);
    cache.set('b', 2);
    cache.set('a', 3);
    cache.set('c', 4);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([3, undefined, 4]);
  });

  test('makes room for a long token by forgetting several', () => {
    const cache = new BoundedMap<string, number>(10, 10, chars);
    for (const token of ['aaa', 'bbb', 'ccc']) cache.set(token, 1);
    cache.set('dddddd', 2);
    expect(cache.get('bbb')).toBeUndefined();
    expect(cache.get('ccc')).toBe(1);
    expect(cache.weight).toBe(9);
  });

  test('holds nothing that is longer than all it may hold', () => {
    const cache = new BoundedMap<string, number>(10, 10, chars);
    cache.set('x'.repeat(11), 1);
    expect([cache.size, cache.weight]).toEqual([0, 0]);
  });

  test('holds no more than 8 MiB of keys, where nothing else is said', () => {
    const cache = new BoundedMap<string, number>(1_000_000);
    for (let i = 0; i < 10; i++) cache.set(`${i}`.padStart(2 ** 20, 'x'), i);
    expect([cache.size, cache.weight]).toEqual([8, 2 ** 23]);
  });

  test('never exceeds its bounds, and knows its size, whatever is set and deleted', () => {
    const step = fc.record({ token: fc.string({ maxLength: 20 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new BoundedMap<string, number>(5, 40, chars);
        const model = new Map<string, number>();
        for (const { token, remove } of steps) {
          model.delete(token);
          if (remove) cache.delete(token);
          else {
            cache.set(token, 1);
            model.set(token, 1);
          }
          const length = () => [...model.keys()].reduce((sum, key) => sum + key.length, 0);
          while (model.size > 5 || length() > 40) model.delete([...model.keys()][0] ?? '');
          expect([cache.size, cache.weight]).toEqual([model.size, length()]);
          for (const key of model.keys()) expect(cache.get(key)).toBe(1);
        }
      }),
    );
  });
});

describe('a count by the second', () => {
  test('allows so many in each second, and as many again in the next', () => {
    const count = new PerSecond(2);
    const times = [0, 10, 999, 1_000, 1_500, 1_999, 2_000];
    expect(times.map((now) => count.take(now))).toEqual([true, true, false, true, true, false, true]);
  });
});

describe('the weight of plain data', () => {
  test('grows with every part of it, so that many short scopes weigh more than the token they came in', () => {
    const scopes = Array.from({ length: 4_000 }, (_, i) => i.toString(36));
    expect(bytesOf({ scopes: new Set(scopes) })).toBeGreaterThan(4_000 * 45);
    expect(bytesOf({ a: 'x'.repeat(1_000) })).toBeGreaterThan(1_000);
    expect(bytesOf({ a: 'ש'.repeat(1_000) })).toBeGreaterThan(2_000);
    expect(bytesOf([['a', 'b']])).toBeGreaterThan(bytesOf([['a']]));
    expect(bytesOf(undefined) + bytesOf(7)).toBe(0);
  });

  test('bounds a map by what its values hold', () => {
    const cache = new BoundedMap<string, ReadonlySet<string>>(100, 10_000, (_, value) => bytesOf(value));
    for (let i = 0; i < 100; i += 1) cache.set(String(i), new Set(['a', 'b', 'c', String(i)]));
    expect(cache.weight).toBeLessThanOrEqual(10_000);
    expect(cache.size).toBeGreaterThan(10);
    expect(cache.size).toBeLessThan(50);
    cache.delete('99');
    for (let i = 0; i < 100; i += 1) cache.delete(String(i));
    expect([cache.size, cache.weight]).toEqual([0, 0]);
  });
});
