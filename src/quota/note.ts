// Tells the report what the limit step decided. No I/O.
import type { Config } from '../config/types.ts';
import type { Trace } from '../exchange.ts';
import { isRefusing, isUnanswered, type Outcome, remaining, violated } from './outcome.ts';

/** From this share of a quota downwards a request is reported as near its limit. */
const NEAR_LIMIT = 0.2;

/** Fills in the trace of a request whose permits were granted or denied. `counted`: a data point will be made of it. */
export const note = (trace: Trace, outcomes: readonly Outcome[], config: Config, counted: boolean): void => {
  trace.cost = Math.max(1, ...outcomes.map(({ holding }) => holding.plan.cost));
  trace.partition = outcomes[0]?.holding.partition;
  if (counted) noteShare(trace, outcomes);
  const failed = outcomes.find(({ error }) => error !== undefined);
  if (failed !== undefined) noteFailure(trace, failed, config);
  if (outcomes.some(({ abnormal }) => abnormal?.report)) noteAbnormal(trace);
  const denied = outcomes.filter(({ allowed }) => !allowed);
  if (denied.length > 0) noteDenial(trace, denied);
};

/** Loops, since every counted request comes this way. */
const noteShare = (trace: Trace, outcomes: readonly Outcome[]): void => {
  for (const outcome of outcomes) {
    const { decisions, policies } = outcome;
    for (let i = 0; i < decisions.length; i++) {
      const share = remaining(outcome, i) / Math.max(1, policies[i]?.quota ?? 1);
      if (share >= trace.remainingShare) continue;
      trace.remainingShare = share;
      if (share <= NEAR_LIMIT && isPassing(trace)) noteNear(trace, policies[i]?.name);
    }
  }
};

/** What a token would have got in shadow mode is told first. */
const isPassing = ({ outcome }: Trace): boolean => outcome === 'forwarded' || outcome === 'near_limit';

const noteNear = (trace: Trace, policy: string | undefined): void => {
  trace.outcome = 'near_limit';
  trace.policy = policy;
};

const noteFailure = (trace: Trace, { holding, error }: Outcome, config: Config): void => {
  trace.limiterError = config.onLimiterError;
  trace.reason = error?.reason;
  trace.policy = holding.plan.policies.map(({ name }) => name).join(', ');
};

const noteAbnormal = (trace: Trace): void => {
  trace.outcome = 'abnormal';
  trace.reason = 'unusual_use';
};

const noteDenial = (trace: Trace, denied: readonly Outcome[]): void => {
  trace.shadow = !denied.some(isRefusing);
  trace.policy = denied.flatMap(violated).join(', ');
  if (denied.some(({ abnormal }) => abnormal?.denied)) {
    noteAbnormal(trace);
  } else {
    trace.outcome = denied.some(isUnanswered) ? 'limiter_error' : 'denied';
    if (trace.limiterError === undefined) trace.reason = 'quota_exceeded';
  }
};
