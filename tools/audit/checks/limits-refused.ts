// Checks: what refused tokens cost, and whom.
import { type Audit, bearer, type Caller, isAdmitted, jwtOf } from '../audit-context.ts';
import { freshCaller, welcomesStrangers } from '../callers.ts';
import type { Check } from '../check.ts';
import { countDown, remainingOf, takenByOthers } from '../countdown.ts';
import {
  floodsOf,
  goodOf,
  harmText,
  isConfirmed,
  isHarmed,
  limitedIn,
  medianMs,
  moreWaves,
  sentIn,
  WAVE,
  type Wave,
} from '../flood.ts';
import type { Call, Exchange } from '../http/client.ts';
import { type Limit, limitOf, repeated, SHORT_WINDOW_MS } from '../limit.ts';
import { Inconclusive } from '../stop.ts';
import { ADMITTED } from '../timing.ts';
import { badlySigned, readJwt } from '../tokens/jwt.ts';
import { failed, measured, passed, type Verdict } from '../types.ts';

const BAD = 10;

const refusedSpend: Check = {
  id: 'limits.refused-spend',
  severity: 'high',
  title: 'Refused tokens do not spend the subject’s quota',
  owasp: 'API4:2023',
  rfc: 'draft-ietf-httpapi-ratelimit-headers-11 section 8.2',
  why: 'Else anybody who knows a subject’s id can shut that subject out, without any token of theirs.',
  fix: 'Verify first; count by subject only what was verified.',
  needs: ['limit', 'jwt', 'protected', 'one-counter'],
  requests: 20,
  async run(audit) {
    const limit = await limitOf(audit);
    const hasStrangers = audit.perSubject === true && (await welcomesStrangers(audit));
    const isLong = !hasStrangers && (await limit.renewMs()) > SHORT_WINDOW_MS;
    const told = isLong ? await byWhatRemains(audit, limit) : undefined;
    if (told !== undefined) return told;
    const first = await admittedAfter(audit, limit, BAD);
    if (first >= limit.most - BAD / 2)
      return passed(SENT, `${first} admitted, the whole quota`, measured('good requests admitted', first));
    return compared(audit, limit, first);
  },
};

const SENT = `${BAD} badly signed tokens of the subject, then good ones`;

/**
 * Against the same without bad tokens, twice each in turn. Where windows are fixed, a quota may not have been whole, or
 * a window may have turned: then the runs without bad tokens differ among themselves, and nothing is shown.
 */
const compared = async (audit: Audit, limit: Limit, first: number): Promise<Verdict> => {
  const without = [await admittedAfter(audit, limit, 0)];
  const after = [first, await admittedAfter(audit, limit, BAD)];
  without.push(await admittedAfter(audit, limit, 0));
  const seen = `${after.join(' and ')} admitted, ${without.join(' and ')} without the bad ones before`;
  const least = Math.min(...without);
  const cost = Math.min(BAD, least) / 2;
  if (Math.max(...without) - least > cost)
    throw new Inconclusive(`the quota was not whole each time: ${seen}`);
  const spent = least > 0 && Math.max(...after) < least - cost;
  return (spent ? failed : passed)(SENT, seen, measured('good requests admitted', Math.min(...after, least)));
};

/** Fewer bad tokens, so that a small quota has room for them twice. */
const BAD_BETWEEN = 5;
const TIMES = 2;

/**
 * Where a whole quota takes long to come back, by what the API says remains, if that has been seen to count down: whether
 * bad tokens take it down, the same each time. Undefined where that shows nothing.
 */
const byWhatRemains = async (audit: Audit, limit: Limit): Promise<Verdict | undefined> => {
  const told = [...limit.spend, limit.denial].flatMap((exchange) => remainingOf(exchange) ?? []);
  if (told.length <= limit.capacity || !countDown(told)) return undefined;
  const caller = await freshCaller(audit, limit);
  const seen: (readonly (number | undefined)[])[] = [];
  while (seen.length < TIMES) seen.push(await remainingAround(audit, caller, BAD_BETWEEN));
  const [sent, text] = [
    `two good requests, ${BAD_BETWEEN} badly signed tokens of the subject, and another good one`,
    `what remained after the good ones: ${seen.map((counts) => counts.join(', ')).join('; again ')}`,
  ];
  if (seen.every((counts) => takenByOthers(counts) === BAD_BETWEEN)) return failed(sent, text);
  return seen.every((counts) => takenByOthers(counts) === 0)
    ? passed(sent, text, measured('times compared', seen.length, TIMES))
    : undefined;
};

/** What remains after each of two good requests, and after a third with bad tokens before it. */
const remainingAround = async (
  audit: Audit,
  caller: Caller,
  bad: number,
): Promise<(number | undefined)[]> => {
  const all = await swiftly(audit, [
    ...repeated(caller, 2),
    ...forged(audit, caller, bad),
    ...repeated(caller, 1),
  ]);
  if (all.slice(2, -1).some(isAdmitted)) throw new Inconclusive(ADMITTED);
  return [...all.slice(0, 2), ...all.slice(-1)].map((exchange) =>
    isAdmitted(audit.note(caller, exchange)) ? remainingOf(exchange) : undefined,
  );
};

/** How many good requests a whole quota admits after `bad` forged ones in the subject's name. */
const admittedAfter = async (audit: Audit, limit: Limit, bad: number): Promise<number> => {
  const caller = await freshCaller(audit, limit);
  // One more than the quota, so that a denial says when it is whole again.
  const exchanges = await swiftly(audit, [
    ...forged(audit, caller, bad),
    ...repeated(caller, limit.most + 1),
  ]);
  if (exchanges.slice(0, bad).some(isAdmitted)) throw new Inconclusive(ADMITTED);
  const good = exchanges.slice(bad).map((exchange) => audit.note(caller, exchange));
  const denied = good.findIndex((exchange) => !isAdmitted(exchange));
  return denied === -1 ? good.length : denied;
};

/** Requests with badly signed tokens in the caller's name. */
const forged = (audit: Audit, { token }: Caller, count: number): readonly Call[] => {
  const jwt = readJwt(token) ?? jwtOf(audit);
  return Array.from({ length: count }, () => ({ headers: [bearer(badlySigned(jwt))] }));
};

/** One after another, without pauses where a second has room for all: else permits come back in between. */
const swiftly = async ({ client }: Audit, calls: readonly Call[]): Promise<Exchange[]> => {
  if (calls.length <= client.budget.limits.rate) return (await client.sprint(calls))[0];
  const exchanges: Exchange[] = [];
  for (const call of calls) exchanges.push(await client.send(call));
  return exchanges;
};

const floodLimited: Check = {
  id: 'limits.flood',
  // What a flood does to others, which is worse, is asked by the next check.
  severity: 'low',
  title: 'A flood of bad tokens is itself limited',
  owasp: 'API4:2023, API2:2023',
  rfc: 'RFC 6585 section 4',
  why: 'Each bad token costs a verification; without a limit, guessing and exhausting are free.',
  fix: 'Count failed verifications by client address and answer 429 when there are too many.',
  needs: ['limit', 'jwt', 'protected'],
  requests: 2 * WAVE + 4,
  async run(audit) {
    const { first, confirmation } = await floodsOf(audit);
    const waves = [...first, ...(confirmation?.bad ?? [])];
    if (limitedIn(waves) === 0) waves.push(...(await moreWaves(audit, sentIn(waves))));
    const [sent, limited] = [sentIn(waves), limitedIn(waves)];
    const before = audit.client.budget.sent - sent;
    const what = `${sent} badly signed tokens in waves of ${WAVE}, after ${before} requests of all kinds`;
    return limited > 0
      ? passed(what, `${limited} answered 429`, measured('bad tokens limited', limited))
      : failed(what, 'none answered 429');
  },
};

const floodHarmless: Check = {
  id: 'limits.flood-harmless',
  severity: 'medium',
  title: 'Good callers are served, and served as fast, while bad tokens flood in',
  owasp: 'API4:2023',
  rfc: 'CWE-400',
  why: 'If junk takes the time or the permits of good callers, one attacker is enough to stop them all.',
  fix: 'Bound the verifications at work for one address; let tokens that are known good pass by.',
  needs: ['limit', 'jwt', 'protected'],
  requests: 0,
  async run(audit) {
    const { first, confirmation } = await floodsOf(audit);
    if (!first.some(isHarmed)) return floodVerdict(first, passed);
    if (confirmation === undefined)
      throw new Inconclusive(
        `seen once, and the budget is too small to see it again: ${harmText(first.filter(isHarmed))}`,
      );
    const { bad, control } = confirmation;
    if (isConfirmed(confirmation)) return floodVerdict(bad, failed);
    if (bad.every(isHarmed))
      throw new Inconclusive(
        `not clearly worse than without bad tokens: ${harmText(bad)}, against ${harmText(control)}`,
      );
    return floodVerdict(bad, passed);
  },
};

const floodVerdict = (waves: readonly Wave[], verdict: typeof passed): Verdict =>
  verdict(
    'a good request before each wave of bad tokens and one in its midst',
    harmText(waves),
    measured('good requests in the flood', goodOf(waves).length),
    measured('their median in ms', medianMs(waves), 0),
  );

export const refusedChecks: readonly Check[] = [refusedSpend];
export const floodChecks: readonly Check[] = [floodLimited, floodHarmless];
