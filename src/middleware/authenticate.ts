// The step that learns who is calling: `Authorization: Bearer` -> Identity, or the one 401.

import type { Next } from 'hono';
import { candidateToken, presentsBearer } from '../auth/bearer.ts';
import { Examiner } from '../auth/examine.ts';
import { type Floor, startFloor } from '../auth/floor.ts';
import { refuse } from '../auth/refusal.ts';
import type { Config, Route } from '../config/types.ts';
import type { Exchange, Outcome } from '../exchange.ts';
import type { Identity } from '../identity.ts';
import { abnormalUsage, forbidden, reducedCapacity } from '../problem.ts';
import type { Answered, Step, WeirContext } from './step.ts';

/** The shared verifications of the failure gate are counted by the second. */
const GATED_RETRY_MS = 1_000;

/**
 * Sets `identity`, undefined for an anonymous caller. A token that was verified lately costs one look-up; every other
 * goes the long way, under the timer that each 401 waits for.
 */
export const authenticate = (config: Config, examiner = new Examiner(config)): Step => {
  return function authenticate(c, next) {
    const exchange = c.get('exchange');
    if (exchange.route.auth === 'none' || exchange.preflight) return enter(c, next, undefined);
    const header = exchange.request.headers.get('authorization');
    const identity = examiner.known(candidateToken(header));
    if (identity || (!presentsBearer(header) && admitsAnonymous(exchange.route)))
      return enter(c, next, identity);
    return examine(c, next, header, examiner, startFloor(examiner.floorMs));
  };
};

/** Where a token is optional; but nobody has scopes without one. */
const admitsAnonymous = ({ auth, scopes }: Route): boolean => auth === 'optional' && scopes.length === 0;

/** On with the request, or the one 403 if the token lacks a scope that the route asks for. */
const enter = (c: WeirContext, next: Next, identity: Identity | undefined): Answered => {
  const exchange = c.get('exchange');
  exchange.identity = identity;
  c.set('identity', identity);
  const { scopes } = exchange.route;
  if (identity === undefined || hasAll(identity.scopes, scopes)) return next();
  return answer(exchange, 'forbidden', 'scope_missing', forbidden(host(exchange)));
};

const hasAll = (granted: ReadonlySet<string>, scopes: readonly string[]): boolean =>
  scopes.length === 0 || scopes.every((scope) => granted.has(scope));

const examine = async (
  c: WeirContext,
  next: Next,
  header: string | null,
  examiner: Examiner,
  floor: Floor,
) => {
  const exchange = c.get('exchange');
  const verdict = await examiner.examine(exchange, header, floor);
  switch (verdict.kind) {
    case 'verified':
      return enter(c, next, verdict.identity);
    case 'refused':
      return refuse(exchange, floor, verdict.reason, presentsBearer(header));
    case 'gated':
      return answer(exchange, 'abnormal', 'auth_failures', abnormalUsage(GATED_RETRY_MS));
    case 'no_keys':
      return answer(exchange, 'unavailable', 'keys_unavailable', reducedCapacity(verdict.retryAfterMs));
  }
};

const answer = async (
  exchange: Exchange,
  outcome: Outcome,
  reason: string,
  response: Response,
): Promise<Response> => {
  const { trace } = exchange;
  trace.outcome = outcome;
  trace.reason = reason;
  return response;
};

const host = (exchange: Exchange): string => new URL(exchange.request.url).host;
