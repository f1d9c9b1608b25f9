// Who may use the admin API: whoever knows `ADMIN_TOKEN`, compared in constant time.
import { FailureGate } from '../auth/failure-gate.ts';
import type { Bindings } from '../bindings.ts';
import type { Secret } from '../lib/secret.ts';
import { callerPartition } from '../partition.ts';

/** Longest header compared; no token is longer. */
const MAX_LENGTH = 8_192;

type Guard = (request: Request, env: Bindings, ctx: ExecutionContext) => Promise<boolean>;

/** A failure is charged to its address, as that of a caller's token is; an address that fails too often is not looked at. */
export const guard = (adminToken: Secret | undefined): Guard => {
  if (adminToken === undefined) return async () => false;
  const gate = new FailureGate();
  return async function isAdmin(request, { AUTH_FAILURES }, ctx) {
    const address = callerPartition(request);
    if (!gate.admits(address)) return false;
    const given = (request.headers.get('Authorization') ?? '').slice(0, MAX_LENGTH);
    const right = await isSame(given.replace(/^bearer +/i, ''), adminToken.reveal());
    if (!right) ctx.waitUntil(gate.charge(AUTH_FAILURES, address).catch(() => undefined));
    return right;
  };
};

/** Digests are of one length, and say nothing of how much of a guess was right. */
const isSame = async (given: string, expected: string): Promise<boolean> => {
  const [a, b] = await Promise.all([given, expected].map(digest));
  return a !== undefined && b !== undefined && crypto.subtle.timingSafeEqual(a, b);
};

const digest = (text: string): Promise<ArrayBuffer> =>
  crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
