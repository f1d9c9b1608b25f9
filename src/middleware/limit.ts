// The step that spends permits: the request's cost against every policy that applies, all or nothing.
import type { Next } from 'hono';
import { Examiner } from '../auth/examine.ts';
import { refuseRevoked } from '../auth/refusal.ts';
import type { Bindings } from '../bindings.ts';
import type { Config } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { isRevoked } from '../limiter/standing.ts';
import { callerPartition, globalPartition } from '../partition.ts';
import { abnormalUsage, quotaExceeded, reducedCapacity } from '../problem.ts';
import { policyField, type Quota, rateLimitItem } from '../quota/fields.ts';
import { note } from '../quota/note.ts';
import { isUnanswered, type Outcome, remaining, violated } from '../quota/outcome.ts';
import { Permits } from '../quota/permits.ts';
import { type Caller, type Charge, chargesOf, type Plan } from '../quota/plan.ts';
import { unknownTierTeller } from '../quota/unknown-tier.ts';
import type { Answered, Step, WeirContext } from './step.ts';

/** What `closed` tells callers to wait; also how long a failing Limiter is first left alone. */
const LIMITER_RETRY_MS = 1_000;

/** @param examiner the one that knows the tokens: it is told which are revoked. */
export const limit = (config: Config, examiner = new Examiner(config)): Step => {
  const chargeOf = chargesOf(config);
  const permits = new Permits(config);
  const tellUnknownTier = unknownTierTeller(config);

  /** With the answers at hand: refuses, or lets the request go on. */
  const decide = (c: WeirContext, next: Next, charge: Charge, outcomes: readonly Outcome[]): Answered => {
    const exchange = c.get('exchange');
    const { route, trace } = exchange;
    const now = Date.now();
    const denied = outcomes.filter(({ allowed }) => !allowed);
    const revoked = isOfRevoked(exchange, outcomes);
    if (revoked || denied.length > 0) for (const outcome of outcomes) permits.undo(exchange, outcome);
    trace.decidedAt = now;
    note(trace, route, outcomes, config, isCounted(exchange.env));
    if (revoked) return refuseRevoked(exchange, examiner);
    const quota = quotaOf(charge, outcomes, now);
    if (denied.length > 0 && route.mode === 'enforce') return refuse(exchange, denied, quota, now);
    exchange.quota = quota;
    trace.forwarded = true;
    return next();
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
    const charge = chargeOf(exchange.route, callerOf(exchange), exchange.identity?.tier);
    const holdings = charge.plans.map((plan) => permits.holdingOf(plan, partitionOf(plan, exchange)));
    const outcomes = permits.use(exchange, holdings, exchange.route.mode === 'enforce');
    const isHeld = Array.isArray(outcomes);
    exchange.trace.source = isHeld ? 'held' : 'asked';
    return isHeld ? decide(c, next, charge, outcomes) : decideLater(c, next, charge, outcomes);
  };
};

/** Whether anybody is told how near its limit a request came. */
const isCounted = ({ ANALYTICS, PULSE }: Bindings): boolean => ANALYTICS !== undefined || PULSE !== undefined;

const callerOf = ({ preflight, identity, unidentified }: Exchange): Caller => {
  if (preflight) return 'preflight';
  if (identity !== undefined) return 'subject';
  return unidentified ? 'unidentified' : 'anonymous';
};

const partitionOf = ({ kind }: Plan, exchange: Exchange): string => {
  if (kind === 'global') return globalPartition;
  const subject = kind === 'subject' ? exchange.identity?.partition : undefined;
  return subject ?? callerPartition(exchange.request);
};

/** Every request's own token is compared, whoever's permit it would use. */
const isOfRevoked = ({ identity }: Exchange, outcomes: readonly Outcome[]): boolean =>
  identity !== undefined && outcomes.some(({ marks }) => marks && isRevoked(marks, identity));

/** What the RateLimit fields say; undefined where no policy applied. */
const quotaOf = (charge: Charge, outcomes: readonly Outcome[], now: number): Quota | undefined => {
  const limits = limitsField(outcomes, now);
  if (limits === '') return undefined;
  const asPlanned = outcomes.every(({ holding, policies }) => holding.plan.policies === policies);
  const policies = asPlanned ? charge.policyField : policyField(outcomes.flatMap(({ policies }) => policies));
  return { policies, limits };
};

const limitsField = (outcomes: readonly Outcome[], now: number): string => {
  let field = '';
  for (const outcome of outcomes) {
    const age = now - outcome.decidedAt;
    outcome.decisions.forEach(({ resetMs }, i) => {
      const item = rateLimitItem(outcome.policies[i]?.name ?? '', remaining(outcome, i), resetMs - age);
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
