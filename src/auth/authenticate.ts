// The step that learns who is calling: `Authorization: Bearer` -> Identity, or the one 401.
import type { Context } from 'hono';
import type { Config, Route } from '../config.ts';
import type { Env, Identity, Outcome } from '../env.ts';
import { abnormalUsage, forbidden, reducedCapacity } from '../problem.ts';
import type { Handler, Step } from '../step.ts';
import { candidateToken, presentsBearer } from './bearer.ts';
import { Examiner } from './examine.ts';
import { type Floor, refuse, startFloor } from './refusal.ts';

/** The shared verifications of the failure gate are counted by the second. */
const GATED_RETRY_MS = 1_000;

/**
 * Sets `identity`, undefined for an anonymous caller. A token that was verified lately costs one look-up; every other
 * goes the long way, under the timer that each 401 waits for.
 */
export const authenticate = (config: Config, examiner = new Examiner(config)): Step => {
  return function authenticate(c, next) {
    if (c.get('route').auth === 'none' || c.get('preflight')) return enter(c, next, undefined);
    const header = c.req.raw.headers.get('authorization');
    const identity = examiner.known(candidateToken(header));
    if (identity || (!presentsBearer(header) && admitsAnonymous(c.get('route'))))
      return enter(c, next, identity);
    return examine(c, next, header, examiner, startFloor(examiner.floorMs));
  };
};

/** Where a token is optional; but nobody has scopes without one. */
const admitsAnonymous = ({ auth, scopes }: Route): boolean => auth === 'optional' && scopes.length === 0;

/** On with the request, or the one 403 if the token lacks a scope that the route asks for. */
const enter = (
  c: Context<Env>,
  next: Handler,
  identity: Identity | undefined,
): Response | Promise<Response> => {
  c.set('identity', identity);
  const { scopes } = c.get('route');
  if (identity === undefined || hasAll(identity.scopes, scopes)) return next(c);
  return answer(c, 'forbidden', 'scope_missing', forbidden(host(c)));
};

const hasAll = (granted: ReadonlySet<string>, scopes: readonly string[]): boolean =>
  scopes.length === 0 || scopes.every((scope) => granted.has(scope));

const examine = async (
  c: Context<Env>,
  next: Handler,
  header: string | null,
  examiner: Examiner,
  floor: Floor,
) => {
  const verdict = await examiner.examine(c, header, floor);
  switch (verdict.kind) {
    case 'verified':
      return enter(c, next, verdict.identity);
    case 'refused':
      return refuse(c, floor, verdict.reason, presentsBearer(header));
    case 'gated':
      return answer(c, 'abnormal', 'auth_failures', abnormalUsage(GATED_RETRY_MS));
    case 'no_keys':
      return answer(c, 'unavailable', 'keys_unavailable', reducedCapacity(verdict.retryAfterMs));
  }
};

const answer = (c: Context<Env>, outcome: Outcome, reason: string, response: Response): Response => {
  const trace = c.get('trace');
  trace.outcome = outcome;
  trace.reason = reason;
  return response;
};

const host = (c: Context<Env>): string => new URL(c.req.url).host;
