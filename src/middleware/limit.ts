// The step that spends permits: the request's cost against every policy that applies, all or nothing.
import type { Next } from 'hono';
import { Examiner } from '../auth/examine.ts';
import { refuseRevoked } from '../auth/refusal.ts';
import type { Bindings } from '../bindings.ts';
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { windowLength } from '../limiter/policy.ts';
import { isRevoked } from '../limiter/standing.ts';
import { abnormalUsage, quotaExceeded, reducedCapacity } from '../problem.ts';
import type { Charge } from '../quota/charge.ts';
import { type Left, policyField, type Quota, rateLimitItem } from '../quota/fields.ts';
import { LIMITER_RETRY_MS } from '../quota/limiter-error.ts';
import { note } from '../quota/note.ts';
import { isRefusing, isUnanswered, type Outcome, remaining, violated } from '../quota/outcome.ts';
import { Permits } from '../quota/permits.ts';
import { chargeFinder, isAtHand, spender } from '../quota/spend.ts';
import { warnUnknownTierOnce } from '../quota/unknown-tier.ts';
import { slotGuard } from './at-once.ts';
import { settleAfter } from './settle.ts';
import type { Answered, Step, WeirContext } from './step.ts';

/** @param examiner the one that caches verified tokens: it learns here which of them are revoked. */
export const limit = (config: Config, examiner = new Examiner(config)): Step => {
  const chargeOf = chargeFinder(config);
  const permits = new Permits(config);
  const spend = spender(config, permits);
  const tellUnknownTier = warnUnknownTierOnce(config);
  const slots = slotGuard(config);

  const undo = (exchange: Exchange, outcomes: readonly Outcome[]): void => {
    for (const outcome of outcomes) permits.undo(exchange, outcome);
  };

  /** With the answers at hand: refuses, or lets the request go on. */
  const decide = (c: WeirContext, next: Next, charge: Charge, outcomes: readonly Outcome[]): Answered => {
    const exchange = c.get('exchange');
    const { trace } = exchange;
    const now = Date.now();
    const refusing = outcomes.filter(isRefusing);
    const revoked = isOfRevoked(exchange, outcomes);
    if (revoked || refusing.length > 0) undo(exchange, outcomes);
    trace.decidedAt = now;
    note(trace, outcomes, config, isCounted(exchange.env));
    if (revoked) return refuseRevoked(exchange, examiner);
    const quota = quotaOf(charge, outcomes, now);
    if (refusing.length > 0) return refuse(exchange, refusing, quota, now);
    exchange.quota = quota;
    trace.forwarded = true;
    if (charge.slots.length === 0) return forward(c, next, charge, outcomes);
    return slots.pass(c, async () => void (await forward(c, next, charge, outcomes)), charge.slots, {
      keep: () => permits.keep(outcomes),
      giveBack: () => undo(exchange, outcomes),
    });
  };

  const forward = (c: WeirContext, next: Next, charge: Charge, outcomes: readonly Outcome[]): Answered => {
    const exchange = c.get('exchange');
    if (charge.settles) return settleLater(c, next, charge, outcomes);
    exchange.giveBack = () => giveBack(exchange, outcomes);
    return next();
  };

  /** Its origin has failed. */
  const giveBack = (exchange: Exchange, outcomes: readonly Outcome[]): void => {
    for (const outcome of outcomes) permits.settle(exchange, outcome, 0);
  };

  const settleLater = async (
    c: WeirContext,
    next: Next,
    charge: Charge,
    outcomes: readonly Outcome[],
  ): Promise<void> => {
    const settled = await settleAfter(c, next, permits, outcomes);
    c.get('exchange').quota = quotaOf(charge, settled, Date.now());
  };

  const decideLater = async (
    c: WeirContext,
    next: Next,
    charge: Charge,
    outcomes: Promise<readonly Outcome[]>,
  ): Answered => decide(c, next, charge, await outcomes);

  return function limit(c, next) {
    const exchange = c.get('exchange');
    tellUnknownTier(exchange);
    const charge = chargeOf(exchange);
    const refusal = charge.slots.length === 0 ? undefined : slots.refuseAtOnce(exchange, charge.slots);
    if (refusal !== undefined) return Promise.resolve(refusal);
    const outcomes = spend(exchange, charge);
    const isHeld = isAtHand(outcomes);
    exchange.trace.source = isHeld ? 'held' : 'asked';
    return isHeld ? decide(c, next, charge, outcomes) : decideLater(c, next, charge, outcomes);
  };
};

/** Whether a binding is there to report how near its limit a request came. */
const isCounted = ({ ANALYTICS, PULSE }: Bindings): boolean => ANALYTICS !== undefined || PULSE !== undefined;

/** Whether the request's own token is revoked, even where an earlier request asked for the permits at hand. */
const isOfRevoked = ({ identity }: Exchange, outcomes: readonly Outcome[]): boolean =>
  identity !== undefined && outcomes.some(({ marks }) => marks && isRevoked(marks, identity));

/** What the RateLimit fields say; undefined where no policy applied. */
const quotaOf = (charge: Charge, outcomes: readonly Outcome[], now: number): Quota | undefined => {
  const limits = limitsField(outcomes, now);
  if (limits === '') return undefined;
  const asPlanned = outcomes.every(({ holding, policies }) => holding.plan.policies === policies);
  const constant = asPlanned ? charge.policyField : undefined;
  const policies =
    constant ??
    policyField(
      outcomes.flatMap(({ policies }) => policies),
      now,
    );
  return { policies, limits, nearest: nearestOf(outcomes) };
};

/** What is left of the policy with the smallest remaining share; of two equal ones, the one that resets later. */
const nearestOf = (outcomes: readonly Outcome[]): Left => {
  let nearest: Left = { quota: 1, remaining: 1, resetsAt: 0 };
  for (const outcome of outcomes)
    outcome.decisions.forEach(({ resetMs }, i) => {
      const quota = Math.max(1, outcome.policies[i]?.quota ?? 1);
      const left = { quota, remaining: remaining(outcome, i), resetsAt: outcome.decidedAt + resetMs };
      const gap = left.remaining / quota - nearest.remaining / nearest.quota;
      if (gap < 0 || (gap === 0 && left.resetsAt > nearest.resetsAt)) nearest = left;
    });
  return nearest;
};

const limitsField = (outcomes: readonly Outcome[], now: number): string => {
  let field = '';
  for (const outcome of outcomes) {
    const age = now - outcome.decidedAt;
    outcome.decisions.forEach(({ resetMs }, i) => {
      const policy = outcome.policies[i];
      if (policy === undefined) return;
      const windowMs = windowLength(policy, now);
      const item = rateLimitItem(policy.name, remaining(outcome, i), resetMs - age, windowMs);
      field += field === '' ? item : `, ${item}`;
    });
  }
  return field;
};

/** The one 429, or 503 where the Limiter is down and the failure policy is `closed`. */
const refuse = async (
  exchange: Exchange,
  denied: readonly Outcome[],
  quota: Quota | undefined,
  now: number,
): Promise<Response> => {
  const unusual = denied.find(({ abnormal }) => abnormal?.denied);
  if (unusual?.abnormal) return abnormalUsage(unusual.abnormal.calmsInMs - (now - unusual.decidedAt));
  if (denied.some(isUnanswered)) return reducedCapacity(LIMITER_RETRY_MS);
  const waits = denied.flatMap(({ decisions, decidedAt }) =>
    decisions.map(({ retryAfterMs }) => retryAfterMs - (now - decidedAt)),
  );
  exchange.quota = quota;
  return quotaExceeded(Math.max(...waits), denied.flatMap(violated));
};
