// The bounded map from tokens to what is known of them, and the count by the second.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PerSecond } from '../../src/auth/per-second.ts';
import { TokenCache } from '../../src/auth/token-cache.ts';

describe('the token cache', () => {
  test('forgets the oldest token when one more than fits comes', () => {
    const cache = new TokenCache<number>(2, 100);
    cache.set('a', 1);
    cache.set('b', 2);
    cache.set('a', 3);
    cache.set('c', 4);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([3, undefined, 4]);
  });

  test('makes room for a long token by forgetting several', () => {
    const cache = new TokenCache<number>(10, 10);
    for (const token of ['aaa', 'bbb', 'ccc']) cache.set(token, 1);
    cache.set('dddddd', 2);
    expect(cache.get('bbb')).toBeUndefined();
    expect(cache.get('ccc')).toBe(1);
    expect(cache.chars).toBe(9);
  });

  test('holds nothing that is longer than all it may hold', () => {
    const cache = new TokenCache<number>(10, 10);
    cache.set('x'.repeat(11), 1);
    expect([cache.size, cache.chars]).toEqual([0, 0]);
  });

  test('never exceeds its bounds, and knows its size, whatever is set and deleted', () => {
    const step = fc.record({ token: fc.string({ maxLength: 20 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new TokenCache<number>(5, 40);
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
          expect([cache.size, cache.chars]).toEqual([model.size, length()]);
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
