// The step that spends permits: the request's cost against every policy that applies, all or nothing.
import { Examiner } from '../auth/examine.ts';
import { refuseRevoked } from '../auth/refusal.ts';
import type { Config } from '../config.ts';
import type { Exchange } from '../exchange.ts';
import { callerPartition, globalPartition } from '../partition.ts';
import { abnormalUsage, quotaExceeded, reducedCapacity } from '../problem.ts';
import type { Step } from '../step.ts';
import { policyField, RATELIMIT, RATELIMIT_POLICY, rateLimitItem } from './fields.ts';
import { isUnanswered, note, remaining, violated } from './note.ts';
import { type Outcome, Permits } from './permits.ts';
import { type Caller, type Charge, chargesOf, type Plan } from './plan.ts';
import { isRevoked } from './standing.ts';
import { unknownTierTeller } from './unknown-tier.ts';

/** What `closed` tells callers to wait; also how long a failing Limiter is first left alone. */
const LIMITER_RETRY_MS = 1_000;

/** @param examiner the one that knows the tokens: it is told which are revoked. */
export const limit = (config: Config, examiner = new Examiner(config)): Step => {
  const chargeOf = chargesOf(config);
  const permits = new Permits(config);
  const tellUnknownTier = unknownTierTeller(config);

  return async function limit(exchange, next) {
    tellUnknownTier(exchange);
    const { route, trace } = exchange;
    const enforced = route.mode === 'enforce';
    const charge = chargeOf(route, callerOf(exchange), exchange.identity?.tier);
    const holdings = charge.plans.map((plan) => permits.holdingOf(plan, partitionOf(plan, exchange)));
    const pending = permits.use(exchange, holdings, enforced);
    const outcomes = Array.isArray(pending) ? pending : await pending;
    const now = Date.now();
    const denied = outcomes.filter(({ allowed }) => !allowed);
    const revoked = isOfRevoked(exchange, outcomes);
    if (revoked || denied.length > 0) for (const outcome of outcomes) permits.undo(exchange, outcome);
    trace.decidedAt = now;
    note(trace, route, outcomes, config, exchange.env.ANALYTICS !== undefined);
    if (revoked) return refuseRevoked(exchange, examiner);

    const fields = fieldsOf(charge, outcomes, now);
    if (denied.length > 0 && enforced) return refuse(denied, now, fields);
    const response = await next(exchange);
    for (const name in fields) response.headers.append(name, fields[name] ?? '');
    return response;
  };
};

const callerOf = (exchange: Exchange): Caller =>
  exchange.preflight ? 'preflight' : exchange.identity === undefined ? 'anonymous' : 'subject';

const partitionOf = ({ kind }: Plan, exchange: Exchange): string => {
  if (kind === 'global') return globalPartition;
  const subject = kind === 'subject' ? exchange.identity?.partition : undefined;
  return subject ?? callerPartition(exchange.request);
};

/** Every request's own token is compared, whoever's permit it would use. */
const isOfRevoked = ({ identity }: Exchange, outcomes: readonly Outcome[]): boolean =>
  identity !== undefined && outcomes.some(({ marks }) => marks && isRevoked(marks, identity));

type Fields = Record<string, string>;

/** The RateLimit fields; none where no policy applied. */
const fieldsOf = (charge: Charge, outcomes: readonly Outcome[], now: number): Fields => {
  const field = rateLimitField(outcomes, now);
  if (field === '') return {};
  const asPlanned = outcomes.every(({ holding, policies }) => holding.plan.policies === policies);
  const policies = asPlanned ? charge.policyField : policyField(outcomes.flatMap(({ policies }) => policies));
  return { [RATELIMIT_POLICY]: policies, [RATELIMIT]: field };
};

const rateLimitField = (outcomes: readonly Outcome[], now: number): string => {
  let field = '';
  for (const outcome of outcomes) {
    const age = now - outcome.decidedAt;
    for (const [i, { resetMs }] of outcome.decisions.entries()) {
      const item = rateLimitItem(outcome.policies[i]?.name ?? '', remaining(outcome, i), resetMs - age);
      field += field === '' ? item : `, ${item}`;
    }
  }
  return field;
};

/** The one 429, or 503 where the Limiter is down and the failure policy is `closed`. */
const refuse = (denied: readonly Outcome[], now: number, fields: Fields): Response => {
  const unusual = denied.find(({ abnormal }) => abnormal?.denied);
  if (unusual?.abnormal) return abnormalUsage(unusual.abnormal.calmsInMs - (now - unusual.decidedAt));
  if (denied.some(isUnanswered)) return reducedCapacity(LIMITER_RETRY_MS);
  const waits = denied.flatMap(({ decisions, decidedAt }) =>
    decisions.map(({ retryAfterMs }) => retryAfterMs - (now - decidedAt)),
  );
  return quotaExceeded(Math.max(...waits), denied.flatMap(violated), fields);
};
