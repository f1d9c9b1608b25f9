// Checks: what refused tokens cost, and whom.
import { type Audit, bearer, type Caller, isAdmitted, isLimited } from '../audit-context.ts';
import { freshCaller } from '../callers.ts';
import { countAdmitted, type Limit, repeated } from '../limit.ts';
import { median } from '../statistics.ts';
import { Inconclusive } from '../stop.ts';
import { ADMITTED } from '../timing.ts';
import { badlySigned, readJwt } from '../tokens/jwt.ts';
import { type Check, failed, passed } from '../types.ts';
import { jwtOf } from './tokens-forged.ts';

const BAD = 10;

const refusedSpend: Check = {
  id: 'limits.refused-spend',
  severity: 'high',
  title: 'Refused tokens do not spend the subject’s quota',
  owasp: 'API4:2023',
  rfc: 'draft-ietf-httpapi-ratelimit-headers-11 section 8.2',
  why: 'Else anybody who knows a subject’s id can shut that subject out, without any token of theirs.',
  mend: 'Verify first; count by subject only what was verified.',
  needs: ['limit', 'jwt', 'protected'],
  requests: 20,
  async run(audit) {
    const limit = await audit.limit();
    const sent = `${BAD} badly signed tokens of the subject, then good ones`;
    const after = await admittedAfter(audit, limit, BAD);
    if (after >= limit.most - BAD / 2) return passed(sent, `${after} admitted, the whole quota`);
    const without = await admittedAfter(audit, limit, 0);
    const again = await admittedAfter(audit, limit, BAD);
    const spent = again < without - Math.min(BAD, without) / 2;
    return (spent ? failed : passed)(sent, `${again} admitted, ${without} without the bad ones before`);
  },
};

/** How many good requests a whole quota admits after `bad` forged ones in the subject's name. */
const admittedAfter = async (audit: Audit, limit: Limit, bad: number): Promise<number> => {
  const caller = await freshCaller(audit, limit);
  const jwt = readJwt(caller.token) ?? jwtOf(audit);
  for (let i = 0; i < bad; i++)
    if (isAdmitted(await audit.client.send({ headers: [bearer(badlySigned(jwt))] })))
      throw new Inconclusive(ADMITTED);
  return countAdmitted(audit, caller, limit.most);
};

/** Bad tokens in one wave, and in all. */
const WAVE = 20;
const WAVES = 5;
/** Good requests measured before and during the flood. */
const SAMPLES = 6;

interface Flood {
  readonly sent: number;
  /** Bad tokens that were answered 429, or not at all. */
  readonly limited: number;
  readonly goodRefused: number;
  readonly calmMs: number;
  readonly floodMs: number;
}

/** One flood serves both checks. */
const flood = (audit: Audit): Promise<Flood> => audit.once('flood', () => pourOver(audit));

const pourOver = async (audit: Audit): Promise<Flood> => {
  const limit = await audit.limit();
  const caller = await freshCaller(audit, limit);
  const samples = Math.min(SAMPLES, Math.floor(limit.capacity / 2) - 1);
  if (samples < 1)
    throw new Inconclusive(`a quota of ${limit.capacity} leaves no good requests to measure by`);
  const calm = await measure(audit, caller, samples);
  const waves: Wave[] = [];
  for (let i = 0; i < WAVES && audit.client.budget.left > WAVE; i++)
    waves.push(await wave(audit, caller, i < samples));
  return summary(calm, waves);
};

const measure = async (audit: Audit, caller: Caller, samples: number): Promise<number[]> => {
  const times: number[] = [];
  for (let i = 0; i < samples; i++) times.push((await audit.get(caller)).ms);
  return times;
};

interface Wave {
  readonly sent: number;
  readonly limited: number;
  /** The good request in its midst: undefined where none was sent. */
  readonly good: { readonly admitted: boolean; readonly ms: number } | undefined;
}

const wave = async (audit: Audit, caller: Caller, withGood: boolean): Promise<Wave> => {
  const jwt = jwtOf(audit);
  const size = Math.min(WAVE, audit.client.budget.limits.rate - 1, audit.client.budget.left - 1);
  const bad = Array.from({ length: size }, () => ({ headers: [bearer(badlySigned(jwt))] }));
  const exchanges = await audit.client.burst([...bad, ...(withGood ? repeated(caller, 1) : [])]);
  if (exchanges.slice(0, size).some(isAdmitted)) throw new Inconclusive(ADMITTED);
  const good = withGood ? exchanges.at(-1) : undefined;
  return {
    sent: size,
    limited: exchanges.slice(0, size).filter(isLimited).length,
    good: good && { admitted: isAdmitted(audit.note(caller, good)), ms: good.ms },
  };
};

const summary = (calm: number[], waves: readonly Wave[]): Flood => {
  const good = waves.flatMap((one) => (one.good ? [one.good] : []));
  return {
    sent: sum(waves.map(({ sent }) => sent)),
    limited: sum(waves.map(({ limited }) => limited)),
    goodRefused: good.filter(({ admitted }) => !admitted).length,
    calmMs: median(calm),
    floodMs: median(good.map(({ ms }) => ms)),
  };
};

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const floodLimited: Check = {
  id: 'limits.flood',
  severity: 'medium',
  title: 'A flood of bad tokens is itself limited',
  owasp: 'API4:2023, API2:2023',
  rfc: 'RFC 6585 section 4',
  why: 'Each bad token costs a verification; without a limit, guessing and exhausting are free.',
  mend: 'Count failed verifications by client address and answer 429 when there are too many.',
  needs: ['limit', 'jwt', 'protected'],
  requests: 80,
  async run(audit) {
    const { sent, limited } = await flood(audit);
    const before = audit.client.budget.sent - sent;
    const what = `${sent} badly signed tokens in waves of ${WAVE}, after ${before} requests of all kinds`;
    return limited > 0 ? passed(what, `${limited} answered 429`) : failed(what, 'none answered 429');
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
  mend: 'Bound the verifications at work for one address; let tokens that are known good pass by.',
  needs: ['limit', 'jwt', 'protected'],
  requests: 0,
  async run(audit) {
    const { goodRefused, calmMs, floodMs } = await flood(audit);
    const sent = 'good requests before the flood and in the midst of each wave';
    const times = `median ${calmMs.toFixed(1)} ms before, ${floodMs.toFixed(1)} ms meanwhile`;
    if (goodRefused > 0) return failed(sent, `${goodRefused} good requests refused; ${times}`);
    const slow = floodMs - calmMs >= LEAST_SLOWDOWN_MS && floodMs > 3 * calmMs;
    return slow ? failed(sent, times) : passed(sent, times);
  },
};

export const refusedChecks: readonly Check[] = [refusedSpend, floodLimited, floodHarmless];
