// The step that spends permits: the request's cost against every policy that applies, all or nothing.
import type { Context, MiddlewareHandler } from 'hono';
import type { Config, Route } from '../config.ts';
import type { Env, Trace } from '../env.ts';
import { addressPartition, globalPartition } from '../partition.ts';
import { quotaExceeded, reducedCapacity } from '../problem.ts';
import { RATELIMIT, RATELIMIT_POLICY, rateLimitItem } from './fields.ts';
import { type Outcome, Permits } from './permits.ts';
import { type Caller, chargesOf, type Plan } from './plan.ts';

/** From this share of a quota downwards a request is reported as near its limit. */
const NEAR_LIMIT = 0.2;

/** What `closed` tells callers to wait; also how long a failing Limiter is first left alone. */
const LIMITER_RETRY_MS = 1_000;

export const limit = (config: Config): MiddlewareHandler<Env> => {
  const chargeOf = chargesOf(config);
  const permits = new Permits(config);

  return async function limit(c, next) {
    const { plans, policyField } = chargeOf(c.get('route'), callerOf(c), c.get('identity')?.tier);
    const pending = permits.use(
      c,
      plans.map((plan) => ({ plan, partition: partitionOf(plan, c) })),
    );
    const outcomes = Array.isArray(pending) ? pending : await pending;
    const now = Date.now();
    const denied = outcomes.filter(({ allowed }) => !allowed);
    if (denied.length > 0) for (const outcome of outcomes) permits.undo(c, outcome);
    note(c.get('trace'), c.get('route'), outcomes, config);

    const field = rateLimitField(outcomes, now);
    if (denied.length > 0 && c.get('route').mode === 'enforce')
      return refuse(denied, now, policyField, field);
    await next();
    if (field === '') return;
    c.res.headers.append(RATELIMIT_POLICY, policyField);
    c.res.headers.append(RATELIMIT, field);
  };
};

const callerOf = (c: Context<Env>): Caller =>
  c.get('preflight') ? 'preflight' : c.get('identity') === undefined ? 'anonymous' : 'subject';

const partitionOf = ({ kind }: Plan, c: Context<Env>): string => {
  if (kind === 'global') return globalPartition;
  const subject = kind === 'subject' ? c.get('identity')?.partition : undefined;
  return subject ?? addressPartition(c.req.header('CF-Connecting-IP'));
};

/** Permits left under one policy of an outcome, with those the isolate holds. */
const remaining = (outcome: Outcome, i: number): number =>
  (outcome.decisions[i]?.remaining ?? 0) + outcome.heldPermits;

const rateLimitField = (outcomes: readonly Outcome[], now: number): string =>
  outcomes
    .flatMap((outcome) =>
      outcome.decisions.map(({ resetMs }, i) => {
        const name = outcome.plan.policies[i]?.name ?? '';
        return rateLimitItem(name, remaining(outcome, i), resetMs - (now - outcome.decidedAt));
      }),
    )
    .join(', ');

/** The one 429, or 503 where the Limiter is down and the failure policy is `closed`. */
const refuse = (denied: readonly Outcome[], now: number, policyField: string, field: string): Response => {
  if (denied.some(({ decisions }) => decisions.length === 0)) return reducedCapacity(LIMITER_RETRY_MS);
  const waits = denied.flatMap(({ decisions, decidedAt }) =>
    decisions.map(({ retryAfterMs }) => retryAfterMs - (now - decidedAt)),
  );
  const headers = { [RATELIMIT_POLICY]: policyField, [RATELIMIT]: field };
  return quotaExceeded(Math.max(...waits), denied.flatMap(violated), headers);
};

/** Names of the policies that denied. */
const violated = ({ plan, decisions }: Outcome): string[] =>
  plan.policies.filter((_, i) => decisions[i]?.allowed === false).map(({ name }) => name);

/** Tells the report what was decided. */
const note = (trace: Trace, route: Route, outcomes: readonly Outcome[], config: Config): void => {
  const denied = outcomes.filter(({ allowed }) => !allowed);
  const failed = outcomes.find(({ error }) => error !== undefined);
  trace.cost = route.cost;
  trace.partition = outcomes[0]?.partition;
  trace.remainingShare = Math.min(1, ...outcomes.flatMap(shares));
  if (trace.remainingShare <= NEAR_LIMIT) trace.outcome = 'near_limit';
  if (failed !== undefined) {
    trace.limiterError = config.onLimiterError;
    trace.reason = failed.error?.reason;
  }
  if (denied.length === 0) return;
  const unanswered = denied.some(({ decisions }) => decisions.length === 0);
  trace.outcome = unanswered ? 'limiter_error' : 'denied';
  trace.reason ??= 'quota_exceeded';
  trace.policy = denied.flatMap(violated).join(', ');
  trace.shadow = route.mode === 'shadow';
};

const shares = (outcome: Outcome): number[] =>
  outcome.plan.policies.map(({ quota }, i) =>
    outcome.decisions.length === 0 ? 1 : remaining(outcome, i) / quota,
  );
