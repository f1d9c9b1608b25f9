// Whether the time of a refusal tells its reason: interleaved samples, compared pair by pair, confirmed by a second run.

import { type Comparison, compare, median } from '../statistics.ts';
import { type Audit, bearer, isAdmitted, isBroken, isLimited } from './audit-context.ts';
import { retryAfterSeconds } from './fields.ts';
import { Inconclusive } from './stop.ts';
import { type Evidence, failed, measured, passed, type Verdict } from './types.ts';

/** A reason for refusal, and a new token each time that is refused for it. */
export type Reason = readonly [name: string, token: () => string];

interface Difference extends Comparison {
  readonly between: readonly [string, string];
}

export const ROUNDS = 16;
/** Of the two that differ, to confirm it. */
const ROUNDS_AGAIN = 10;
const WARM_UP = 1;
/** Waited in all, in one run, for an API that limits refused tokens. */
const PATIENCE_MS = 8000;
/** Chance of a false alarm in one run, over all pairs. */
const ALPHA = 0.01;
/** What is smaller is of no use to an attacker over a network, and within a busy machine's noise. */
const LEAST_SHIFT_MS = 2;

/** Where a forgery gets in, other checks say so. */
export const ADMITTED = 'such tokens are admitted, so there is no refusal to look at';
export const BROKEN = 'such tokens are answered with a server error, so there is no refusal to look at';

/** Failed if two reasons differ, in two runs, by chance less than 1 % and by 2 ms or more. */
export const timingVerdict = async (audit: Audit, reasons: readonly Reason[]): Promise<Verdict> => {
  const sent = `${ROUNDS} interleaved tokens each of: ${reasons.map(([name]) => name).join(', ')}`;
  const first = await measure(audit, reasons);
  const most = widest(first);
  if (most === undefined || !isLeak(most, reasons.length))
    return passed(sent, summary(first), evidenceOf(first));
  // The two that differ are enough to confirm it by.
  const again = await measure(
    audit,
    reasons.filter(([name]) => most.between.includes(name)),
    ROUNDS_AGAIN,
  );
  const confirmed = isLeak(widest(again), 2);
  return (confirmed ? failed : passed)(
    sent,
    summary(again),
    evidenceOf(first),
    evidenceOf(again, ROUNDS_AGAIN),
  );
};

/** Milliseconds of each refusal, by reason. */
type Times = ReadonlyMap<string, readonly number[]>;

const evidenceOf = (times: Times, least = ROUNDS): Evidence =>
  measured('times of each reason', Math.min(...[...times.values()].map(({ length }) => length)), least);

const measure = async (audit: Audit, reasons: readonly Reason[], rounds = ROUNDS): Promise<Times> => {
  const times = new Map<string, number[]>(reasons.map(([name]) => [name, []]));
  const patience = { leftMs: PATIENCE_MS };
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [name, token] of shuffled(reasons)) {
      const ms = await refusalTime(audit, token, patience);
      if (round >= 0) times.get(name)?.push(ms);
    }
  }
  return times;
};

/** Time of one refusal. Where the API limits refusals, comes back when it says, as long as patience lasts. */
const refusalTime = async (
  audit: Audit,
  token: () => string,
  patience: { leftMs: number },
): Promise<number> => {
  for (;;) {
    const exchange = await audit.client.send({ headers: [bearer(token())], connection: 'timed' });
    if (isAdmitted(exchange)) throw new Inconclusive(ADMITTED);
    if (isBroken(exchange)) throw new Inconclusive(BROKEN);
    if (!isLimited(exchange)) return exchange.ms;
    const waitMs = 1000 * (retryAfterSeconds(exchange) ?? 1);
    patience.leftMs -= waitMs;
    if (patience.leftMs < 0)
      throw new Inconclusive('the API limits refused tokens (429) before enough were measured');
    await audit.pause(waitMs);
  }
};

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => [Math.random(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);

const differences = (times: Times): Difference[] => {
  const entries = [...times];
  return entries.flatMap(([a, first], i) =>
    entries.slice(i + 1).map(([b, second]) => ({ between: [a, b] as const, ...compare(first, second) })),
  );
};

const widest = (times: Times): Difference | undefined =>
  differences(times).toSorted((a, b) => a.p - b.p || Math.abs(b.shift) - Math.abs(a.shift))[0];

const isLeak = (difference: Difference | undefined, reasons: number): boolean =>
  difference !== undefined &&
  difference.p < ALPHA / ((reasons * (reasons - 1)) / 2) &&
  Math.abs(difference.shift) >= LEAST_SHIFT_MS;

const summary = (times: Times): string => {
  const medians = [...times].map(([name, ms]) => `${name} ${median(ms).toFixed(1)} ms`).join(', ');
  const most = widest(times);
  if (most === undefined) return `medians: ${medians}`;
  const figures = `shift ${most.shift.toFixed(1)} ms, D ${most.distance.toFixed(2)}, p ${most.p.toPrecision(1)}`;
  return `medians: ${medians}; widest apart: ${most.between.join(' and ')} (${figures})`;
};
