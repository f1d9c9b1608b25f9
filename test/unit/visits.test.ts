// What a caller costs who comes now and then, by the ledger and by storage, alarm and eviction as the platform has them.
import { expect, test } from 'vitest';
import { SimulatedObject } from '../../bench/simulation/object.ts';
import { parseLimits } from '../../src/config/notation.ts';
import { EPOCH } from './policies.ts';

const HOUR = 3_600_000;
const DAYS = 10;

test('a caller who comes once an hour costs a call and a row each time, and an alarm a day at most', () => {
  const costs = { calls: 0, rows: 0 };
  const limiter = new SimulatedObject(0, costs);
  const policies = parseLimits('10/second; 1000/hour', 'default', 'sliding-window').policies;
  for (let visit = 0; visit < 24 * DAYS; visit++) {
    const { reply } = limiter.consume(EPOCH + visit * HOUR, {
      version: 1,
      policies,
      cost: 1,
      want: 1,
      returnable: true,
    });
    expect(reply.granted).toBe(1);
  }
  // An alarm is a call, and a row when it is set; what it finds still in use it writes once more.
  expect(costs.calls).toBeLessThanOrEqual(24 * DAYS + DAYS);
  expect(costs.rows).toBeLessThanOrEqual(24 * DAYS + 2 * DAYS + 1);
});
