// Who the audit can speak as: another token of the subject, another subject, a subject whose quota is whole.
import { randomUUID } from 'node:crypto';
import { type Audit, type Caller, callerOf, isAdmitted, MAX_WAIT_MS } from './audit-context.ts';
import { type Limit, longestWindowMs, SHORT_WINDOW_MS } from './limit.ts';
import { Inconclusive } from './stop.ts';

/** Whether the API accepts what the signing key signs for the same subject. */
export const canMint = (audit: Audit): Promise<boolean> =>
  audit.once('can mint', async () => {
    if (audit.credentials.signingKey === undefined || audit.jwt === undefined) return false;
    const caller = { token: await audit.mint(), account: audit.main.account };
    return isAdmitted(await audit.getPatiently(caller));
  });

/** Another token of the main subject. */
export const secondCaller = (audit: Audit): Promise<Caller | undefined> =>
  audit.once('second caller', async () => {
    const given = audit.credentials.secondToken;
    if (given !== undefined) return { token: given, account: audit.main.account };
    return (await canMint(audit)) ? { token: await audit.mint(), account: audit.main.account } : undefined;
  });

/** Somebody else, with a quota of their own. */
export const otherCaller = (audit: Audit): Promise<Caller | undefined> =>
  audit.once('other caller', async () => {
    const given = audit.credentials.otherToken;
    return given === undefined ? strangerIfAny(audit) : callerOf(given);
  });

/** A caller whose whole quota is unspent: a new subject, or one whose limit has renewed by now. */
export const freshCaller = async (audit: Audit, limit: Limit): Promise<Caller> =>
  (audit.perSubject ? await strangerIfAny(audit) : undefined) ?? renewedCaller(audit, limit);

/** Whether the API accepts subjects it has never met. To be asked while no quota is spent, not even one of an address. */
export const welcomesStrangers = (audit: Audit): Promise<boolean> =>
  audit.once('strangers', async () => {
    if (!(await canMint(audit))) return false;
    return isAdmitted(await audit.getPatiently(await stranger(audit)));
  });

const strangerIfAny = async (audit: Audit): Promise<Caller | undefined> =>
  (await welcomesStrangers(audit)) ? stranger(audit) : undefined;

const stranger = async (audit: Audit): Promise<Caller> =>
  callerOf(await audit.mint({ sub: `weir-audit-${randomUUID()}` }));

const renewedCaller = async (audit: Audit, limit: Limit): Promise<Caller> => {
  const other = await otherCaller(audit);
  const everybody = other === undefined ? [audit.main] : [audit.main, other];
  const renewMs = await limit.renewMs();
  // A fixed window turns when a denial says; a sliding one is whole a window after its last request.
  // No denial holds for longer than the longest window, whatever it says.
  const longest = Math.max(renewMs, longestWindowMs(limit) ?? Number.POSITIVE_INFINITY);
  const readyAt = ({ account: { lastAdmitted = -renewMs, deniedAt = 0, deniedUntil = 0 } }: Caller) =>
    Math.max(lastAdmitted + renewMs, Math.min(deniedUntil, deniedAt + longest));
  const candidates = everybody.toSorted((a, b) => readyAt(a) - readyAt(b));
  // A quota that all share is whole only once the last of them has rested.
  const [caller, when] = audit.perSubject
    ? [candidates[0] ?? audit.main, readyAt(candidates[0] ?? audit.main)]
    : [audit.main, Math.max(...everybody.map(readyAt))];
  await waitUntil(audit, when);
  return caller;
};

/** Pauses in one audit after which no long window is waited for. */
const MAX_WAITS_MS = 180_000;

const waitUntil = async (audit: Audit, when: number): Promise<void> => {
  const ms = when - performance.now();
  if (ms > MAX_WAIT_MS)
    throw new Inconclusive(
      `the quota renews only in ${Math.ceil(ms / 1000)} s; --signing-key would give fresh subjects`,
    );
  if (ms > SHORT_WINDOW_MS && audit.pausedMs + ms > MAX_WAITS_MS)
    throw new Inconclusive(
      `the audit has waited ${Math.round(audit.pausedMs / 1000)} s in all and waits no longer; --signing-key would give fresh subjects`,
    );
  if (ms > 0) await audit.pause(ms);
};
