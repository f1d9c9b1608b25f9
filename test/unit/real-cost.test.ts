// What an answer says that its request has cost.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Route } from '../../src/config/types.ts';
import { costHeadersOf, isCostTold, realCost } from '../../src/quota/real-cost.ts';
import { covers } from '../../src/routing/combine.ts';
import { route } from '../fixtures/config.ts';

const answered = (status: number, told: string | null = null, failed = false) => ({
  ...{ status, failed, header: (name: string) => (name === 'x-cost' ? told : null) },
});

const counting = (...count: string[]): Route => ({ ...route, count });
const telling: Route = { ...route, costHeader: 'x-cost' };

const combined = (...members: Route[]): Route => ({ ...route, members });

describe('a request has spent', () => {
  it.each<[Route, number, string | null, boolean, number]>([
    [route, 200, null, false, 7],
    [route, 502, null, false, 7],
    // Weir's own 502 and 504.
    [route, 502, null, true, 0],
    [counting('5xx'), 502, null, true, 7],
    [counting('401', '5xx'), 200, null, false, 0],
    [counting('401', '5xx'), 401, null, false, 7],
    [counting('401', '5xx'), 503, null, false, 7],
    [telling, 200, '3', false, 3],
    [telling, 200, ' 5000 ', false, 5_000],
    [telling, 200, '2.1', false, 3],
    [telling, 200, '0', false, 0],
    [telling, 504, null, true, 0],
    // No number that a quota may have.
    ...[null, '', '-3', '1e3', '1e400', '3, 5', '0x10', 'NaN', '1234567890123456', '.5', '5.'].map(
      (told): [Route, number, string | null, boolean, number] => [telling, 200, told, false, 7],
    ),
    [{ ...telling, count: ['200'] }, 201, '3', false, 0],
    // The most that any of its routes says.
    [combined(counting('401'), counting('200')), 200, null, false, 7],
    [combined(counting('401'), counting('200')), 201, null, false, 0],
    [combined(counting('401'), route), 200, null, false, 7],
    [combined(telling, counting('401')), 200, '50', false, 50],
  ])('%#', (on, status, told, failed, spent) => {
    expect(realCost(on, 7, answered(status, told, failed))).toBe(spent);
  });

  it('is asked only where an answer may say less or more than the cost', () => {
    expect([route, counting('401'), telling].map(isCostTold)).toEqual([false, true, true]);
    expect(isCostTold(combined(counting('401'), route))).toBe(false);
    expect(isCostTold(combined(telling, route))).toBe(true);
    expect(costHeadersOf(combined(telling, route))).toEqual(['x-cost']);
  });

  it('no less by one route than by another that it covers', () => {
    const status = fc.constantFrom('200', '401', '404', '500', '2xx', '4xx', '5xx');
    const count = fc.option(fc.array(status, { minLength: 1, maxLength: 3 }), { nil: undefined });
    const costHeader = fc.option(fc.constant('x-cost'), { nil: undefined });
    const any = fc.record({ count, costHeader }).map((more): Route => ({ ...route, ...more }));
    const told = fc.option(fc.nat(20).map(String), { nil: null });
    let covered = 0;
    fc.assert(
      fc.property(
        any,
        any,
        fc.constantFrom(200, 201, 401, 404, 502),
        told,
        fc.boolean(),
        (a, b, code, cost, failed) => {
          if (!covers(a, b)) return;
          covered++;
          const answer = answered(code, cost, failed && code === 502);
          expect(realCost(a, 7, answer)).toBeGreaterThanOrEqual(realCost(b, 7, answer));
        },
      ),
      { numRuns: 5_000 },
    );
    expect(covered).toBeGreaterThan(100);
  });
});
