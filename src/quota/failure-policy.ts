// What stands in for a Limiter that does not answer: `ON_LIMITER_ERROR`.
import type { Config } from '../config/types.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { Ledger } from '../limiter/ledger.ts';
import { VERSION } from '../limiter/messages.ts';
import type { Policy } from '../limiter/policy.ts';
import type { LimiterError } from './limiter-error.ts';
import type { Holding, Outcome } from './outcome.ts';

/** Partitions that `local` keeps books of. */
const CAPACITY = 10_000;

type FailurePolicy = (holding: Holding, error: LimiterError) => Outcome;

/**
 * `closed` denies, `open` allows, `local` keeps the same policies in the isolate's own memory. Whom an operator blocked
 * stays blocked where this isolate knows it.
 */
export const failurePolicy = (config: Config): FailurePolicy =>
  config.onLimiterError === 'local' ? local() : always(config.onLimiterError === 'open');

const always =
  (allowed: boolean): FailurePolicy =>
  (holding, error) =>
    isBlocked(holding, Date.now())
      ? { ...undecided, holding, ...holding.said, policies: policiesOf(holding), allowed: false, error }
      : { ...undecided, holding, policies: holding.plan.policies, allowed, error };

const undecided = {
  decisions: [],
  decidedAt: 0,
  heldPermits: [],
  grant: undefined,
  marks: undefined,
  abnormal: undefined,
} as const;

/** Those of an override, where the Limiter last told of one. */
const policiesOf = ({ plan, said }: Holding): readonly Policy[] => said.policies ?? plan.policies;

/** Only a blocked partition has a policy without any quota; it says until when. */
const isBlocked = ({ said }: Holding, now: number): boolean =>
  said.policies?.some(
    ({ quota }, i) => quota === 0 && now < said.decidedAt + (said.decisions[i]?.resetMs ?? 0),
  ) === true;

const local = (): FailurePolicy => {
  const ledgers = new BoundedMap<string, Ledger>(CAPACITY);
  return (holding, error) => {
    const { plan, partition } = holding;
    const now = Date.now();
    if (isBlocked(holding, now)) return always(false)(holding, error);
    const ledger = ledgers.get(partition) ?? new Ledger(undefined, '');
    ledgers.set(partition, ledger);
    // An override that was a block is over.
    const policies = policiesOf(holding).some(({ quota }) => quota === 0)
      ? plan.policies
      : policiesOf(holding);
    const { cost, holdMs } = plan;
    const ask = { version: VERSION, policies, cost, want: 1, returnable: true, holdMs } as const;
    const { granted, decisions, grant } = ledger.consume(now, ask).reply;
    const allowed = granted > 0;
    const settle = (used: number): void => {
      ledger.settle(Date.now(), { version: VERSION, grant, part: 0, used, policies, cost });
    };
    return {
      ...undecided,
      holding,
      policies,
      allowed,
      decisions,
      decidedAt: now,
      error,
      settle: allowed ? settle : undefined,
    };
  };
};
