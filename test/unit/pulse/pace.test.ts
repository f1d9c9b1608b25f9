// How many messages a second one Pulse object hears, and what they cost, simulated over numbers of isolates.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  everyMs,
  MAX_PER_SECOND,
  MAX_SHARDS,
  SLOWEST_MS,
  shardOf,
  shardsFor,
} from '../../../src/pulse/pace.ts';

/** Isolates spread evenly, and objects that decide each for itself until none wants to split again. */
const settle = (isolates: number) => {
  const shards = new Map<number, number>([[0, 1]]);
  const place = (draw: number): number => {
    // An isolate begins at the first object and follows what each tells it.
    let known = 1;
    for (;;) {
      const told = shards.get(shardOf(draw, known)) ?? known;
      if (told <= known) return shardOf(draw, known);
      known = told;
    }
  };
  for (let round = 0; round < 10; round++) {
    const heard = new Map<number, number>();
    for (let i = 0; i < isolates; i++) {
      const shard = place((i + 0.5) / isolates);
      heard.set(shard, (heard.get(shard) ?? 0) + 1);
    }
    let split = false;
    for (const [shard, count] of heard) {
      const before = shards.get(shard) ?? 1;
      const after = shardsFor(count, before);
      split ||= after !== before;
      shards.set(shard, after);
    }
    if (!split) return [...heard].map(([, count]) => (count * 1_000) / everyMs(count));
  }
  throw new Error('expected the objects to settle');
};

describe('messages that one object hears in a second', () => {
  it.each([1, 10, 100, 500, 1_000, 2_000, 2_001, 5_000, 20_000, 32_000])(
    'are at most 200 with %i isolates',
    (isolates) => {
      for (const perSecond of settle(isolates)) expect(perSecond).toBeLessThanOrEqual(MAX_PER_SECOND);
    },
  );

  it('come from one object up to 2,000 isolates, and from no more than 16 ever', () => {
    expect(settle(2_000)).toHaveLength(1);
    expect(settle(2_100)).toHaveLength(2);
    expect(settle(200_000)).toHaveLength(MAX_SHARDS);
  });

  it('are spread by a draw so that doubling moves half of the isolates, and only to the new half', () => {
    for (let i = 0; i < 1_000; i++)
      for (const shards of [1, 2, 4, 8]) {
        const [before, after] = [shardOf(i / 1_000, shards), shardOf(i / 1_000, shards * 2)];
        expect([before, before + shards]).toContain(after);
      }
  });

  it('leave an isolate reporting within twenty seconds, and within two where there are few', () => {
    expect(everyMs(1)).toBe(2_000);
    expect(everyMs(100)).toBe(2_000);
    expect(everyMs(1_000_000)).toBe(SLOWEST_MS);
    expect(SLOWEST_MS).toBe(20_000);
  });
});

/** Dollars: a million requests to objects, a million rows written, a million GB-s of 128 MB. */
const PRICE = { calls: 0.15, rows: 1, duration: 12.5 };
const REQUESTS_PER_SECOND = 1_000;

/** What a million requests cost, arriving at so many isolates at random; each reports by the clock of what it heard last. */
const costOf = (isolates: number): number => {
  const dueAt = new Float64Array(isolates);
  const every = everyMs(isolates);
  let calls = 0;
  let seed = 1;
  for (let i = 0; i < 1_000_000; i++) {
    seed = (seed * 48_271) % 2_147_483_647;
    const isolate = seed % isolates;
    const now = (i * 1_000) / REQUESTS_PER_SECOND;
    // The first request after a report takes the next one upon itself.
    if (now < (dueAt[isolate] ?? 0)) continue;
    dueAt[isolate] = now + every;
    calls++;
  }
  const seconds = 1_000_000 / REQUESTS_PER_SECOND;
  const [rows, duration] = [seconds / 10, seconds * 0.125];
  return (calls * PRICE.calls + rows * PRICE.rows + duration * PRICE.duration) / 1_000_000;
};

describe('the price of a million requests at 1,000 a second', () => {
  it.each([1, 10, 50, 100, 200, 500, 1_000])('is at most a cent with %i isolates', (isolates) => {
    expect(costOf(isolates)).toBeLessThanOrEqual(0.01);
  });

  it('is what docs/operate.md says', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/operate.md'), 'utf8');
    const rows = [...page.matchAll(/^\| ([\d,]+) \| (\d+) s \|.*\| ([\d.]+) \|$/gm)];
    expect(rows.length).toBeGreaterThanOrEqual(4);
    for (const [, isolates = '', seconds, dollars] of rows) {
      const count = Number(isolates.replace(',', ''));
      expect(everyMs(count) / 1_000).toBe(Number(seconds));
      expect(costOf(count)).toBeCloseTo(Number(dollars), 3);
    }
  });
});
