// The step that spends permits: the request's cost against every policy that applies, all or nothing.
import type { Context } from 'hono';
import { Examiner } from '../auth/examine.ts';
import { refuseRevoked } from '../auth/refusal.ts';
import type { Config } from '../config.ts';
import type { Env } from '../env.ts';
import { addressPartition, globalPartition } from '../partition.ts';
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

  return async function limit(c, next) {
    tellUnknownTier(c);
    const enforced = c.get('route').mode === 'enforce';
    const charge = chargeOf(c.get('route'), callerOf(c), c.get('identity')?.tier);
    const parties = charge.plans.map((plan) => ({ plan, partition: partitionOf(plan, c) }));
    const pending = permits.use(c, parties, enforced);
    const outcomes = Array.isArray(pending) ? pending : await pending;
    const now = Date.now();
    const denied = outcomes.filter(({ allowed }) => !allowed);
    const revoked = isOfRevoked(c, outcomes);
    if (revoked || denied.length > 0) for (const outcome of outcomes) permits.undo(c, outcome);
    c.get('trace').decidedAt = now;
    note(c.get('trace'), c.get('route'), outcomes, config, c.env.ANALYTICS !== undefined);
    if (revoked) return refuseRevoked(c, examiner);

    const fields = fieldsOf(charge, outcomes, now);
    if (denied.length > 0 && enforced) return refuse(denied, now, fields);
    const response = await next(c);
    for (const name in fields) response.headers.append(name, fields[name] ?? '');
    return response;
  };
};

const callerOf = (c: Context<Env>): Caller =>
  c.get('preflight') ? 'preflight' : c.get('identity') === undefined ? 'anonymous' : 'subject';

const partitionOf = ({ kind }: Plan, c: Context<Env>): string => {
  if (kind === 'global') return globalPartition;
  const subject = kind === 'subject' ? c.get('identity')?.partition : undefined;
  return subject ?? addressPartition(c.req.header('CF-Connecting-IP'));
};

/** Every request's own token is compared, whoever's permit it would use. */
const isOfRevoked = (c: Context<Env>, outcomes: readonly Outcome[]): boolean => {
  const identity = c.get('identity');
  return identity !== undefined && outcomes.some(({ marks }) => marks && isRevoked(marks, identity));
};

type Fields = Record<string, string>;

/** The RateLimit fields; none where no policy applied. */
const fieldsOf = (charge: Charge, outcomes: readonly Outcome[], now: number): Fields => {
  const field = rateLimitField(outcomes, now);
  if (field === '') return {};
  const asPlanned = outcomes.every(({ plan, policies }) => plan.policies === policies);
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
