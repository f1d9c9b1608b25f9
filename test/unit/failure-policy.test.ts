// What an isolate does without a Limiter, by what it knows of the partition.
import { describe, expect, it } from 'vitest';
import { blockedReply } from '../../src/limiter/blocked.ts';
import { CALLER } from '../../src/partition.ts';
import { failurePolicy } from '../../src/quota/failure-policy.ts';
import { newLease } from '../../src/quota/lease.ts';
import { LimiterError } from '../../src/quota/limiter-error.ts';
import type { Holding } from '../../src/quota/outcome.ts';
import { configWith } from '../fixtures/config.ts';
import { policy } from './policies.ts';

const error = new LimiterError('limiter_failed');

const holding = (limit = policy(10, 1, 'minute')): Holding => ({
  ...newLease(),
  plan: {
    ...{ id: 0, kind: 'subject', key: CALLER, mode: 'enforce', own: true },
    ...{ policies: [limit], cost: 1, leasable: true, byRate: [] },
  },
  partition: 'alice',
});

/** As the Limiter last said. */
const blocked = (until: number): Holding => {
  const since = Date.now();
  const override = { limits: 'blocked', policies: [], since, until, reason: 'a test' };
  const { decisions, policies } = blockedReply(override, since);
  return { ...holding(), said: { decisions, policies, decidedAt: since } };
};

describe.each(['local', 'open'] as const)('under `%s`', (onLimiterError) => {
  const decide = failurePolicy(configWith({}, { onLimiterError }));

  it('a partition that is known to be blocked stays blocked', () => {
    expect(decide(blocked(Date.now() + 60_000), error).allowed).toBe(false);
  });

  it('a block that is over is over', () => {
    expect(decide(blocked(Date.now() - 1), error).allowed).toBe(true);
  });
});

describe('under `local`', () => {
  it('the policies of an override hold on', () => {
    const decide = failurePolicy(configWith({}, { onLimiterError: 'local' }));
    const said = { decisions: [], policies: [policy(1, 1, 'minute')], decidedAt: 0 };
    const overridden = { ...holding(), said };
    expect([1, 2].map(() => decide(overridden, error).allowed)).toEqual([true, false]);
  });

  it('what is given back was not spent', () => {
    const decide = failurePolicy(configWith({}, { onLimiterError: 'local' }));
    const one = holding(policy(1, 1, 'minute'));
    const first = decide(one, error);
    first.settle?.(0);
    expect([first.allowed, decide(one, error).allowed, decide(one, error).allowed]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
