// How many requests come at one lease, and for how long they have: what is asked for ahead goes by it. Plain data and
// functions of it; no clock, no I/O.

/** A caller is hot once it has had no pause of this length for that long. */
const PAUSE_MS = 500;
const HOT_AFTER_MS = 500;

/** Arrivals are counted over this. */
const RATE_MS = 250;

/** The requests of late. */
export interface Arrivals {
  /** In the running stretch of time and in the one before it, and when these began. */
  count: number;
  before: number;
  countedFrom: number;
  countedFromBefore: number;
  /** The first and the last since a pause. */
  busySince: number;
  last: number;
}

/** None has come yet. */
export const newArrivals = (): Arrivals => ({
  count: 0,
  before: 0,
  countedFrom: 0,
  countedFromBefore: 0,
  busySince: 0,
  last: 0,
});

/** Counts a request: what is lent ahead goes by how many come. */
export const arrive = (arrivals: Arrivals, now: number): void => {
  if (now - arrivals.last >= PAUSE_MS) arrivals.busySince = now;
  arrivals.last = now;
  if (now - arrivals.countedFrom >= RATE_MS) {
    arrivals.before = arrivals.count;
    arrivals.countedFromBefore = arrivals.countedFrom;
    arrivals.count = 0;
    arrivals.countedFrom = now;
  }
  arrivals.count++;
};

/** Whether a caller is hot: it has had no pause for a while. */
export const isHot = ({ last, busySince }: Arrivals, now: number): boolean =>
  now - last < PAUSE_MS && last - busySince >= HOT_AFTER_MS;

/** Requests a millisecond, of late. */
export const arrivalsPerMs = ({ count, before, countedFromBefore }: Arrivals, now: number): number =>
  (count + before - 1) / Math.max(RATE_MS, now - countedFromBefore);
