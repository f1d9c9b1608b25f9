// What becomes of requests: every outcome of the log, and what it means to whoever pays and whoever waits.

/** Who is not served: nobody, a caller over its quota, one without a right, or one who did nothing wrong. */
export type Fate = 'passed' | 'limited' | 'refused' | 'failed';

export const OUTCOMES = {
  forwarded: 'passed',
  near_limit: 'passed',
  denied: 'limited',
  abnormal: 'limited',
  unauthorized: 'refused',
  forbidden: 'refused',
  origin_error: 'failed',
  limiter_error: 'failed',
  unavailable: 'failed',
  internal_error: 'failed',
} as const satisfies Record<string, Fate>;

export type Outcome = keyof typeof OUTCOMES;
