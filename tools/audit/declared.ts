// What an API declares of its limits: RateLimit of every draft, X-RateLimit-*, the text of a denial, `--expect`. Pure.
import { type Item, parseDictionary, parseList } from 'structured-headers';
import { retryAfterSeconds } from './fields.ts';
import { type Exchange, header } from './http/client.ts';

/** A quota, and the window it holds for where that is told. */
export interface Declared {
  /** Where it stands. */
  readonly source: string;
  readonly quota: number;
  readonly windowSeconds: number | undefined;
  /** The window is not declared, but as long as the quota was seen to take to come back. */
  readonly reckoned?: true;
}

/** Whether it is known for how long the quota holds. */
export const hasWindow = ({ windowSeconds }: Pick<Declared, 'windowSeconds'>): boolean =>
  windowSeconds !== undefined;

type Units = 'second' | 'minute' | 'hour' | 'day' | 'month' | 'year';

/** As `limits` for Python has them: a month is 30 days, a year 360. */
const UNIT_SECONDS: Readonly<Record<Units, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  month: 30 * 86_400,
  year: 360 * 86_400,
};

const QUOTA =
  /(?<![\d.])(\d{1,9})(?:\s+(?:requests?|calls?|hits?))?\s*(?:\/|per)\s*(?:(\d{1,6})\s*)?(second|minute|hour|day|month|year)s?\b/gi;

/** Quotas in prose or in limits notation: `100 per 1 minute`, `10/second`. */
export const quotasIn = (text: string, source: string): Declared[] =>
  [...text.matchAll(QUOTA)].map(([, quota, multiple = '1', unit = 'second']) => ({
    source,
    quota: Number(quota),
    windowSeconds: Number(multiple) * UNIT_SECONDS[unit.toLowerCase() as Units],
  }));

/** The limits that `--expect` names. @throws {TypeError} for anything but limits notation. */
export const readExpected = (text: string): Declared[] => {
  const parts = text.split(/[,;|]/).map((part) => quotasIn(part, '--expect'));
  const all = parts.flat();
  const wrong = parts.some((part) => part.length !== 1);
  if (wrong || all.some(({ quota, windowSeconds }) => quota < 1 || windowSeconds === 0))
    throw new TypeError('expected limits such as 100/minute or "10/second; 1000 per 2 hours"');
  return all;
};

/** What a response declares, in all the ways it has; none twice. */
export const declaredIn = (exchange: Exchange): Declared[] => {
  const all = [
    ...READERS.flatMap(([name, read]) => fromField(exchange, name, read)),
    ...fromUnitFields(exchange),
    ...(exchange.status === 429 ? quotasIn(exchange.body, 'the text of the 429') : []),
  ];
  return all.filter(({ quota }) => Number.isSafeInteger(quota) && quota > 0);
};

type Reader = (value: string) => { quota: number; windowSeconds: number | undefined }[];

const fromField = (exchange: Exchange, name: string, read: Reader): Declared[] => {
  const value = header(exchange, name);
  if (value === undefined) return [];
  try {
    return read(value).map((quota) => ({ source: name, ...quota }));
  } catch {
    return [];
  }
};

/** `"name";q=100;w=60` (drafts 8 and later), `100;w=60` (drafts 3 to 7). */
const policyList: Reader = (value) =>
  parseList(value).flatMap(([item, parameters]) => {
    const quota = typeof item === 'number' ? item : parameters.get('q');
    const unit = parameters.get('qu') ?? 'requests';
    if (typeof quota !== 'number' || unit !== 'requests') return [];
    return [{ quota, windowSeconds: wholeOf(parameters.get('w')) }];
  });

/** `100`, or `100, 100;w=60`, where the first member repeats the quota in force. */
const limitField: Reader = (value) => {
  const all = policyList(value);
  const told = all.filter(hasWindow);
  return told.length > 0 ? told : all.slice(0, 1);
};

/** `limit=100, remaining=9, reset=50` (draft 7). */
const dictionary: Reader = (value) => {
  if (!value.includes('=') || value.startsWith('"')) return [];
  const quota = itemNumber(parseDictionary(value).get('limit') as Item | undefined);
  return quota === undefined ? [] : [{ quota, windowSeconds: undefined }];
};

const itemNumber = (item: Item | undefined): number | undefined => wholeOf(item?.[0]);

const wholeOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined;

const READERS: readonly (readonly [name: string, read: Reader])[] = [
  ['ratelimit-policy', policyList],
  ['ratelimit', dictionary],
  ['ratelimit-limit', limitField],
  ['x-ratelimit-limit', limitField],
  ['x-rate-limit-limit', limitField],
];

/** Kong's `X-RateLimit-Limit-Minute: 100`. */
const fromUnitFields = (exchange: Exchange): Declared[] =>
  exchange.headers.flatMap(([name, value]) => {
    const unit = /^(?:x-)?ratelimit-limit-(second|minute|hour|day|month|year)$/i
      .exec(name)?.[1]
      ?.toLowerCase();
    return unit === undefined || !/^\d+$/.test(value)
      ? []
      : [{ source: name.toLowerCase(), quota: Number(value), windowSeconds: UNIT_SECONDS[unit as Units] }];
  });

/** What remains, in an older syntax than that of `readFields`: the least that the response names. */
export const remainingIn = (exchange: Exchange): number | undefined => {
  const fields = exchange.headers.filter(([name]) =>
    /^(?:x-)?rate-?limit-remaining(?:-[a-z]+)?$/i.test(name),
  );
  const inDictionary = /(?:^|[\s,;])remaining=(\d{1,9})\b/.exec(header(exchange, 'ratelimit') ?? '')?.[1];
  const all = [...fields.map(([, value]) => value.trim()), inDictionary ?? ''];
  const numbers = all.filter((value) => /^\d{1,9}$/.test(value)).map(Number);
  return numbers.length === 0 ? undefined : Math.min(...numbers);
};

const RESETS = ['ratelimit-reset', 'x-ratelimit-reset', 'x-rate-limit-reset'];
/** A larger number is a point in time, not a number of seconds. */
const LARGEST_DELTA = 1_000_000_000;

/**
 * Seconds until the quota, or a part of it, is said to be there again: the longest that the response names.
 * @param nowMs Unix time of the response.
 */
export const resetSeconds = (exchange: Exchange, nowMs = Date.now()): number | undefined => {
  const told = RESETS.flatMap((name) => resetOf(header(exchange, name), nowMs) ?? []);
  const inField = /(?:^|[\s,;])(?:t|reset)=(\d{1,9})/g;
  const structured = [...(header(exchange, 'ratelimit') ?? '').matchAll(inField)].map(([, t]) => Number(t));
  const all = [...told, ...structured, ...[retryAfterSeconds(exchange, nowMs) ?? []].flat()];
  return all.length === 0 ? undefined : Math.max(...all);
};

const resetOf = (value: string | undefined, nowMs: number): number | undefined => {
  if (value === undefined || !/^\d{1,13}(\.\d+)?$/.test(value)) return undefined;
  const number = Number(value);
  if (number < LARGEST_DELTA) return number;
  const atMs = number > 1000 * LARGEST_DELTA ? number : 1000 * number;
  return Math.max(0, (atMs - nowMs) / 1000);
};
