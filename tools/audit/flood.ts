// Floods of bad tokens in waves, with good requests before and among them; and the control that harm is compared with.
import { median, sum } from '../statistics.ts';
import { type Audit, bearer, type Caller, isAdmitted, isLimited, jwtOf } from './audit-context.ts';
import { freshCaller } from './callers.ts';
import type { Call } from './http/client.ts';
import { limitOf, repeated, SHORT_WINDOW_MS } from './limit.ts';
import { Inconclusive } from './stop.ts';
import { ADMITTED } from './timing.ts';
import { badlySigned } from './tokens/jwt.ts';

/** Bad tokens in one wave, and waves in one flood: a gate that still lets some through each second must show, too. */
export const WAVE = 35;
const WAVES = 3;
/** A wave that still shows harm, where the budget has room for no larger one. */
const LEAST_WAVE = 15;
/** Good requests of one round of a confirmation, and some room. */
const GOOD_IN_ROUND = 7;

/** Two good requests: one just before the wave, and one in its midst. */
export interface Good {
  readonly admitted: boolean;
  readonly calmMs: number;
  readonly floodMs: number;
}

export interface Wave {
  /** Requests it was meant to have, besides the good ones; a control may have none. */
  readonly size: number;
  readonly sent: number;
  /** Those that were answered 429. */
  readonly limited: number;
  /** Undefined where the quota was for other waves. */
  readonly good: Good | undefined;
}

/** Waves of bad tokens after as many without, in turn, so that a busy moment of the machine hits both. */
export interface Confirmation {
  readonly bad: readonly Wave[];
  readonly control: readonly Wave[];
}

export interface Floods {
  /** Ends with the first wave that does harm. */
  readonly first: readonly Wave[];
  /** Undefined where nothing was to be confirmed, or the budget was too small for it. */
  readonly confirmation: Confirmation | undefined;
}

/** Once for the whole audit. */
export const floodsOf = (audit: Audit): Promise<Floods> =>
  audit.once('floods', async () => {
    const callers = new Callers(audit);
    const first = await firstFlood(audit, callers);
    const harm = first.find(isHarmed);
    return { first, confirmation: harm && (await confirmation(audit, callers, harm)) };
  });

const firstFlood = async (audit: Audit, callers: Callers): Promise<Wave[]> => {
  const waves: Wave[] = [];
  while (waves.length < WAVES && audit.client.budget.left > WAVE + 3 && !waves.some(isHarmed))
    waves.push(await wave(audit, badToken, WAVE, WAVE, await callers.nextIfAny()));
  if (waves.length === 0) throw new Inconclusive('the budget is too small for a flood (--max-requests)');
  return waves;
};

/** Times are compared twice; a refusal is none without bad tokens, so once is enough. */
const confirmation = async (
  audit: Audit,
  callers: Callers,
  harm: Wave,
): Promise<Confirmation | undefined> => {
  const refused = harm.good?.admitted === false;
  const [rounds, wavesInRound] = refused ? [1, 1] : [2, 2];
  const size = Math.floor((audit.client.budget.left / rounds - GOOD_IN_ROUND) / wavesInRound);
  if (size < LEAST_WAVE) return undefined;
  const most = Math.min(WAVE, size);
  const [bad, control]: [Wave[], Wave[]] = [[], []];
  if (refused) await untilWhole(audit);
  for (let i = 0; i < rounds; i++) {
    control.push(await wave(audit, noToken, most, refused ? 0 : most, await callers.next()));
    bad.push(await wave(audit, badToken, most, most, await callers.next()));
  }
  return { bad, control };
};

/** What the wave has spent of others' quotas must be back before they are asked without it. */
const untilWhole = async (audit: Audit): Promise<void> => {
  const renewMs = await (await limitOf(audit)).renewMs();
  if (renewMs <= SHORT_WINDOW_MS) await audit.pause(renewMs);
};

/** Bad tokens alone, after so many were sent, until one is answered 429 or a whole flood is full. */
export const moreWaves = async (audit: Audit, sent: number): Promise<Wave[]> => {
  const waves: Wave[] = [];
  for (let all = sent; all < WAVES * WAVE && audit.client.budget.left > WAVE; all += WAVE) {
    waves.push(await wave(audit, badToken, WAVE, WAVE, undefined));
    if (waves.at(-1)?.limited) break;
  }
  return waves;
};

/** Good callers for one wave after another: of each quota as many as it has room for. */
class Callers {
  readonly #audit: Audit;
  #caller: Caller | undefined;
  #left = 0;

  constructor(audit: Audit) {
    this.#audit = audit;
  }

  /** @throws {Inconclusive} where none is admitted. */
  async next(): Promise<Caller> {
    return (await this.nextIfAny()) ?? this.#fresh();
  }

  /** Undefined once the first quota is used up: a flood is not worth the wait for another. */
  async nextIfAny(): Promise<Caller | undefined> {
    if (this.#caller === undefined) return this.#fresh();
    if (this.#left < 2) return undefined;
    this.#left -= 2;
    return this.#caller;
  }

  async #fresh(): Promise<Caller> {
    const limit = await limitOf(this.#audit);
    if (limit.capacity < 3)
      throw new Inconclusive(`a quota of ${limit.capacity} leaves no good requests to measure by`);
    const caller = await freshCaller(this.#audit, limit);
    // Somebody the API has met: a stranger from an address that fails too often may fairly have to wait.
    if (!isAdmitted(await this.#audit.getPatiently(caller)))
      throw new Inconclusive('a good caller is not admitted any more');
    [this.#caller, this.#left] = [caller, limit.capacity - 3];
    return caller;
  }
}

/** A request of a wave, new each time, so that no cache of refused tokens knows it. */
type Junk = (audit: Audit) => Call;

const badToken: Junk = (audit) => ({ headers: [bearer(badlySigned(jwtOf(audit)))] });
/** One that no verifier sees. */
const noToken: Junk = () => ({});

const wave = async (
  audit: Audit,
  junk: Junk,
  size: number,
  count: number,
  caller: Caller | undefined,
): Promise<Wave> => {
  const sent = Math.min(count, audit.client.budget.limits.rate - 1);
  const calls = Array.from({ length: sent }, () => junk(audit));
  const calm = caller && (await audit.get(caller));
  const exchanges = await audit.client.burst([...calls, ...(caller ? repeated(caller, 1) : [])]);
  const refused = exchanges.slice(0, sent);
  if (refused.some(isAdmitted)) throw new Inconclusive(ADMITTED);
  const good = exchanges[sent];
  return {
    size,
    sent,
    limited: refused.filter(isLimited).length,
    good: good && { admitted: isAdmitted(good), calmMs: calm?.ms ?? good.ms, floodMs: good.ms },
  };
};

/** What each bad token of a wave may slow a good caller down by. */
const LEAST_SLOWDOWN_MS = 5;

/** Whether a good request was refused, or slowed down out of proportion, in the wave. */
export const isHarmed = ({ size, good }: Wave): boolean =>
  good !== undefined &&
  (!good.admitted ||
    (good.floodMs - good.calmMs >= size * LEAST_SLOWDOWN_MS && good.floodMs > 3 * good.calmMs));

/** In each wave of bad tokens, in none of the control, and clearly: on a busy machine any two waves differ. */
export const isConfirmed = ({ bad, control }: Confirmation): boolean => {
  if (!bad.every(isHarmed) || control.some(isHarmed)) return false;
  const times = (waves: readonly Wave[]) => waves.map(({ good }) => good?.floodMs ?? 0);
  const refusedAll = bad.every(({ good }) => good?.admitted === false);
  return refusedAll || Math.min(...times(bad)) > 2 * Math.max(...times(control));
};

/** `2 good requests refused; median 3.1 ms just before, 200.0 ms meanwhile` */
export const harmText = (waves: readonly Wave[]): string => {
  const good = goodOf(waves);
  const refused = good.filter(({ admitted }) => !admitted).length;
  const [calmMs, floodMs] = [median(good.map((one) => one.calmMs)), medianMs(waves)];
  const times = `median ${calmMs.toFixed(1)} ms just before, ${floodMs.toFixed(1)} ms meanwhile`;
  return refused > 0 ? `${refused} good requests refused; ${times}` : times;
};

export const goodOf = (waves: readonly Wave[]): Good[] => waves.flatMap(({ good }) => good ?? []);

/** Of the good requests in the midst of the waves. */
export const medianMs = (waves: readonly Wave[]): number =>
  median(goodOf(waves).map(({ floodMs }) => floodMs));

export const sentIn = (waves: readonly Wave[]): number => sum(waves.map(({ sent }) => sent));
export const limitedIn = (waves: readonly Wave[]): number => sum(waves.map(({ limited }) => limited));
