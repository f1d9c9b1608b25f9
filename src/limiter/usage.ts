// Unusual use: a subject's last minute against the moving average of its own busy minutes. No clock, no I/O.

const MINUTE_MS = 60_000;

/** Fewer requests in a minute are never unusual. */
const LEAST_REQUESTS = 30;

/** Busy minutes it takes to know what is usual. */
const LEAST_MINUTES = 10;

/** Busy minutes that the average looks back over: hours of ordinary use. */
const MINUTES = 120;

/** After so long without a request, what was usual is forgotten. */
const FORGET_MS = 12 * 60 * MINUTE_MS;

/** Minutes are counted from the epoch. */
export interface Usage {
  readonly minute: number;
  /** Requests in `minute`, and in the one before it. */
  readonly count: number;
  readonly before: number;
  /** Requests in a busy minute, up to `minute`. */
  readonly average: number;
  /** Busy minutes in the average, at most `MINUTES`. */
  readonly minutes: number;
  /** The minute of the last report. */
  readonly reported: number;
}

/** Counts `requests`. `factor`: how many times the average is unusual. */
export const addUse = (usage: Usage | undefined, now: number, requests: number, factor: number): Usage => {
  const minute = Math.floor(now / MINUTE_MS);
  const current =
    usage === undefined || now >= forgottenAt(usage) ? fresh(minute) : turned(usage, minute, factor);
  return { ...current, count: current.count + requests };
};

const fresh = (minute: number): Usage => ({
  minute,
  count: 0,
  before: 0,
  average: 0,
  minutes: 0,
  reported: 0,
});

/** At a new minute the last busy one goes into the average; an unusual one as if it were just usual still. */
const turned = (usage: Usage, minute: number, factor: number): Usage => {
  if (minute <= usage.minute) return usage;
  const minutes = Math.min(MINUTES, usage.minutes + 1);
  const count = isJudged(usage) ? Math.min(usage.count, thresholdOf(usage, factor)) : usage.count;
  return {
    ...usage,
    minute,
    count: 0,
    before: minute === usage.minute + 1 ? usage.count : 0,
    average: usage.average + (count - usage.average) / minutes,
    minutes,
  };
};

const isJudged = ({ minutes }: Usage): boolean => minutes >= LEAST_MINUTES;

const thresholdOf = ({ average }: Usage, factor: number): number =>
  Math.max(LEAST_REQUESTS, average * factor);

/** Whether the minute up to `now` is `factor` times the average, and at least 30 requests. */
export const isUnusual = (usage: Usage, now: number, factor: number): boolean =>
  isJudged(usage) && lastMinute(usage, now) >= thresholdOf(usage, factor);

/** The part of the minute before that lies within the last 60 s is taken to be spread evenly over it. */
const lastMinute = ({ minute, count, before }: Usage, now: number): number =>
  count + (before * ((minute + 1) * MINUTE_MS - now)) / MINUTE_MS;

/** Milliseconds until use is no longer unusual if no more requests come. */
export const calmsInMs = (usage: Usage, now: number, factor: number): number => {
  const { minute, count, before } = usage;
  const threshold = thresholdOf(usage, factor);
  const end = (minute + 1) * MINUTE_MS;
  // Either what is left of the minute before has to leave the last 60 s, or what this minute has had.
  const calm =
    count < threshold
      ? end - (MINUTE_MS * (threshold - count)) / before
      : end + MINUTE_MS - (MINUTE_MS * threshold) / count;
  return Math.max(1, Math.floor(calm - now) + 1);
};

/** When it is worth nothing any more. */
export const forgottenAt = ({ minute }: Usage): number => minute * MINUTE_MS + FORGET_MS;
