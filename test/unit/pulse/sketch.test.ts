// The ranking of partitions against an exact count of the same stream.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sketch } from '../../../src/pulse/sketch.ts';

const CAPACITY = 8;

const stream = fc.array(
  fc.tuple(
    fc.oneof(fc.nat(5), fc.nat(500)).map((key) => `key ${key}`),
    fc.integer({ min: 1, max: 20 }),
  ),
  { maxLength: 600 },
);

const exact = (items: readonly (readonly [string, number])[]) => {
  const counts = new Map<string, number>();
  for (const [key, count] of items) counts.set(key, (counts.get(key) ?? 0) + count);
  return counts;
};

describe('a sketch of the heaviest keys', () => {
  it('never counts a key too low, and too high by at most its error', () => {
    fc.assert(
      fc.property(stream, (items) => {
        const sketch = new Sketch(CAPACITY);
        for (const [key, count] of items) sketch.add(key, count);
        const counts = exact(items);
        for (const [key, count, error] of sketch.top(Number.POSITIVE_INFINITY)) {
          const real = counts.get(key) ?? 0;
          expect(count).toBeGreaterThanOrEqual(real);
          expect(count - error).toBeLessThanOrEqual(real);
        }
      }),
    );
  });

  it('holds every key that has more than its share of all counts', () => {
    fc.assert(
      fc.property(stream, (items) => {
        const sketch = new Sketch(CAPACITY);
        for (const [key, count] of items) sketch.add(key, count);
        const counts = exact(items);
        const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
        for (const [key, count] of counts)
          if (count > all / CAPACITY) expect(sketch.get(key), `${key}: ${count} of ${all}`).toBeDefined();
      }),
    );
  });

  it('holds both when sketches are added to one another, as objects and minutes are', () => {
    fc.assert(
      fc.property(fc.array(stream, { minLength: 2, maxLength: 4 }), (streams) => {
        const merged = new Sketch(CAPACITY);
        for (const items of streams) {
          const sketch = new Sketch(CAPACITY);
          for (const [key, count] of items) sketch.add(key, count);
          for (const ranked of sketch.top(2 * CAPACITY)) merged.add(...ranked);
        }
        const counts = exact(streams.flat());
        for (const [key, count, error] of merged.top())
          expect(count - error).toBeLessThanOrEqual(counts.get(key) ?? 0);
      }),
    );
  });

  it('holds at most twice its capacity, whatever comes', () => {
    const sketch = new Sketch(CAPACITY);
    for (let i = 0; i < 10_000; i++) sketch.add(`key ${i}`);
    expect(sketch.top(Number.POSITIVE_INFINITY).length).toBeLessThanOrEqual(2 * CAPACITY);
  });
});
