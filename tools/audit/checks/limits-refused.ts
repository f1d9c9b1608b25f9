// Checks: what refused tokens cost, and whom.

import { type Audit, bearer, isAdmitted } from '../audit-context.ts';
import { freshCaller, welcomesStrangers } from '../callers.ts';
import type { Check } from '../check.ts';
import { remainingOf } from '../countdown.ts';
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
import { jwtOf } from './tokens-forged.ts';

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
    const isLong = (await limit.renewMs()) > SHORT_WINDOW_MS && !(await welcomesStrangers(audit));
    const fallen = isLong ? await remainingFalls(audit, limit) : undefined;
    if (fallen !== undefined) return fallen;
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

/** Two good requests, then bad ones between the second and a third, so often. */
const FALLS = 2;

/**
 * Where a whole quota takes long to come back, by what the API says remains: failed if that falls by one for one good
 * request and by one for each bad token, twice. Undefined otherwise, which is no praise.
 */
const remainingFalls = async (audit: Audit, limit: Limit): Promise<Verdict | undefined> => {
  if (limit.spend.some((exchange) => remainingOf(exchange) === undefined)) return undefined;
  const caller = await freshCaller(audit, limit);
  const jwt = readJwt(caller.token) ?? jwtOf(audit);
  const seen: string[] = [];
  for (let i = 0; i < FALLS; i++) {
    const forged = Array.from({ length: BAD }, () => ({ headers: [bearer(badlySigned(jwt))] }));
    const all = await swiftly(audit, [...repeated(caller, 2), ...forged, ...repeated(caller, 1)]);
    const counts = [all[0], all[1], all.at(-1)].map((exchange) =>
      exchange && isAdmitted(exchange) ? remainingOf(audit.note(caller, exchange)) : undefined,
    );
    const [first = 0, second = 0, last] = counts;
    if (last === undefined || first - second !== 1 || second - last !== BAD + 1) return undefined;
    seen.push(`${first}, ${second}, then ${last}`);
  }
  return failed(SENT, `what remains, before and after the bad ones: ${seen.join('; again ')}`);
};

/** How many good requests a whole quota admits after `bad` forged ones in the subject's name. */
const admittedAfter = async (audit: Audit, limit: Limit, bad: number): Promise<number> => {
  const caller = await freshCaller(audit, limit);
  const jwt = readJwt(caller.token) ?? jwtOf(audit);
  const forged = Array.from({ length: bad }, () => ({ headers: [bearer(badlySigned(jwt))] }));
  // One more than the quota, so that a denial says when it is whole again.
  const exchanges = await swiftly(audit, [...forged, ...repeated(caller, limit.most + 1)]);
  if (exchanges.slice(0, bad).some(isAdmitted)) throw new Inconclusive(ADMITTED);
  const good = exchanges.slice(bad).map((exchange) => audit.note(caller, exchange));
  const denied = good.findIndex((exchange) => !isAdmitted(exchange));
  return denied === -1 ? good.length : denied;
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
  requests: 80,
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
