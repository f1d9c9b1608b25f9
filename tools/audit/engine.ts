// Runs the checks in order and turns whatever becomes of each into a result: passed, failed, or skipped with its reason.
import { Audit, bearer, type Credentials, isAdmitted, isLimited } from './audit-context.ts';
import { canMint, welcomesStrangers } from './callers.ts';
import type { Check } from './check.ts';
import { checksNamed } from './checks/index.ts';
import { countersOf } from './counters.ts';
import type { Declared } from './declared.ts';
import { accepted } from './evidence.ts';
import { gradeOf } from './grade.ts';
import { Budget, type BudgetLimits } from './http/budget.ts';
import { Client } from './http/client.ts';
import type { Target } from './http/target.ts';
import { limitOf } from './limit.ts';
import { Inconclusive, Stopped } from './stop.ts';
import { type Need, type Report, type Result, skipped, type Verdict } from './types.ts';

export interface AuditOptions {
  readonly target: Target;
  readonly credentials: Credentials;
  readonly limits: BudgetLimits;
  /** Ids, or families as `tokens`; empty: all. */
  readonly only?: readonly string[];
  /** The limits that the API ought to have, in place of what it declares. */
  readonly expected?: readonly Declared[];
  readonly signal: AbortSignal;
  /** Called before each check and once at the end. */
  readonly progress?: ((progress: Progress) => void) | undefined;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly requests: number;
  readonly next: string | undefined;
}

/** The audit could not begin: the address does not answer, or does not accept the token. */
export class CannotRun extends Error {}

/** Audits one address. @throws {CannotRun} or {UnknownCheck}, before anything is sent. */
export const runAudit = async (options: AuditOptions): Promise<Report> => {
  const started = new Date();
  const { target, credentials, signal } = options;
  const chosen = checksNamed(options.only ?? []);
  const good = { headers: [bearer(credentials.token)] };
  const client = new Client(target, new Budget(options.limits, signal), signal, good);
  const audit = new Audit(client, credentials, signal, options.expected);
  try {
    await requireWelcome(audit);
    const [results, stopped] = await runAll(audit, chosen, options.progress ?? (() => {}));
    return {
      tool: 'weir-audit',
      version: 1,
      url: target.url.href,
      started: started.toISOString(),
      seconds: Math.round((Date.now() - started.getTime()) / 100) / 10,
      requests: client.budget.sent,
      grade: gradeOf(results, stopped !== undefined),
      results,
      stopped,
    };
  } finally {
    audit.close();
  }
};

const requireWelcome = async (audit: Audit): Promise<void> => {
  const exchange = await audit
    .getPatiently(audit.main, { headers: [['Origin', audit.credentials.origin]] })
    .catch((error: Error) => {
      throw new CannotRun(`${audit.client.target.url.href} does not answer: ${error.message}`);
    });
  if (!isAdmitted(exchange))
    throw new CannotRun(
      `the token given gets ${exchange.status}, so nothing else could be told apart from it`,
    );
  audit.welcome = exchange;
  // Asked while the quota is whole: later a 429 would pass for a refusal of the key.
  await welcomesStrangers(audit);
};

const runAll = async (
  audit: Audit,
  all: readonly Check[],
  progress: (progress: Progress) => void,
): Promise<[Result[], string | undefined]> => {
  const results: Result[] = [];
  let stopped: string | undefined;
  for (const check of all) {
    progress({ done: results.length, total: all.length, requests: audit.client.budget.sent, next: check.id });
    const verdict =
      stopped === undefined ? await runOne(audit, check) : skipped(`stopped before: ${stopped}`);
    if (verdict instanceof Stopped) stopped = verdict.message;
    results.push(
      resultOf(check, verdict instanceof Stopped ? skipped(`stopped: ${verdict.message}`) : verdict),
    );
    if (isLastOfRefusals(all, check) && stopped === undefined) await trustRefusals(audit, results);
  }
  progress({ done: results.length, total: all.length, requests: audit.client.budget.sent, next: undefined });
  return [results, stopped];
};

/** One check's verdict; `Stopped` where the whole audit must end. */
const runOne = async (audit: Audit, check: Check): Promise<Verdict | Stopped> => {
  try {
    const gap = await missing(audit, check);
    return gap === undefined ? accepted(await check.run(audit)) : skipped(gap);
  } catch (error) {
    if (error instanceof Stopped) return error;
    if (error instanceof Inconclusive) return skipped(error.message);
    return skipped(`could not be run: ${error instanceof Error ? error.message : 'unknown error'}`);
  }
};

const resultOf = (check: Check, verdict: Verdict): Result => {
  const { id, severity, title, owasp, rfc, why, fix } = check;
  return { id, severity, title, owasp, rfc, why, fix, ...verdict };
};

/** Why the check cannot be run, if it cannot. */
const missing = async (audit: Audit, check: Check): Promise<string | undefined> => {
  for (const need of check.needs) {
    const gap = await NEEDS[need](audit);
    if (gap !== undefined) return gap;
  }
  const { left } = audit.client.budget;
  return check.requests <= left
    ? undefined
    : `needs about ${check.requests} requests; ${left} are left of the budget`;
};

const unless = (met: boolean, gap: string): string | undefined => (met ? undefined : gap);

const NEEDS: Readonly<Record<Need, (audit: Audit) => string | undefined | Promise<string | undefined>>> = {
  jwt: ({ jwt }) => unless(jwt !== undefined, 'the token is not a JWT'),
  protected: ({ isProtected }) =>
    unless(isProtected, 'the API answers without any token, so nothing can be refused'),
  'second-token': async (audit) =>
    unless(
      audit.credentials.secondToken !== undefined || (await canMint(audit)),
      'needs --second-token (another token of the same subject) or --signing-key',
    ),
  'other-token': async (audit) =>
    unless(
      audit.credentials.otherToken !== undefined || (await canMint(audit)),
      'needs --other-token (a token of another subject) or --signing-key',
    ),
  'public-key': ({ publicKeys }) =>
    unless(publicKeys.length > 0, 'needs the issuer’s public keys: --jwks or --public-key'),
  'signing-key': ({ credentials }) => unless(credentials.signingKey !== undefined, 'needs --signing-key'),
  loopback: ({ client }) =>
    unless(
      client.target.loopback,
      'the address that the token names is on this machine, which a remote API cannot reach',
    ),
  // Waits for the discovery, whose error says why no limit was found.
  limit: async (audit) => {
    await limitOf(audit);
    return undefined;
  },
  'one-counter': async (audit) =>
    unless(
      !(await countersOf(audit)).several,
      'several counters hold the quota, so there is no one number to compare with',
    ),
};

/** The checks that come before any limit is looked for: what they see refused must not be what is refused to all. */
const isLastOfRefusals = (all: readonly Check[], check: Check): boolean =>
  all.findLast(({ id, needs }) => /^(tokens|leaks)\./.test(id) && !needs.includes('limit')) === check;

/**
 * An API that by now refuses even the good token has shown nothing by refusing the bad ones. Where the good one is over
 * its limit, it has: no bad one that was answered so counts as refused.
 */
const trustRefusals = async (audit: Audit, results: Result[]): Promise<void> => {
  const exchange = await audit.getPatiently(audit.main).catch(() => undefined);
  if (exchange === undefined || isAdmitted(exchange) || isLimited(exchange)) return;
  const doubt = skipped(
    `the good token gets ${exchange.status} after these checks, so the refusals show nothing`,
  );
  results.forEach((result, i) => {
    if (result.outcome === 'passed') results[i] = { ...result, ...doubt };
  });
};
