// What a million requests cost beyond the allowances: Cloudflare's list prices of 2026, in dollars. Pure.

/** A million requests of a Worker; a million milliseconds of its processor time. */
const REQUESTS = 0.3;
const CPU_MS = 0.02;

/** A million calls of objects; a million gigabyte-seconds of objects at work; a million rows written. */
const CALLS = 0.15;
const DURATION = 12.5;
const ROWS = 1;

/** What an object is billed for, in gigabytes, and for how long a call keeps it at work, in seconds: taken high. */
const OBJECT_GB = 0.128;
const CALL_SECONDS = 0.01;

export interface Usage {
  readonly cpuUs: number;
  readonly callsPer1000: number;
  readonly rowsPer1000: number;
}

/** Dollars per million requests. */
export const dollars = ({ cpuUs, callsPer1000, rowsPer1000 }: Usage): number => {
  const calls = callsPer1000 / 1000;
  const duration = calls * CALL_SECONDS * OBJECT_GB * DURATION;
  return REQUESTS + (cpuUs / 1000) * CPU_MS + calls * CALLS + duration + (rowsPer1000 / 1000) * ROWS;
};
