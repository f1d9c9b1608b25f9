// Who may use the admin API: whoever knows `ADMIN_TOKEN`, or for the metrics `METRICS_TOKEN`, compared in constant time.
import type { MiddlewareHandler } from 'hono';
import { FailureGate } from '../auth/failure-gate.ts';
import { startRefusalDelay } from '../auth/refusal-delay.ts';
import type { Config } from '../config/types.ts';
import type { Secret } from '../lib/secret.ts';
import { callerPartition } from '../partition.ts';
import type { AdminContext, AdminEnv } from './context.ts';
import { refuseAdmin } from './refusal.ts';

/** Longest header compared; no token is longer. */
const MAX_LENGTH = 8_192;

/**
 * Lets the holder of a token pass; everybody else gets the one 404. A failure is charged to its address, as that of a
 * caller's token is; an address that fails too often is not looked at.
 *
 * @param tokensOf the tokens that are accepted, where they are set.
 */
export const guard = (
  tokensOf: (config: Config) => readonly (Secret | undefined)[],
): MiddlewareHandler<AdminEnv> => {
  const gate = new FailureGate();
  return async function guard(c, next) {
    const config = c.get('config');
    const delayed = startRefusalDelay(config.tokens.unauthorizedDelayMs);
    const tokens = tokensOf(config).filter((token) => token !== undefined);
    if (tokens.length === 0 || isOfAnotherSite(c) || !(await holdsOne(c, gate, tokens)))
      return refuseAdmin(c, delayed);
    await next();
  };
};

/** Whether another site's page sent the request. No cookie authenticates here, so this is a second lock. */
const isOfAnotherSite = (c: AdminContext): boolean =>
  !['same-origin', 'none', undefined].includes(c.req.header('Sec-Fetch-Site'));

const holdsOne = async (c: AdminContext, gate: FailureGate, tokens: readonly Secret[]): Promise<boolean> => {
  const address = callerPartition(c.req.raw, c.get('config').ipv6Prefix);
  if (!gate.admits(address)) return false;
  const given = (c.req.header('Authorization') ?? '').slice(0, MAX_LENGTH).replace(/^bearer +/i, '');
  const same = await Promise.all(tokens.map((token) => isSame(given, token.reveal())));
  const right = same.includes(true);
  // A failure binding that does not answer changes nothing for the caller.
  if (!right) c.executionCtx.waitUntil(gate.charge(c.env.AUTH_FAILURES, address).catch(() => undefined));
  return right;
};

/** Compares digests: they have one length, and do not tell how much of a guess was right. */
const isSame = async (given: string, expected: string): Promise<boolean> => {
  const [a, b] = await Promise.all([given, expected].map(digest));
  return a !== undefined && b !== undefined && crypto.subtle.timingSafeEqual(a, b);
};

const digest = (text: string): Promise<ArrayBuffer> =>
  crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
