// What stands in for a Limiter that does not answer: `ON_LIMITER_ERROR`.

import type { Config } from '../config/types.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { Ledger } from '../limiter/ledger.ts';
import { VERSION } from '../limiter/messages.ts';
import type { LimiterError } from './client.ts';
import type { Holding, Outcome } from './outcome.ts';

/** Partitions that `local` keeps books of. */
const CAPACITY = 10_000;

type FailurePolicy = (holding: Holding, error: LimiterError) => Outcome;

/** `closed` denies, `open` allows, `local` keeps the same policies in the isolate's own memory. */
export const failurePolicy = (config: Config): FailurePolicy =>
  config.onLimiterError === 'local' ? local() : always(config.onLimiterError === 'open');

const always =
  (allowed: boolean): FailurePolicy =>
  (holding, error) => ({ ...undecided, holding, policies: holding.plan.policies, allowed, error });

const undecided = {
  ...{ decisions: [], decidedAt: 0, heldPermits: 0 },
  ...{ grant: undefined, marks: undefined, abnormal: undefined },
} as const;

const local = (): FailurePolicy => {
  const ledgers = new BoundedMap<string, Ledger>(CAPACITY);
  return (holding, error) => {
    const { plan, partition } = holding;
    const now = Date.now();
    const ledger = ledgers.get(partition) ?? new Ledger(undefined, '');
    ledgers.set(partition, ledger);
    const ask = {
      version: VERSION,
      policies: plan.policies,
      cost: plan.cost,
      want: 1,
      returnable: false,
    } as const;
    const { granted, decisions } = ledger.consume(now, ask).reply;
    const allowed = granted > 0;
    return { ...undecided, holding, policies: plan.policies, allowed, decisions, decidedAt: now, error };
  };
};
