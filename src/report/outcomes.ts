// What becomes of requests: every outcome in the log, and who was not served.

/** The caller was served; was over its quota; had no right to it; or did nothing wrong and was not served. */
export type Fate = 'passed' | 'limited' | 'refused' | 'failed';

export const OUTCOMES = {
  forwarded: 'passed',
  near_limit: 'passed',
  denied: 'limited',
  abnormal: 'limited',
  invalid: 'refused',
  unauthorized: 'refused',
  forbidden: 'refused',
  origin_error: 'failed',
  limiter_error: 'failed',
  unavailable: 'failed',
  internal_error: 'failed',
} as const satisfies Record<string, Fate>;

export type Outcome = keyof typeof OUTCOMES;
