// The step that learns who is calling: the token of the request -> Identity, or the one 401.
import type { Next } from 'hono';
import { admitsAnonymous, missingScopes } from '../auth/admission.ts';
import { Examiner } from '../auth/examine.ts';
import type { Reason } from '../auth/reasons.ts';
import { refuse } from '../auth/refusal.ts';
import { type RefusalDelay, startRefusalDelay } from '../auth/refusal-delay.ts';
import type { Verdict } from '../auth/verify.ts';
import type { Config, Mode } from '../config/types.ts';
import type { Exchange, Outcome } from '../exchange.ts';
import type { Identity } from '../identity.ts';
import { abnormalUsage, forbidden, reducedCapacity } from '../problem.ts';
import type { Answered, Step, WeirContext } from './step.ts';

/** The failure gate counts its shared verifications by the second, so the next second may admit a retry. */
const GATED_RETRY_MS = 1_000;

/**
 * Sets `identity`; undefined for an anonymous caller. A recently verified token costs one look-up. Any other is examined,
 * under the timer that every 401 waits for.
 */
export const authenticate = (config: Config, examiner = new Examiner(config)): Step => {
  const { mode } = config.tokens;
  return function authenticate(c, next) {
    const exchange = c.get('exchange');
    if (exchange.route.auth === 'none' || exchange.preflight) return next();
    const token = examiner.read(exchange.request);
    const identity = examiner.known(token);
    if (identity) return enter(c, next, identity, mode);
    if (token === undefined && admitsAnonymous(exchange.route)) return next();
    return examine(c, next, token, examiner, mode);
  };
};

/** Continues with the request, or answers the one 403 if the token lacks a scope that the route requires. */
const enter = (c: WeirContext, next: Next, identity: Identity, mode: Mode): Answered => {
  const exchange = c.get('exchange');
  exchange.identity = identity;
  c.set('identity', identity);
  if (missingScopes(identity, exchange.route).length === 0) return next();
  return refused(c, next, mode, {
    outcome: 'forbidden',
    reason: 'scope_missing',
    answer: async () => forbidden(host(exchange)),
  });
};

const examine = async (
  c: WeirContext,
  next: Next,
  token: string | undefined,
  examiner: Examiner,
  mode: Mode,
) => {
  const exchange = c.get('exchange');
  const delayed = startRefusalDelay(examiner.refusalDelayMs);
  const verdict = await examiner.examine(exchange, token, delayed);
  if (verdict.kind === 'verified') return enter(c, next, verdict.identity, mode);
  exchange.unidentified = true;
  return refused(c, next, mode, refusalOf(exchange, verdict, delayed, token !== undefined));
};

/** What a caller gets instead of the origin's answer, and what the log says about it. */
interface Refusal {
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly answer: () => Promise<Response>;
}

const refusalOf = (
  exchange: Exchange,
  verdict: Exclude<Verdict, { kind: 'verified' }>,
  delayed: RefusalDelay,
  tokenGiven: boolean,
): Refusal => {
  switch (verdict.kind) {
    case 'refused': {
      const { reason } = verdict;
      return { outcome: 'unauthorized', reason, answer: () => refuse(exchange, delayed, reason, tokenGiven) };
    }
    case 'gated':
      return {
        outcome: 'abnormal',
        reason: 'auth_failures',
        answer: async () => abnormalUsage(GATED_RETRY_MS),
      };
    case 'no_keys':
      return {
        outcome: 'unavailable',
        reason: 'keys_unavailable',
        answer: async () => reducedCapacity(verdict.retryAfterMs),
      };
  }
};

/** Refuses; in shadow mode only logs that it would have, unless the token is revoked. */
const refused = (c: WeirContext, next: Next, mode: Mode, { outcome, reason, answer }: Refusal): Answered => {
  const { trace } = c.get('exchange');
  trace.outcome = outcome;
  trace.reason = reason;
  trace.shadow = mode === 'shadow' && reason !== 'token_revoked';
  return trace.shadow ? next() : answer();
};

const host = (exchange: Exchange): string => new URL(exchange.request.url).host;
