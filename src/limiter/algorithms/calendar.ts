// Calendar windows, UTC, and permits by the window they were charged to. No clock, no I/O.
import type { WindowedQuota } from '../arithmetic.ts';

export interface Window {
  readonly start: number;
  readonly end: number;
}

/** Permits by the start of a window, oldest first. */
export type PermitsByWindow = readonly (readonly [start: number, permits: number])[];

const MONTHS = { month: 1, year: 12 } as const;

/** Calendar months and years begin on the first; n of them are counted from year 0, n shorter units from the epoch. */
export const windowAt = (at: number, policy: WindowedQuota): Window => {
  if (policy.unit !== 'month' && policy.unit !== 'year') {
    const start = at - (at % policy.windowMs);
    return { start, end: start + policy.windowMs };
  }
  const months = policy.count * MONTHS[policy.unit];
  const date = new Date(at);
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth();
  const first = month - (month % months);
  return { start: Date.UTC(0, first - FIRST_MONTH), end: Date.UTC(0, first + months - FIRST_MONTH) };
};

/** `Date.UTC` reads the years 0 to 99 as 1900 to 1999, so months are counted from 1900 there. */
const FIRST_MONTH = 1900 * 12;

/** Starts of the windows from the one of `from` to the one of `to`. */
export const windowsBetween = (from: number, to: number, policy: WindowedQuota): number[] => {
  const starts = [];
  for (let window = windowAt(from, policy); window.start <= to; window = windowAt(window.end, policy))
    starts.push(window.start);
  return starts;
};

export const permitsIn = (permits: PermitsByWindow, start: number): number =>
  permits.find(([other]) => other === start)?.[1] ?? 0;

export interface Spent {
  /** Start of the window, milliseconds since the epoch. */
  readonly start: number;
  readonly permits: number;
  /** What shares are charged in later windows. */
  readonly ahead?: PermitsByWindow;
}

const byWindow = (state: Spent | undefined): PermitsByWindow =>
  state === undefined ? [] : [[state.start, state.permits], ...(state.ahead ?? [])];

/** Permits charged to the window that starts then. */
export const spentIn = (state: Spent | undefined, start: number): number => permitsIn(byWindow(state), start);

const fromWindows = (windows: PermitsByWindow, current: number): Spent => {
  const ahead = windows.filter(([start, permits]) => start > current && permits > 0);
  const spent = { start: current, permits: permitsIn(windows, current) };
  return ahead.length === 0 ? spent : { ...spent, ahead };
};

/** Charges, or with negative numbers takes back, in the window of `now` and later ones. */
export const chargeWindows = (
  state: Spent | undefined,
  now: number,
  policy: WindowedQuota,
  growth: PermitsByWindow,
): Spent => {
  const starts = new Set([...byWindow(state), ...growth].map(([start]) => start));
  const windows = [...starts]
    .sort((a, b) => a - b)
    .map((start) => [start, spentIn(state, start) + permitsIn(growth, start)] as const);
  return fromWindows(windows, windowAt(now, policy).start);
};

/** Without the windows that start after `end`. */
export const dropWindows = (state: Spent, end: number): Spent =>
  fromWindows(
    byWindow(state).filter(([start]) => start <= end),
    state.start,
  );

/** When the last window that has permits ends; 0 where none has. */
export const latestEnd = (state: Spent, policy: WindowedQuota): number =>
  Math.max(
    0,
    ...byWindow(state).map(([start, permits]) => (permits === 0 ? 0 : windowAt(start, policy).end)),
  );
