// Who may use the admin API: whoever knows `ADMIN_TOKEN`, compared in constant time.
import type { MiddlewareHandler } from 'hono';
import { FailureGate } from '../auth/failure-gate.ts';
import { startFloor } from '../auth/floor.ts';
import { callerPartition } from '../partition.ts';
import type { AdminContext, AdminEnv } from './context.ts';
import { refuseAdmin } from './refusal.ts';

/** Longest header compared; no token is longer. */
const MAX_LENGTH = 8_192;

/**
 * Lets the holder of the admin token pass; everybody else gets the one 404. A failure is charged to its address, as that
 * of a caller's token is; an address that fails too often is not looked at.
 */
export const guard = (): MiddlewareHandler<AdminEnv> => {
  const gate = new FailureGate();
  return async function guard(c, next) {
    const { adminToken, tokens } = c.get('config');
    const floor = startFloor(tokens.unauthorizedDelayMs);
    if (adminToken === undefined || !(await holds(c, gate, adminToken.reveal())))
      return refuseAdmin(c, floor);
    await next();
  };
};

const holds = async (c: AdminContext, gate: FailureGate, adminToken: string): Promise<boolean> => {
  const address = callerPartition(c.req.raw);
  if (!gate.admits(address)) return false;
  const given = (c.req.header('Authorization') ?? '').slice(0, MAX_LENGTH);
  const right = await isSame(given.replace(/^bearer +/i, ''), adminToken);
  // The failure binding not answering is no reason to answer otherwise.
  if (!right) c.executionCtx.waitUntil(gate.charge(c.env.AUTH_FAILURES, address).catch(() => undefined));
  return right;
};

/** Digests are of one length, and say nothing of how much of a guess was right. */
const isSame = async (given: string, expected: string): Promise<boolean> => {
  const [a, b] = await Promise.all([given, expected].map(digest));
  return a !== undefined && b !== undefined && crypto.subtle.timingSafeEqual(a, b);
};

const digest = (text: string): Promise<ArrayBuffer> =>
  crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
