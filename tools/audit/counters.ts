// Whether one counter holds a quota, or several do, one in each worker: what is admitted over many connections.
import { type Audit, authorised, type Caller, isAdmitted, isLimited } from './audit-context.ts';
import { freshCaller } from './callers.ts';
import { type Declared, hasWindow } from './declared.ts';
import type { Exchange } from './http/client.ts';
import { type Limit, limitOf, refilled } from './limit.ts';
import { Inconclusive } from './stop.ts';

/** A request that was admitted: `performance.now()` before it was sent, and when its answer came. */
export interface Admission {
  readonly sentAt: number;
  readonly at: number;
}

/** One quota spent to its end, over one connection first and over many then. */
export interface Spree {
  readonly admissions: readonly Admission[];
  /** Admitted over other connections after one had been denied. */
  readonly afterDenial: number;
  /** From the first denial to the end. */
  readonly afterDenialMs: number;
}

export interface Counters {
  readonly several: boolean;
  readonly sprees: readonly Spree[];
}

/** Denials in a row, each on a connection of its own, that say that the worker which takes new connections is spent. */
const DENIALS_ALONE = 10;
/** Denials in a row, the last of them in pairs, that end a spree. */
const DENIALS = 20;
/** Requests after which a few that were admitted are taken for permits that came back. */
const ENOUGH = 32;
/** Times the quota: a budget that may be used to see all that is admitted, and not only that it is too much. */
const AMPLE = 8;
/** Times the quota: requests that end a spree of which no end is to be seen. */
const MANY = 3;
/** Times a spree's length: a window so long seldom turns in the midst of one, and hardly ever twice. */
const RARELY = 8;
/** Admitted after a denial, beyond what may have come back: a permit or two tell nothing. */
const TOLERANCE = 2;

/**
 * Found once for the whole audit. A window that turns in the midst of a spree looks like a second counter, so several
 * are believed only where a second spree, of a quota that is whole, shows the same.
 */
export const countersOf = (audit: Audit): Promise<Counters> =>
  audit.once('counters', async () => {
    const limit = await limitOf(audit);
    const first = await firstSpree(audit, limit);
    if (!(await isExcessive(limit, first))) return { several: false, sprees: [first] };
    const second = await secondSpree(audit, limit);
    audit.hasSeveralCounters = await isExcessive(limit, second);
    return { several: audit.hasSeveralCounters, sprees: [first, second] };
  });

/** The spree that the discovery of the limit began, carried on over new connections; to its end, if the budget is ample. */
const firstSpree = async (audit: Audit, limit: Limit): Promise<Spree> => {
  const ample = audit.client.budget.left >= AMPLE * limit.most;
  const rest = await spendOver(
    audit,
    audit.main,
    limit,
    (so) => (!ample || so.length > MANY * limit.most) && isOver(limit, spree(limit.spend, so)),
  );
  return spree(limit.spend, rest);
};

/** With a subject that has spent nothing, or has rested; ends as soon as more is admitted than is declared. */
const secondSpree = async (audit: Audit, limit: Limit): Promise<Spree> => {
  const caller = await freshCaller(audit, limit);
  const rest = await spendOver(audit, caller, limit, (so) => isOver(limit, spree([], so)));
  const seen = spree([], rest);
  if (!isOver(limit, seen) && !isDenied(rest, DENIALS))
    throw new Inconclusive(
      'more seems to be admitted than is declared; the budget is too small to see it twice (--max-requests)',
    );
  return seen;
};

const isOver = (limit: Limit, seen: Spree): boolean => excessOf(limit, seen) !== undefined;

/**
 * One request after another, each on a new connection; in pairs once those are denied. Not before: a counter that loses
 * updates admits too much in pairs, but only as long as it admits anything.
 */
const spendOver = async (
  audit: Audit,
  caller: Caller,
  limit: Limit,
  isEnough: (so: readonly Exchange[]) => boolean,
): Promise<Exchange[]> => {
  const exchanges: Exchange[] = [];
  let inPairs = false;
  while (audit.client.budget.left > 1 && !isEnough(exchanges) && !isSpent(limit, exchanges)) {
    if (inPairs) exchanges.push(...(await pair(audit, caller)));
    else exchanges.push(await audit.get(caller, { connection: 'fresh' }));
    inPairs ||= isDenied(exchanges, DENIALS_ALONE);
  }
  return exchanges;
};

/**
 * A request on a kept connection keeps the worker that has it busy, so that another takes up the new connection beside
 * it. Where all are idle, the one that wakes up first may take every connection.
 */
const pair = async (audit: Audit, caller: Caller): Promise<Exchange[]> => {
  const exchanges = await audit.client.burst([
    authorised(caller),
    authorised(caller, { connection: 'fresh' }),
  ]);
  return exchanges.map((exchange) => audit.note(caller, exchange));
};

const isDenied = (so: readonly Exchange[], times: number): boolean =>
  so.length >= times && so.slice(-times).every(isLimited);

/** A row of denials, or, where permits come back one by one, no more admitted than can have come back. */
const isSpent = (limit: Limit, so: readonly Exchange[]): boolean => {
  if (isDenied(so, DENIALS) || so.length > 2 * MANY * limit.most) return true;
  const last = so.slice(-ENOUGH);
  const ms = (last.at(-1)?.at ?? 0) - (last[0]?.at ?? 0);
  const perMs = Math.max(
    0,
    ...limit.declared.map(
      ({ quota, windowSeconds = Number.POSITIVE_INFINITY }) => quota / (1000 * windowSeconds),
    ),
  );
  return so.length >= ENOUGH && last.filter(isAdmitted).length <= TOLERANCE + perMs * ms;
};

/** What is admitted to several counters where nothing is declared, against one connection. */
export const undeclaredText = ({ capacity }: Limit, { admissions }: Spree): string =>
  `${admissions.length} admitted over many connections where one connection was denied after ${capacity}`;

/** @param before admitted before the first denial; `rest` is all that came then. */
const spree = (before: readonly Exchange[], rest: readonly Exchange[]): Spree => {
  const denied = before.length > 0 ? 0 : rest.findIndex(isLimited);
  const after = denied === -1 ? [] : rest.slice(denied);
  const admitted = [...before, ...rest].filter(isAdmitted);
  return {
    admissions: admitted.map(({ at, ms }) => ({ at, sentAt: at - ms })).toSorted((a, b) => a.at - b.at),
    afterDenial: after.filter(isAdmitted).length,
    afterDenialMs:
      Math.max(0, ...after.map(({ at }) => at)) - Math.min(...after.map(({ at, ms }) => at - ms)),
  };
};

/** More than is declared; where nothing is, more after a denial, or in all, than can have come back. */
const isExcessive = async (limit: Limit, seen: Spree): Promise<boolean> => {
  if (limit.declared.some(hasWindow)) return excessOf(limit, seen) !== undefined;
  if (seen.afterDenial > TOLERANCE + (await refilled(limit, seen.afterDenialMs))) return true;
  // Connections that go to the workers in turn spend all counters together: there is no denial before the last is spent.
  const ms = lasted(seen);
  const turnsRarely = (await limit.renewMs()) > RARELY * ms;
  return turnsRarely && seen.admissions.length > TOLERANCE + 1.5 * limit.most + (await refilled(limit, ms));
};

const lasted = ({ admissions }: Spree): number => (admissions.at(-1)?.at ?? 0) - (admissions[0]?.sentAt ?? 0);

export interface Excess {
  readonly declared: Declared;
  readonly admitted: number;
  readonly ms: number;
}

/** The declared quota that the spree went over, if any, with the interval in which it did so most. */
export const excessOf = (limit: Pick<Limit, 'declared'>, { admissions }: Spree): Excess | undefined =>
  limit.declared
    .filter(hasWindow)
    .map((declared) => ({ declared, ...densest(admissions, declared) }))
    .find(({ declared, admitted, ms }) => admitted > allowed(declared, ms) + tolerance(declared));

/** A quota, and what can have come back meanwhile, whatever the algorithm; a turn of a fixed window aside. */
const allowed = ({ quota, windowSeconds = Number.POSITIVE_INFINITY }: Declared, ms: number): number =>
  Math.floor(quota * (1 + ms / (1000 * windowSeconds)));

const tolerance = ({ quota }: Declared): number => Math.max(1, Math.floor(quota / 20));

/** The interval that holds most beyond what is allowed in it; as long as it can have been, sending included. */
const densest = (admissions: readonly Admission[], declared: Declared): { admitted: number; ms: number } => {
  let best = { admitted: 0, ms: 0 };
  const over = ({ admitted, ms }: typeof best) => admitted - allowed(declared, ms);
  admissions.forEach((_, i) => {
    let sentAt = Number.POSITIVE_INFINITY;
    admissions.slice(i).forEach((one, k) => {
      sentAt = Math.min(sentAt, one.sentAt);
      const interval = { admitted: k + 1, ms: one.at - sentAt };
      if (over(interval) > over(best)) best = interval;
    });
  });
  return best;
};
