// The subject's limit, seen from outside: how much it admits, when it renews, and whether something walks around it.
import { type Audit, authorised, type Caller, isAdmitted, isLimited, MAX_WAIT_MS } from './audit-context.ts';
import { type Declared, declaredIn, hasWindow, remainingIn, resetSeconds } from './declared.ts';
import { readFields, retryAfterSeconds } from './fields.ts';
import type { Call, Exchange } from './http/client.ts';
import { Inconclusive } from './stop.ts';
import { failed, measured, passed, type Verdict } from './types.ts';

export interface Limit {
  /** Requests in a row that were admitted before the first denial. */
  readonly capacity: number;
  /** With those admitted before, whose permits may not have been back. */
  readonly counted: number;
  /** Most that the true quota can be, counting what was admitted before in what may be the same window. */
  readonly most: number;
  /** The responses while it was spent, in order. */
  readonly spend: readonly Exchange[];
  readonly spendMs: number;
  readonly denial: Exchange;
  /** Every limit that the API declares, or that `--expect` names in its stead. */
  readonly declared: readonly Declared[];
  /** How long after the last admitted request the whole quota is there again. */
  renewMs(): Promise<number>;
}

/** No limit was met: a finding, not a gap in the audit. */
export class NoLimit extends Inconclusive {}

/** Part of the budget that looking for a limit may use. */
const SPEND_SHARE = 0.6;
const RENEW_SLACK_MS = 150;
/** Windows up to this are waited for, so that nothing sent before blurs what is measured. */
export const SHORT_WINDOW_MS = 10_000;

/** The limit of a subject, found once for the whole audit by spending it; throws the reason where none can be met. */
export const limitOf = (audit: Audit): Promise<Limit> =>
  audit.once('limit', () =>
    discoverWhole(audit).catch(async (error: unknown) => {
      if (error instanceof OtherStatus && (await audit.deniesWith(error.status))) return discoverWhole(audit);
      throw error;
    }),
  );

/** The good token, admitted at first, gets neither a 2xx nor a 429: which may be this API's way to deny. */
class OtherStatus extends Inconclusive {
  readonly status: number;

  constructor(status: number) {
    super(`the token that was accepted at first now gets ${status}`);
    this.status = status;
  }
}

/** Once more after a rest, where what was sent before (refused tokens, perhaps) had spent most of the quota. */
const discoverWhole = async (audit: Audit): Promise<Limit> => {
  const first = await discover(audit);
  if (first.capacity > 0 && 2 * first.counted >= first.most) return first;
  const restMs = 1000 * (resetSeconds(first.denial) ?? SHORT_WINDOW_MS / 1000) + RENEW_SLACK_MS;
  if (restMs > MAX_WAIT_MS)
    throw new Inconclusive(
      `the quota was spent by what was sent before, and renews only in ${seconds(restMs)} s; run the limits alone (--only limits)`,
    );
  await audit.pause(restMs);
  const second = await discover(audit);
  if (second.capacity > 0) return second;
  throw new Inconclusive('the quota was spent by what was sent before, and did not renew');
};

/** Spends the main subject's quota until the first 429; a whole quota, where that takes no long wait. */
const discover = async (audit: Audit): Promise<Limit> => {
  const windows = declaredBy(audit, audit.welcome).flatMap(({ windowSeconds }) => windowSeconds ?? []);
  const windowMs = 1000 * Math.max(0, ...windows);
  if (windowMs === 0) return discoverBlindly(audit);
  if (windowMs > SHORT_WINDOW_MS) return spendAll(audit, audit.client.admitted);
  await audit.pause(windowMs + RENEW_SLACK_MS);
  return spendAll(audit, 0);
};

/** For an API that declares no window: rests longer each time, until a longer rest gives no more. */
const discoverBlindly = async (audit: Audit): Promise<Limit> => {
  const first = await spendAll(audit, audit.client.admitted);
  let last = first;
  for (let rest = await first.renewMs(); rest <= SHORT_WINDOW_MS; rest *= 2) {
    await audit.pause(rest);
    const next = { ...(await spendAll(audit, 0)), renewMs: async () => rest };
    // By chance the first rest was over a turn of a longer window, as the denial now tells.
    if (last !== first && 2 * next.capacity < last.capacity)
      return { ...last, renewMs: longer(rest, next.denial) };
    if (last !== first && last.capacity >= first.capacity && next.capacity <= last.capacity * 1.1)
      return { ...next, renewMs: last.renewMs };
    last = next;
  }
  return last;
};

/** How long a quota takes to come back that was not back after a rest. */
const longer = (restMs: number, denial: Exchange) => async (): Promise<number> =>
  restMs + 1000 * (resetSeconds(denial) ?? restMs / 1000) + RENEW_SLACK_MS;

/** What the responses declare, each quota once; `--expect` outranks them. */
const declaredBy = (audit: Audit, ...exchanges: readonly (Exchange | undefined)[]): readonly Declared[] => {
  if (audit.expected.length > 0) return audit.expected;
  const all = exchanges.flatMap((exchange) => (exchange === undefined ? [] : declaredIn(exchange)));
  const key = ({ quota, windowSeconds }: Declared) => `${quota}/${windowSeconds}`;
  return [...new Map(all.toReversed().map((one) => [key(one), one])).values()].toReversed();
};

/** Where no window is told, it is at least as long as the quota took to come back, as far as that was told. */
const timed = (declared: readonly Declared[], exchanges: readonly Exchange[]): readonly Declared[] => {
  const longest = Math.max(0, ...exchanges.flatMap((exchange) => resetSeconds(exchange) ?? []));
  const told = declared.filter(hasWindow);
  const untold = declared.filter(({ quota }) => !told.some((one) => one.quota === quota));
  return [...told, ...untold.map((one) => reckon(one, longest))];
};

const reckon = (one: Declared, seconds: number): Declared =>
  seconds > 0 ? { ...one, windowSeconds: seconds, reckoned: true } : one;

/** @param before requests admitted before, whose permits may not be back yet. */
const spendAll = async (audit: Audit, before: number): Promise<Limit> => {
  const cap = Math.floor(audit.client.budget.left * SPEND_SHARE);
  const start = performance.now();
  const spend: Exchange[] = [];
  while (spend.length < cap) {
    const exchange = await audit.get(audit.main);
    if (isLimited(exchange)) return measuredLimit(audit, spend, exchange, before, performance.now() - start);
    if (!isAdmitted(exchange)) throw new OtherStatus(exchange.status);
    spend.push(exchange);
    refuseHopeless(audit, exchange, cap);
  }
  throw new NoLimit(`${cap} requests in ${seconds(performance.now() - start)} s were all admitted`);
};

const measuredLimit = (
  audit: Audit,
  spend: Exchange[],
  denial: Exchange,
  before: number,
  spendMs: number,
): Limit => {
  const declared = timed(declaredBy(audit, spend[0], spend.at(-1), denial), [...spend, denial]);
  const most = Math.max(spend.length + before, ...spentQuotas(denial), ...metQuota(declared, spend.length));
  return {
    capacity: spend.length,
    counted: spend.length + before,
    most,
    spend,
    spendMs,
    denial,
    declared,
    renewMs: () =>
      audit.once('renewal', () => renewal(audit, [...spend.slice(0, 1), denial], declared, most, spendMs)),
  };
};

/** The longest window that the API declares in so many words; undefined where it declares none. */
export const longestWindowMs = ({ declared }: Pick<Limit, 'declared'>): number | undefined => {
  const told = declared.flatMap(({ windowSeconds, reckoned }) => (reckoned ? [] : (windowSeconds ?? [])));
  return told.length === 0 ? undefined : 1000 * Math.max(...told);
};

/** What the denial declares of the policies that it says are spent. */
const spentQuotas = (denial: Exchange): number[] => {
  const fields = readFields(denial);
  return fields.ok
    ? fields.items.flatMap(({ remaining, quota }) => (remaining === 0 ? (quota ?? []) : []))
    : [];
};

/** The least declared quota that so many can have met the end of, a part of it having been spent before. */
const metQuota = (declared: readonly Declared[], admitted: number): number[] => {
  const quotas = declared.flatMap(({ quota }) => (quota >= admitted && quota <= 2 * admitted ? quota : []));
  return quotas.length === 0 ? [] : [Math.min(...quotas)];
};

/** A quota that the API itself declares, and that this budget or rate can never spend, is no finding. */
const refuseHopeless = (audit: Audit, exchange: Exchange, cap: number): void => {
  const declared = declaredBy(audit, exchange);
  const { rate } = audit.client.budget.limits;
  const reachable = ({ quota, windowSeconds = Number.POSITIVE_INFINITY }: Declared) =>
    quota <= cap && quota < rate * windowSeconds;
  const remaining = declared.length === 0 ? (remainingIn(exchange) ?? 0) : 0;
  if (remaining > cap)
    throw new Inconclusive(
      `no limit met within the budget: the API says that ${remaining} remain; raise --max-requests to reach it`,
    );
  if (declared.length === 0 || declared.some(reachable)) return;
  const fields = readFields(exchange);
  const names = fields.ok ? fields.items.map(({ name }) => name) : declared.map(quotaText);
  throw new Inconclusive(
    `no limit met within the budget: the API declares ${names.join(', ')}; raise --max-requests or --rate to reach it`,
  );
};

/** `100 in 60 s` */
export const quotaText = ({ quota, windowSeconds }: Declared): string =>
  windowSeconds === undefined ? `${quota}` : `${quota} in ${windowSeconds} s`;

const renewal = async (
  audit: Audit,
  exchanges: readonly Exchange[],
  declared: readonly Declared[],
  most: number,
  spendMs: number,
): Promise<number> => {
  const denial = exchanges.at(-1);
  const longest = (longestWindowMs({ declared }) ?? Number.POSITIVE_INFINITY) / 1000;
  const told = Math.max(
    // Longer than the longest window it cannot be, whatever it says.
    Math.min((denial && retryAfterSeconds(denial)) ?? 0, longest),
    ...(denial ? spentWindows(denial) : []),
    ...declaredWindows(declared, most),
    ...(denial && readFields(denial).ok ? [] : exchanges.flatMap((one) => resetSeconds(one) ?? [])),
  );
  return (told > 0 ? told * 1000 : await pollRenewal(audit)) + spendMs + RENEW_SLACK_MS;
};

/** Seconds of the policies that a denial calls spent; of all, where it calls none so. */
const spentWindows = (denial: Exchange): number[] => {
  const fields = readFields(denial);
  if (!fields.ok) return [];
  const spent = fields.items.filter(({ remaining }) => remaining === 0);
  return (spent.length > 0 ? spent : fields.items).map(
    (item) => item.windowSeconds ?? item.resetSeconds ?? 0,
  );
};

/** Seconds of the declared windows whose quota so many requests can have spent. */
const declaredWindows = (declared: readonly Declared[], most: number): number[] =>
  declared.flatMap(({ quota, windowSeconds = 0 }) => (quota <= 1.1 * most ? windowSeconds : []));

/** For an API that does not say when: asks until it admits again, each time after a longer rest. */
const pollRenewal = async (audit: Audit): Promise<number> => {
  const start = audit.main.account.lastAdmitted ?? performance.now();
  if (await audit.admitsWithin(MAX_WAIT_MS, 1.1, start)) return performance.now() - start;
  throw new Inconclusive(`the limit did not renew within ${MAX_WAIT_MS / 1000} s`);
};

/** Denials in a row that say that each of several counters is spent: which of them a request meets is chance. */
const DENIALS_OF_SEVERAL = 5;

/** Spends what the caller has left. Returns the denial. */
export const exhaust = async (audit: Audit, limit: Limit, caller: Caller): Promise<Exchange> => {
  const enough = audit.hasSeveralCounters ? DENIALS_OF_SEVERAL : 1;
  let denials = 0;
  for (let i = 0; i <= 2 * limit.most + DENIALS_OF_SEVERAL; i++) {
    const exchange = await audit.get(caller);
    denials = isLimited(exchange) ? denials + 1 : 0;
    if (denials === enough) return exchange;
  }
  throw new Inconclusive('the limit that was met before is no longer met');
};

/** Requests in a row that the caller is admitted, up to `most`. */
export const countAdmitted = async (audit: Audit, caller: Caller, most: number): Promise<number> => {
  for (let count = 0; count < most; count++) if (!isAdmitted(await audit.get(caller))) return count;
  return most;
};

/** Something to send while the quota is spent, written anew each time. */
export interface Variant {
  readonly what: string;
  send(i: number): Promise<Exchange>;
}

/** Passed if none of the variants is admitted while plain requests are denied. */
export const noneWalksAround = async (
  audit: Audit,
  sent: string,
  variants: readonly Variant[],
): Promise<Verdict> => {
  const limit = await limitOf(audit);
  const denial = await exhaust(audit, limit, audit.main);
  const around: string[] = [];
  for (const variant of variants) if (await walksAround(audit, limit, variant)) around.push(variant.what);
  const all = `${sent}, while plain requests are denied: ${variants.map(({ what }) => what).join(', ')}`;
  return around.length === 0
    ? passed(
        all,
        'none was admitted',
        measured('variants tried', variants.length),
        measured('denials of plain requests', isLimited(denial) ? 1 : 0),
      )
    : failed(all, `admitted again and again: ${around.join(', ')}`);
};

const TRIES = 3;

/**
 * Whether `variant` is admitted while plain requests are denied. One admission proves nothing (a permit may just have
 * returned), so it must be admitted again and again between plain requests that are all denied.
 */
const walksAround = async (audit: Audit, limit: Limit, variant: Variant): Promise<boolean> => {
  for (let i = 0; i < TRIES; i++) {
    if (!isAdmitted(await variant.send(0))) return false;
    await exhaust(audit, limit, audit.main);
    if (await isAdmittedBetweenDenials(audit, limit, variant)) return true;
  }
  return false;
};

const isAdmittedBetweenDenials = async (audit: Audit, limit: Limit, variant: Variant): Promise<boolean> => {
  const rounds = Math.min(3, Math.max(1, limit.capacity - 1));
  for (let i = 1; i <= rounds; i++) {
    // One plain request more each round, so that no steady refill can keep step with us.
    for (let k = 0; k < i; k++) if (!isLimited(await audit.get(audit.main))) return false;
    if (!isAdmitted(await variant.send(i))) return false;
  }
  return isLimited(await audit.get(audit.main));
};

/** How many permits can have come back in `ms`, whatever the algorithm. */
export const refilled = async (limit: Limit, ms: number): Promise<number> =>
  Math.floor((limit.capacity * ms) / (await limit.renewMs()));

/** The calls of a caller, `count` times. */
export const repeated = (caller: Caller, count: number): Call[] =>
  Array.from({ length: count }, () => authorised(caller));

export const seconds = (ms: number): string => (ms / 1000).toFixed(1);
