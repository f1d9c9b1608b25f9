// Checks: what refused tokens cost, and whom.

import { median, sum } from '../../statistics.ts';
import { type Audit, bearer, type Caller, isAdmitted, isLimited } from '../audit-context.ts';
import { freshCaller } from '../callers.ts';
import type { Check } from '../check.ts';
import type { Call, Exchange } from '../http/client.ts';
import { type Limit, limitOf, repeated } from '../limit.ts';
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

/** Bad tokens in one wave, and waves in one flood: a gate that still lets some through each second must show, too. */
const WAVE = 35;
const WAVES = 3;

interface Flood {
  readonly sent: number;
  /** Bad tokens that were answered 429. */
  readonly limited: number;
  readonly goodAsked: number;
  readonly goodRefused: number;
  readonly calmMs: number;
  readonly floodMs: number;
}

/** What a wave is made of, besides good requests. */
interface Junk {
  readonly most: number;
  /** New each time, so that no cache of refused tokens knows it. */
  call(audit: Audit): Call;
}

const badTokens: Junk = {
  most: WAVE,
  call: (audit) => ({ headers: [bearer(badlySigned(jwtOf(audit)))] }),
};
/** Control for times: as many requests that no verifier sees. */
const noTokens: Junk = { most: WAVE, call: () => ({}) };
/** Control for refusals: good requests alone. */
const nothing: Junk = { most: 0, call: () => ({}) };

const flood = async (audit: Audit, junk: Junk): Promise<Flood> => {
  const limit = await limitOf(audit);
  const caller = await freshCaller(audit, limit);
  const pairs = Math.floor((limit.capacity - 1) / 2);
  if (pairs < 1) throw new Inconclusive(`a quota of ${limit.capacity} leaves no good requests to measure by`);
  // Somebody the API has met: a stranger from an address that fails too often may fairly have to wait.
  if (!isAdmitted(await audit.getPatiently(caller)))
    throw new Inconclusive('a good caller is not admitted any more');
  const waves: Wave[] = [];
  for (let i = 0; i < WAVES && audit.client.budget.left > WAVE + 2; i++)
    waves.push(await wave(audit, junk, i < pairs ? caller : undefined));
  if (waves.length === 0) throw new Inconclusive('the budget is too small for a flood (--max-requests)');
  return summary(waves);
};

/** One flood serves both checks. */
const firstFlood = (audit: Audit): Promise<Flood> => audit.once('flood', () => flood(audit, badTokens));

interface Wave {
  readonly sent: number;
  readonly limited: number;
  /** Good requests just before and in its midst: none where the quota is for other waves. */
  readonly good: readonly { readonly admitted: boolean; readonly calmMs: number; readonly floodMs: number }[];
}

const wave = async (audit: Audit, junk: Junk, caller: Caller | undefined): Promise<Wave> => {
  const size = Math.min(junk.most, audit.client.budget.limits.rate - 1);
  const bad = Array.from({ length: size }, () => junk.call(audit));
  const calm = caller && (await audit.get(caller));
  const exchanges = await audit.client.burst([...bad, ...(caller ? repeated(caller, 1) : [])]);
  const refused = exchanges.slice(0, size);
  if (refused.some(isAdmitted)) throw new Inconclusive(ADMITTED);
  const good = exchanges.slice(size).map((one) => ({ admitted: isAdmitted(one), floodMs: one.ms }));
  return {
    sent: size,
    limited: refused.filter(isLimited).length,
    good: good.map((one) => ({ ...one, calmMs: calm?.ms ?? one.floodMs })),
  };
};

const summary = (waves: readonly Wave[]): Flood => {
  const good = waves.flatMap((one) => one.good);
  return {
    sent: sum(waves.map(({ sent }) => sent)),
    limited: sum(waves.map(({ limited }) => limited)),
    goodAsked: good.length,
    goodRefused: good.filter(({ admitted }) => !admitted).length,
    calmMs: median(good.map(({ calmMs }) => calmMs)),
    floodMs: median(good.map(({ floodMs }) => floodMs)),
  };
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
    const { sent, limited } = await firstFlood(audit);
    const before = audit.client.budget.sent - sent;
    const what = `${sent} badly signed tokens in waves of ${WAVE}, after ${before} requests of all kinds`;
    return limited > 0
      ? passed(what, `${limited} answered 429`, measured('bad tokens limited', limited))
      : failed(what, 'none answered 429');
  },
};

/** What a wave may slow a good caller down by: 5 ms for each bad token in it. */
const LEAST_SLOWDOWN_MS = 5 * WAVE;

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
    const first = await firstFlood(audit);
    if (!harmed(first)) return floodVerdict(first, passed);
    if (audit.client.budget.left < 2 * WAVE)
      throw new Inconclusive(`seen once, and the budget is too small to see it again: ${harmText(first)}`);
    const again = await flood(audit, badTokens);
    if (!harmed(again)) return floodVerdict(again, passed);
    const control = await flood(audit, again.goodRefused > 0 ? nothing : noTokens);
    if (harmed(control) || !isWorse(again, control))
      throw new Inconclusive(`so it is without bad tokens, too: ${harmText(control)}`);
    return floodVerdict(again, failed);
  },
};

const floodVerdict = (seen: Flood, verdict: typeof passed): Verdict =>
  verdict(
    'a good request before each wave of bad tokens and one in its midst',
    harmText(seen),
    measured('good requests in the flood', seen.goodAsked),
    measured('their median in ms', seen.floodMs, 0),
  );

/** Clearly: on a busy machine any two floods differ. */
const isWorse = (flood: Flood, control: Flood): boolean =>
  flood.goodRefused > control.goodRefused || flood.floodMs > 2 * control.floodMs;

const harmText = ({ goodRefused, calmMs, floodMs }: Flood): string => {
  const times = `median ${calmMs.toFixed(1)} ms just before, ${floodMs.toFixed(1)} ms meanwhile`;
  return goodRefused > 0 ? `${goodRefused} good requests refused; ${times}` : times;
};

const harmed = ({ goodRefused, calmMs, floodMs }: Flood): boolean =>
  goodRefused > 0 || (floodMs - calmMs >= LEAST_SLOWDOWN_MS && floodMs > 3 * calmMs);

export const refusedChecks: readonly Check[] = [refusedSpend, floodLimited, floodHarmless];
