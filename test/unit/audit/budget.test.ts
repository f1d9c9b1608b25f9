// The promise that an audit never sends more, or faster, than it was told.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Budget } from '../../../tools/audit/http/budget.ts';
import { Inconclusive, Stopped } from '../../../tools/audit/stop.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;

describe('the budget', () => {
  it('never lets more than the rate leave in any second, nor more than the number in all', async () => {
    const asks = fc.array(fc.record({ count: fc.integer({ min: 1, max: 5 }), idle: fc.nat(400) }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(asks, fc.integer({ min: 5, max: 20 }), async (all, rate) => {
        const sent: number[] = [];
        const budget = new Budget({ maxRequests: 60, rate }, never);
        for (const { count, idle } of all) {
          vi.advanceTimersByTime(idle);
          const taken = budget.take(count).then(
            () => sent.push(...Array(count).fill(performance.now())),
            () => undefined,
          );
          await vi.runAllTimersAsync();
          await taken;
        }
        expect(sent.length).toBeLessThanOrEqual(60);
        for (const at of sent)
          expect(sent.filter((t) => t >= at && t < at + 1000).length).toBeLessThanOrEqual(rate);
      }),
      { numRuns: 60 },
    );
  });

  it('spaces single requests evenly', async () => {
    const budget = new Budget({ maxRequests: 10, rate: 50 }, never);
    const at: number[] = [];
    const all = Promise.all([1, 2, 3].map(() => budget.take().then(() => at.push(performance.now()))));
    await vi.runAllTimersAsync();
    await all;
    expect([at[1], at[2]].map((t) => Math.round((t ?? 0) - (at[0] ?? 0)))).toEqual([20, 40]);
  });

  it('says so when it is spent, and sends nothing more', async () => {
    const budget = new Budget({ maxRequests: 2, rate: 100 }, never);
    await budget.take(2);
    await expect(budget.take()).rejects.toThrow(Inconclusive);
    expect(budget.left).toBe(0);
  });

  it('ends a wait at once when the audit is stopped', async () => {
    const controller = new AbortController();
    const budget = new Budget({ maxRequests: 100, rate: 2 }, controller.signal);
    await budget.take(2);
    const waiting = budget.take();
    controller.abort(new Stopped('interrupted'));
    await expect(waiting).rejects.toThrow('interrupted');
  });
});
